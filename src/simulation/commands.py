"""Orders as agents read them from `pending-commands`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from spot_optimizer.simulation.machines import Mode

CREATE_REPLICA: Final = "create_replica"
_LEAST_MANUAL_PRIORITY: Final = 50
_ENVELOPES: Final = ("commands", "pending_commands", "data")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One pending command. Without a mode nobody can carry it out."""

    command_id: str
    command_type: str
    target_mode: Mode | None
    target_pool_id: str | None
    priority: int
    terminate_wait_s: float
    """Seconds before the old instance is ended; 0 keeps it. Only C obeys this."""

    @property
    def trigger(self) -> str:
        return "manual" if self.priority >= _LEAST_MANUAL_PRIORITY else "model"


def read_orders(body: object) -> Iterator[Order]:
    """The commands of an answer, a list or an object around one; what has no id is skipped."""
    if isinstance(body, dict):
        body = next((body[name] for name in _ENVELOPES if body.get(name)), [])
    for item in body if isinstance(body, list) else []:
        if not isinstance(item, dict) or not item.get("id"):
            continue
        yield Order(
            command_id=str(item["id"]),
            command_type=str(item.get("command_type") or "switch"),
            target_mode=_mode(item.get("target_mode")),
            target_pool_id=str(item["target_pool_id"]) if item.get("target_pool_id") else None,
            priority=int(_number(item.get("priority"))),
            terminate_wait_s=_number(item.get("terminate_wait_seconds")),
        )


def _mode(value: object) -> Mode | None:
    match value:
        case "spot":
            return "spot"
        case "ondemand":
            return "ondemand"
        case _:
            return None


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
