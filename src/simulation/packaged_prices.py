"""The prices that come with the package; their sources and licences are in packaged/SOURCES.md."""

import csv
import gzip
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from spot_optimizer.simulation.pools import Pool

PACKAGED_SOURCE: Final = (
    "SpotLake instant of 2022-07-12 04:20 UTC "
    "(ddps-lab/spot-checker @6b2b564, Apache-2.0); its movement is simulated"
)
ON_DEMAND_SOURCE: Final = (
    "vantage-sh/ec2instances.info @4ef36cd (MIT), LeanerCloud/ec2-instances-info @32acf84 "
    "(Unlicense-style), aws/karpenter-provider-aws @1d92708 (Apache-2.0)"
)
_HOME_REGION: Final = "us-east-1"


@cache
def packaged_instant() -> Mapping[Pool, Decimal]:
    """Spot price of each packaged pool in USD per hour, at one real instant."""
    text = _folder().joinpath("spotlake_2022-07-12.csv").read_text(encoding="utf-8")
    return {
        Pool(row["region"], row["instance_type"], row["az"]): Decimal(row["price_usd_hour"])
        for row in csv.DictReader(text.splitlines())
    }


def list_price(region: str, instance_type: str) -> Decimal | None:
    """On-demand list price in USD per hour.

    Of a region that is not listed, the price in us-east-1, the most complete list, stands in.
    """
    listed = _list_prices()
    return listed.get((region, instance_type)) or listed.get((_HOME_REGION, instance_type))


@cache
def _list_prices() -> Mapping[tuple[str, str], Decimal]:
    packed = _folder().joinpath("on_demand_prices.csv.gz").read_bytes()
    return {
        (row["region"], row["instance_type"]): Decimal(row["price_usd_hour"])
        for row in csv.DictReader(gzip.decompress(packed).decode("utf-8").splitlines())
    }


def _folder() -> Traversable:
    return files("spot_optimizer.simulation") / "packaged"
