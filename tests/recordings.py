"""A folder of recorded files, small enough to read."""

import gzip
import json
from pathlib import Path
from typing import Any, Final

AGENTS: Final[dict[str, Any]] = {
    "price_sets": {
        "us-east-1": {
            "file": "prices.csv.gz",
            "grid_start": "2024-05-01T00:00:00Z",
            "eval_start": "2024-05-01T01:00:00Z",
            "eval_end": "2024-05-01T02:00:00Z",
            "band_snapshot": "2024-02-28",
        }
    },
    "agents": [
        {
            "id": "flexible",
            "track": "price",
            "region": "us-east-1",
            "instance_types": ["c5.large", "m5.large"],
            "od_type": "cheapest",
        },
        {
            "id": "probed",
            "track": "avail",
            "file": "probes.csv.gz",
            "pools": ["us-east-1b|m5.large", "us-east-1a|m5.large"],
            "spot_price": 0.04,
            "od_price": 0.1,
            "eval_start": "2024-05-01T00:10:00Z",
        },
    ],
}
_PRICES = """timestamp,region,az,instance_type,price_usd_hour
2024-04-30T12:00:00Z,us-east-1,us-east-1b,m5.large,0.041
2024-04-30T12:00:00Z,us-east-1,us-east-1a,m5.large,0.040
2024-05-01T00:30:00Z,us-east-1,us-east-1a,m5.large,0.050
2024-05-01T00:00:00Z,us-east-1,us-east-1a,c5.large,0.030
2024-05-01T00:30:00Z,us-east-1,us-east-1c,m5.large,0.010
"""
_ON_DEMAND = """region,instance_type,od_price_usd_hour
us-east-1,m5.large,0.096
us-east-1,c5.large,0.085
eu-west-1,c5.large,0.001
"""
_BANDS = """snapshot_date,region,instance_type,band,savings_pct
2024-02-28,us-east-1,m5.large,3,60
2021-02-10,us-east-1,m5.large,0,60
2024-02-28,us-east-1,t3.large,2,60
"""
_PROBES = """timestamp,us-east-1a|m5.large,us-east-1b|m5.large
2024-05-01T00:00:00Z,1,0
2024-05-01T00:10:00Z,1,1
2024-05-01T00:20:00Z,0,1
"""


def put_recording(folder: Path) -> Path:
    """The agents and all files that they name."""
    (folder / "agents.json").write_text(json.dumps(AGENTS))
    for name, text in (
        ("prices", _PRICES),
        ("on_demand_prices", _ON_DEMAND),
        ("interruption_bands", _BANDS),
        ("probes", _PROBES),
    ):
        (folder / f"{name}.csv.gz").write_bytes(gzip.compress(text.encode()))
    return folder
