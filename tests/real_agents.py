"""What the three agent programs in the field send (contract real-agents section 2)."""

from __future__ import annotations

from tests.application_under_test import OWNER_TOKEN, Api, Json, Store
from tests.contract.recording import Row

HERE, THERE = "t3.medium.us-east-1a", "t3.medium.us-east-1b"
POOLS: list[Json] = [
    {"pool_id": HERE, "instance_type": "t3.medium", "az": "us-east-1a", "price": 0.0125},
    {"pool_id": THERE, "instance_type": "t3.medium", "az": "us-east-1b", "price": 0.011},
    {
        "pool_id": "t3.medium.us-east-1c",
        "instance_type": "t3.medium",
        "az": "us-east-1c",
        "price": 0.0131,
    },
]
FACTS: Json = {
    "client_token": OWNER_TOKEN,
    "hostname": "ip-10-0-0-1",
    "instance_id": "i-1",
    "instance_type": "t3.medium",
    "region": "us-east-1",
    "az": "us-east-1a",
    "ami_id": "ami-1",
    "logical_agent_id": "web",
}
STARTS: dict[str, Json] = {
    "A": {
        **FACTS,
        "agent_version": "4.0.0",
        "mode": "spot",
        "private_ip": "10.0.0.1",
        "public_ip": None,
    },
    "B": {**FACTS, "agent_version": "3.2.0"},
    "C": {
        **FACTS,
        "agent_version": "4.0.0",
        "mode": "spot",
        "private_ip": "10.0.0.1",
        "public_ip": "3.3.3.3",
    },
}
INSTANCE: Json = {
    "instance_id": "i-1",
    "instance_type": "t3.medium",
    "region": "us-east-1",
    "az": "us-east-1a",
}
PRICES: dict[str, Json] = {
    "A": {
        "instance": {**INSTANCE, "mode": "spot", "pool_id": HERE},
        "pricing": {
            "on_demand_price": 0.0416,
            "current_spot_price": 0.0125,
            "cheapest_pool": {"pool_id": THERE, "price": 0.011},
            "spot_pools": POOLS,
            "collected_at": "2025-06-17T11:59:30.927104",
        },
    },
    "B": {
        "instance": {**INSTANCE, "current_mode": "spot", "current_pool_id": HERE},
        "on_demand_price": {"price": 0.0416},
        "spot_pools": POOLS,
    },
    "C": {
        "instance": {**INSTANCE, "mode": "spot", "pool_id": HERE},
        "pricing": {
            "on_demand_price": 0.0416,
            "current_spot_price": 0.0125,
            "cheapest_pool": {"pool_id": THERE, "price": 0.011},
            "spot_pools": POOLS,
            "collected_at": "2025-06-17T11:59:30.927104+00:00",
        },
    },
}
ALIVE: dict[str, Json] = {
    "A": {
        "status": "online",
        "monitored_instances": ["i-1"],
        "instance_id": "i-1",
        "instance_type": "t3.medium",
        "mode": "spot",
        "az": "us-east-1a",
    },
    "B": {"status": "online", "monitored_instances": ["i-1"]},
    "C": {
        "status": "online",
        "monitored_instances": ["i-1"],
        "instance_id": "i-1",
        "instance_type": None,
        "mode": "spot",
        "az": None,
    },
}
FAREWELL: Json = {"status": "offline", "monitored_instances": []}
PROGRAMS = ("A", "B", "C")
ENDS: Json = {
    "old_instance": {
        "instance_id": "i-1",
        "instance_type": "t3.medium",
        "region": "us-east-1",
        "az": "us-east-1a",
        "ami_id": "ami-1",
        "mode": "spot",
        "pool_id": HERE,
    },
    "new_instance": {
        "instance_id": "i-2",
        "instance_type": "t3.medium",
        "region": "us-east-1",
        "az": "us-east-1b",
        "ami_id": "ami-2",
        "mode": "spot",
        "pool_id": THERE,
    },
    "prices": {"on_demand": 0.0416, "old_spot": 0.02, "new_spot": 0.0125},
    "trigger": "manual",
}
REPORTS: dict[str, Json] = {
    "A": {
        **ENDS,
        "snapshot": {"used": True, "ami_id": "ami-2", "ami_name": "web-baked"},
        "timing": {
            "switch_initiated_at": "2025-06-17T12:00:30.927104Z",
            "snapshot_created_at": "2025-06-17T12:01:00Z",
            "ami_created_at": "2025-06-17T12:02:00Z",
            "new_instance_launched_at": "2025-06-17T12:03:00Z",
            "new_instance_ready_at": "2025-06-17T12:03:30Z",
            "traffic_switched_at": "2025-06-17T12:03:32Z",
            "old_instance_terminated_at": "2025-06-17T12:08:32Z",
        },
    },
    "B": {
        **ENDS,
        "snapshot": {"used": True, "snapshot_id": "snap-1", "volume_id": "vol-1"},
        "timing": {
            "switch_initiated_at": "2025-06-17T12:00:30.927104",
            "new_instance_ready_at": "2025-06-17T12:03:30.1",
            "traffic_switched_at": "2025-06-17T12:03:32.1",
            "old_instance_terminated_at": "2025-06-17T12:08:32.1",
        },
    },
    "C": {
        **ENDS,
        "snapshot": {"used": False},
        "timing": {
            "switch_initiated_at": "2025-06-17T12:00:30.927104+00:00",
            "new_instance_launched_at": "2025-06-17T12:03:00.1+00:00",
            "new_instance_ready_at": "2025-06-17T12:03:30.1+00:00",
            "traffic_switched_at": "2025-06-17T12:03:32.1+00:00",
            "old_instance_terminated_at": "2025-06-17T12:08:32.1+00:00",
        },
    },
}


def start(api: Api, program: str, **said: Json) -> str:
    answer = api.post("/api/agents/register", {**STARTS[program], **said})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["agent_id"])


def successor(api: Api, **said: Json) -> str:
    """The agent on the new instance, which boots minutes before the old one reports."""
    return api.register(
        **{"instance_id": "i-2", "az": "us-east-1b", "ami_id": "ami-2", "mode": "spot", **said}
    )


def took(api: Api, path: str, body: Json = None) -> None:
    answer = api.post(path, body)
    assert (answer.status_code, answer.json()["success"]) == (200, True), answer.text


def instance(store: Store, instance_id: str) -> Row:
    return next(row for row in store.rows("instances") if row["id"] == instance_id)
