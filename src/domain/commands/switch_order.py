"""May this switch be ordered? The checks stand in the order that callers know (A14)."""

from dataclasses import dataclass
from decimal import Decimal

from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.commands.command import PRIORITY_NORMAL, Target
from spot_optimizer.domain.errors import Forbidden, Refused, ValidationFailed
from spot_optimizer.domain.identifiers import POOL_ID_LENGTH, PoolId
from spot_optimizer.domain.values import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchOrder:
    """As it was asked for; anything may be in it."""

    target_mode: object = None
    target_pool_id: object = None
    priority: object = None

    @property
    def checked_priority(self) -> int:
        if self.priority is None:
            return PRIORITY_NORMAL
        if isinstance(self.priority, bool) or not isinstance(self.priority, int):
            raise ValidationFailed(
                "Validation failed", details={"priority": ["Not a valid integer."]}
            )
        return self.priority


def admit(agent: Agent, order: SwitchOrder) -> Target:
    """Where the switch leads.

    Raises:
        Refused: the agent is disabled.
        Forbidden: it must not be switched automatically.
        ValidationFailed: the target means nothing.
    """
    if not agent.settings.enabled:
        raise Refused("Agent is disabled", hint="Enable the agent first")
    if not agent.settings.auto_switch_enabled:
        raise Forbidden(
            "Auto-switch is disabled for this agent",
            hint="Enable auto_switch_enabled in agent settings, or use manual switch from UI",
            auto_switch_enabled=False,
        )
    if order.target_mode == Mode.ON_DEMAND:
        return Target(mode=Mode.ON_DEMAND, pool_id=None)
    if order.target_mode == Mode.SPOT:
        return Target(mode=Mode.SPOT, pool_id=_pool(order.target_pool_id))
    raise ValidationFailed("Invalid target_mode")


def _pool(value: object) -> PoolId:
    if value is None or value == "":
        raise ValidationFailed("target_pool_id required for spot mode")
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ValidationFailed(
            "Validation failed", details={"target_pool_id": ["Not a valid string."]}
        )
    text = str(value)
    if len(text) > POOL_ID_LENGTH:
        raise ValidationFailed(
            "Validation failed",
            details={"target_pool_id": [f"Longer than maximum length {POOL_ID_LENGTH}."]},
        )
    return PoolId(text)
