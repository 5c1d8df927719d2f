"""Judges what decides about placement on recorded time: what it would have cost, and lost."""
