"""What the three agent programs of the field put into their calls, word for word.

A is the agent that bakes images (version 4.0.0), B the older one (3.2.0), C the one that polls for
replicas (it says 4.0.0, too). They differ in fields and in how they write times.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from spot_optimizer.simulation.machines import Machine, Mode
from spot_optimizer.simulation.pools import Pool

Payload = dict[str, object]

CLEANUP_AGE: Final = timedelta(days=7)
"""Snapshots and images older than this are what an agent's clean-up looks for."""


class Program(StrEnum):
    """Which agent program runs on a machine."""

    A = "A"
    B = "B"
    C = "C"

    @property
    def version(self) -> str:
        return "3.2.0" if self is Program.B else "4.0.0"

    def stamp(self, at: datetime) -> str:
        """A time as the program writes it: A and B without zone, C with the offset."""
        return at.isoformat() if self is Program.C else at.replace(tzinfo=None).isoformat()

    def switch_stamp(self, at: datetime) -> str:
        """A time in a switch report: A and B end it in Z, C writes the offset."""
        return at.isoformat() if self is Program.C else f"{at.replace(tzinfo=None).isoformat()}Z"


@dataclass(frozen=True, slots=True)
class Quotes:
    """Prices an agent has read from AWS, USD per hour; the pools are those of type and region."""

    on_demand: Decimal
    pools: Sequence[tuple[Pool, Decimal]]

    def of(self, pool: Pool) -> Decimal | None:
        return dict(self.pools).get(pool)


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchCourse:
    """The real times at which a switch came along; None for what did not happen."""

    initiated_at: datetime
    image_at: datetime | None = None
    launched_at: datetime
    ready_at: datetime
    traffic_at: datetime
    old_ended_at: datetime | None = None


def aws_stamp(at: datetime) -> str:
    """A time as AWS writes it and agents hand it on: whole seconds, ending in Z."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def registration(program: Program, token: str, logical_id: str, machine: Machine) -> Payload:
    payload: Payload = {
        "client_token": token,
        "hostname": machine.hostname,
        "instance_id": machine.instance_id,
        "instance_type": machine.pool.instance_type,
        "region": machine.pool.region,
        "az": machine.pool.az,
        "ami_id": machine.ami_id,
        "agent_version": program.version,
        "logical_agent_id": logical_id,
    }
    if program is Program.B:
        return payload
    return payload | {
        "mode": machine.mode,
        "private_ip": machine.private_ip,
        "public_ip": machine.public_ip,
    }


def heartbeat(program: Program, machine: Machine, *, enabled: bool, facts_known: bool) -> Payload:
    """`facts_known` is false when the metadata service was slow: type and zone are then null."""
    payload: Payload = {
        "status": "online" if enabled else "disabled",
        "monitored_instances": [machine.instance_id],
    }
    if program is Program.B:
        return payload
    return payload | {
        "instance_id": machine.instance_id,
        "instance_type": machine.pool.instance_type if facts_known else None,
        "mode": machine.mode,
        "az": machine.pool.az if facts_known else None,
    }


def last_heartbeat() -> Payload:
    return {"status": "offline", "monitored_instances": []}


def pricing_report(program: Program, machine: Machine, quotes: Quotes, at: datetime) -> Payload:
    instance: Payload = {
        "instance_id": machine.instance_id,
        "instance_type": machine.pool.instance_type,
        "region": machine.pool.region,
        "az": machine.pool.az,
    }
    spot_pools = [
        {
            "pool_id": pool.id,
            "instance_type": pool.instance_type,
            "az": pool.az,
            "price": float(price),
        }
        for pool, price in quotes.pools
    ]
    if program is Program.B:
        return {
            "instance": instance
            | {"current_mode": machine.mode, "current_pool_id": machine.pool_id},
            "on_demand_price": {"price": float(quotes.on_demand)},
            "spot_pools": spot_pools,
        }
    on_spot = machine.mode == "spot"
    return {
        "instance": instance | {"mode": machine.mode, "pool_id": machine.pool_id},
        "pricing": {
            "on_demand_price": float(quotes.on_demand),
            "current_spot_price": _number(quotes.of(machine.pool)) if on_spot else None,
            "cheapest_pool": _cheapest(quotes) if on_spot else None,
            "spot_pools": spot_pools,
            "collected_at": program.stamp(at),
        },
    }


def cleanup_report(program: Program, at: datetime, *, has_something_to_remove: bool) -> Payload:
    """C compares naive with aware times and fails as soon as there is something to remove."""
    stamped = program.stamp(at)
    if program is Program.C and has_something_to_remove:
        outcome: Payload = {"error": "can't compare offset-naive and offset-aware datetimes"}
    else:
        outcome = {"cutoff_date": program.stamp(at - CLEANUP_AGE)}
    snapshots: Payload = {"type": "snapshots", "deleted": [], "failed": []}
    amis: Payload = {"type": "amis", "deleted_amis": [], "deleted_snapshots": [], "failed": []}
    return {"timestamp": stamped, "snapshots": snapshots | outcome, "amis": amis | outcome}


def rebalance_recommendation(program: Program, machine: Machine, detected_at: datetime) -> Payload:
    return {"instance_id": machine.instance_id, "detected_at": program.stamp(detected_at)}


def termination_imminent(
    program: Program, machine: Machine, reclaim_at: datetime, detected_at: datetime
) -> Payload:
    return {
        "instance_id": machine.instance_id,
        "termination_time": aws_stamp(reclaim_at),
        "detected_at": program.stamp(detected_at),
    }


def switch_report(
    program: Program,
    old: Machine,
    new: Machine,
    quotes: Quotes,
    course: SwitchCourse,
    *,
    target_mode: Mode,
    trigger: str,
) -> Payload:
    """The new instance is reported in the mode that was ordered, whatever it really runs in."""
    return {
        "old_instance": _reported_machine(old),
        "new_instance": _reported_machine(new) | {"mode": target_mode},
        "snapshot": _snapshot(program, new),
        "prices": _switch_prices(program, old, new, quotes),
        "timing": _timing(program, course),
        "trigger": trigger,
    }


def _reported_machine(machine: Machine) -> Payload:
    return {
        "instance_id": machine.instance_id,
        "instance_type": machine.pool.instance_type,
        "region": machine.pool.region,
        "az": machine.pool.az,
        "ami_id": machine.ami_id,
        "mode": machine.mode,
        "pool_id": machine.pool_id,
    }


def _snapshot(program: Program, new: Machine) -> Payload:
    digits = new.instance_id.removeprefix("i-")
    match program:
        case Program.A:
            name = f"spot-optimizer-{digits[:8]}"
            return {"used": True, "ami_id": new.ami_id, "ami_name": name}
        case Program.B:
            return {"used": True, "snapshot_id": f"snap-{digits}", "volume_id": f"vol-{digits}"}
        case Program.C:
            return {"used": False}


def _switch_prices(program: Program, old: Machine, new: Machine, quotes: Quotes) -> Payload:
    prices: Payload = {"on_demand": float(quotes.on_demand)}
    for name, machine in (("old_spot", old), ("new_spot", new)):
        found = _number(quotes.of(machine.pool)) if machine.mode == "spot" else None
        if program is not Program.B:
            prices[name] = found
        elif machine.mode == "spot":
            prices[name] = 0.0 if found is None else found
    return prices


def _timing(program: Program, course: SwitchCourse) -> Payload:
    def stamp(at: datetime | None) -> str | None:
        return None if at is None else program.switch_stamp(at)

    initiated: Mapping[str, str | None] = {"switch_initiated_at": stamp(course.initiated_at)}
    launched = {"new_instance_launched_at": stamp(course.launched_at)}
    taken_over = {
        "new_instance_ready_at": stamp(course.ready_at),
        "traffic_switched_at": stamp(course.traffic_at),
    }
    ended = {"old_instance_terminated_at": stamp(course.old_ended_at)}
    match program:
        case Program.A:
            image = {
                "snapshot_created_at": stamp(course.image_at),
                "ami_created_at": stamp(course.image_at),
            }
            return {**initiated, **image, **launched, **taken_over, **ended}
        case Program.B:
            return {**initiated, **taken_over, **ended}
        case Program.C if course.old_ended_at is None:
            return {**initiated, **launched, **taken_over}
        case Program.C:
            return {**initiated, **launched, **taken_over, **ended}


def _cheapest(quotes: Quotes) -> Payload | None:
    if not quotes.pools:
        return None
    pool, price = min(quotes.pools, key=lambda quoted: (quoted[1], quoted[0].id))
    return {"pool_id": pool.id, "price": float(price)}


def _number(price: Decimal | None) -> float | None:
    return None if price is None else float(price)
