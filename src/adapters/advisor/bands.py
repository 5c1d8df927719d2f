"""The bands of the AWS Spot Instance Advisor, as AWS publishes them."""

import gzip
import json
from collections.abc import Mapping
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Final, TypeAlias

from spot_optimizer.domain.placement.outlook import BAND_MONTHLY, UNKNOWN_BAND

_PACKAGED: Final = "packaged/bands_2024-02-28.json.gz"
_SYSTEM: Final = "Linux"

Bands: TypeAlias = Mapping[tuple[str, str], int]
"""By region and instance type."""


class BandsUnreadable(Exception):
    """The message says why."""


class SpotAdvisor:
    """What the operator's file says, else what came with the server; read when first asked."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file

    def band(self, instance_type: str, region: str) -> int:
        """From 0, the calmest, to 4; UNKNOWN_BAND where nothing is said."""
        return self._bands.get((region, instance_type), UNKNOWN_BAND)

    @cached_property
    def _bands(self) -> Bands:
        packaged = files("spot_optimizer.adapters.advisor").joinpath(_PACKAGED).read_bytes()
        own = {} if self._file is None else bands_in(self._file)
        return {**_read(gzip.decompress(packaged)), **own}


def bands_in(file: Path) -> Bands:
    """Of a file in the format of https://spot-bid-advisor.s3.amazonaws.com/spot-advisor-data.json.

    Raises:
        BandsUnreadable: it cannot be read, or is none.
    """
    try:
        return _read(file.read_bytes())
    except OSError as error:
        raise BandsUnreadable(f"{file}: {error.strerror or error}") from error


def _read(content: bytes) -> Bands:
    """Bands that the advisor does not have are left out."""
    try:
        regions = json.loads(content)["spot_advisor"]
        return {
            (str(region), str(instance_type)): said["r"]
            for region, systems in regions.items()
            for instance_type, said in systems.get(_SYSTEM, {}).items()
            if type(said["r"]) is int and 0 <= said["r"] < len(BAND_MONTHLY)
        }
    except (ValueError, LookupError, AttributeError, TypeError) as error:
        raise BandsUnreadable("is not what the Spot Instance Advisor publishes") from error
