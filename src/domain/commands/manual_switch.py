"""A person orders a switch (contract/clients-and-notifications.md 6.6)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.agents.instances import Instance
from spot_optimizer.domain.commands.command import (
    PRIORITY_MANUAL,
    TRIGGERED_BY_USER,
    Command,
    Target,
)
from spot_optimizer.domain.errors import Forbidden, NotFound, ValidationFailed
from spot_optimizer.domain.identifiers import CommandId, InstanceId, PoolId, pool_of
from spot_optimizer.domain.pricing.pool_choice import PricedPool, cheapest_other
from spot_optimizer.domain.pricing.report import SpotPool
from spot_optimizer.domain.values import Mode

CREATED_BY_USER: Final = "manual"

# The words a dashboard may use, in the order in which a refusal lists them.
TARGETS: Final = ("ondemand", "pool", "spot")


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualSwitch:
    """As it was asked for."""

    target: str
    """One of TARGETS."""
    pool_id: PoolId | None = None
    new_type: str | None = None

    @property
    def mode(self) -> Mode:
        return Mode.ON_DEMAND if self.target == Mode.ON_DEMAND else Mode.SPOT


class NothingToSwitch(NotFound):
    def __init__(self) -> None:
        super().__init__("Instance or agent not found")


class NoAgentAssigned(NotFound):
    def __init__(self) -> None:
        super().__init__("No agent assigned to instance")


class InstanceIsGone(Forbidden):
    def __init__(self) -> None:
        super().__init__(
            "Cannot switch terminated instance",
            message="The instance has been terminated; its history stays, it cannot be moved",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is to be moved: an agent, and the instance it is known by, if there is a row of it."""

    agent: Agent
    instance: Instance | None

    def check(self) -> None:
        """Raises:
        InstanceIsGone: there is nothing left to move.
        """
        one = self.instance
        gone = self.agent.terminated_at is not None if one is None else not one.is_active
        if gone or self.agent.is_deleted or (one is not None and one.terminated_at is not None):
            raise InstanceIsGone

    @property
    def instance_type(self) -> str | None:
        if self.instance is None:
            return self.agent.placement.instance_type
        return self.instance.instance_type

    @property
    def region(self) -> str | None:
        return self.agent.placement.region if self.instance is None else self.instance.region

    @property
    def pool_id(self) -> PoolId | None:
        return self.agent.placement.pool_id if self.instance is None else self.instance.pool_id


def target_of(
    wanted: ManualSwitch,
    subject: Subject,
    named: SpotPool | None,
    pools: Iterable[PricedPool],
) -> Target:
    """Where the switch leads; `named` is the pool on record under the id that was given, of the
    type that is wanted or of the instance's own.

    A switch to spot always names a pool: without one, agents launch on demand (FIX-19).

    Raises:
        ValidationFailed: the pool is of another type or region, or there is none to name.
    """
    if wanted.mode is Mode.ON_DEMAND:
        return Target(mode=Mode.ON_DEMAND, pool_id=None)
    instance_type = wanted.new_type or subject.instance_type
    if wanted.pool_id is not None:
        types = (instance_type, subject.instance_type)
        if named is not None and (
            named.instance_type not in types or named.region != subject.region
        ):
            raise _refused("Pool does not match the instance.")
        return Target(mode=Mode.SPOT, pool_id=wanted.pool_id)
    cheapest = cheapest_other(pools, subject.pool_id)
    if cheapest is not None:
        return Target(mode=Mode.SPOT, pool_id=cheapest.pool_id)
    zone = subject.agent.placement.zone
    if instance_type is None or zone is None:
        raise _refused("Missing data for required field.")
    return Target(mode=Mode.SPOT, pool_id=pool_of(instance_type, zone))


def order(
    command_id: CommandId,
    instance_id: InstanceId,
    agent: Agent,
    target: Target,
    now: datetime,
) -> Command:
    return Command(
        id=command_id,
        client_id=agent.client_id,
        agent_id=agent.id,
        instance_id=instance_id,
        target_mode=target.mode,
        target_pool_id=target.pool_id,
        priority=PRIORITY_MANUAL,
        terminate_wait_seconds=agent.settings.switch_terminate_wait_seconds,
        created_by=CREATED_BY_USER,
        trigger=TRIGGERED_BY_USER,
        created_at=now,
    )


def _refused(message: str) -> ValidationFailed:
    return ValidationFailed("Validation failed", details={"pool_id": [message]})
