"""A spot pool: one instance type in one zone."""

import re
from dataclasses import dataclass
from typing import Final

_REGION: Final = re.compile(r"[a-z]{2,}(?:-[a-z]+)+-\d+")


@dataclass(frozen=True, slots=True, order=True)
class Pool:
    """Where spot instances of one type have one price."""

    region: str
    instance_type: str
    az: str

    @property
    def id(self) -> str:
        """The text agents and server use, as `t3.medium.us-east-1a`."""
        return f"{self.instance_type}.{self.az}"

    @property
    def group(self) -> tuple[str, str]:
        """Region and type: within a group an agent may move, and the on-demand price is one."""
        return (self.region, self.instance_type)


def region_of(az: str) -> str:
    """The region a zone lies in, also for local zones; an empty text when it cannot be told."""
    found = _REGION.match(az)
    return found.group() if found else ""
