"""Spot Optimizer: a self-hosted control plane for AWS EC2 spot fleets."""
