from typing import Protocol

from spot_optimizer.domain.placement.outlook import UNKNOWN_BAND


class Advisor(Protocol):
    """What AWS says of how often instances are reclaimed."""

    def band(self, instance_type: str, region: str) -> int:
        """Of the Spot Instance Advisor, from 0 to 4; UNKNOWN_BAND where nothing is said."""
        ...


class NoAdvisor:
    def band(self, instance_type: str, region: str) -> int:
        return UNKNOWN_BAND
