"""What the agent programs say about standbys and emergencies, word for word.

Only A and C know of them: A posts a standby that it launched after a notice, C whatever it launches
for the server.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from spot_optimizer.simulation.machines import Machine
from spot_optimizer.simulation.payloads import Payload, Program, aws_stamp

Signal = Literal["rebalance-recommendation", "termination-notice"]

NO_CAPACITY: Final = (
    "An error occurred (InsufficientInstanceCapacity) when calling the RunInstances operation: "
    "There is no Spot capacity available that matches your request."
)
"""In AWS's own words, which C hands on."""


@dataclass(frozen=True, slots=True)
class WantedReplica:
    """A replica the server waits for: to be launched in this pool."""

    replica_id: str
    pool_id: str


def read_wanted_replicas(body: object) -> Iterator[WantedReplica]:
    """The replicas of a list, bare or in an object; what lacks id, pool or zone is skipped."""
    listed = body.get("replicas") if isinstance(body, dict) else body
    for item in listed if isinstance(listed, list) else []:
        if isinstance(item, dict) and all(item.get(key) for key in ("id", "pool_id", "az")):
            yield WantedReplica(str(item["id"]), str(item["pool_id"]))


def emergency_request(signal: Signal, machine: Machine, reclaim_at: datetime | None) -> Payload:
    """`reclaim_at` belongs to a notice only."""
    payload: Payload = {"signal_type": signal, "instance_id": machine.instance_id}
    return payload if reclaim_at is None else payload | {"termination_time": aws_stamp(reclaim_at)}


def running_standby(program: Program, standby: Machine, parent: Machine) -> Payload:
    """A standby that was launched before the server has a replica for it."""
    return {
        "instance_id": standby.instance_id,
        "replica_type": "emergency" if program is Program.A else "manual",
        "parent_instance_id": parent.instance_id,
        "pool_id": standby.pool.id,
        "status": "ready" if program is Program.A else "launching",
    }


def launched_replica(standby: Machine) -> Payload:
    return {"instance_id": standby.instance_id, "status": "syncing"}


def replica_syncing(program: Program, at: datetime) -> Payload:
    return {"status": "syncing", "sync_started_at": program.stamp(at)}


def replica_ready(program: Program, at: datetime) -> Payload:
    return {"status": "ready", "sync_completed_at": program.stamp(at)}


def replica_failed(reason: str) -> Payload:
    return {"status": "failed", "error_message": reason}
