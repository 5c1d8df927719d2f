"""Seeded chance: the same seed and subject always give the same draws."""

from random import Random


def chance(seed: int, *subject: object) -> Random:
    """Draws for one subject, so that one agent's draws do not depend on the others' order."""
    return Random("/".join(map(str, (seed, *subject))))  # noqa: S311 - nothing here is secret


def branch(draws: Random) -> Random:
    """Draws of their own, so that how often they are used changes nothing for `draws`."""
    return Random(draws.getrandbits(64))  # noqa: S311 - nothing here is secret
