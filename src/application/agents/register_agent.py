from collections.abc import Mapping
from dataclasses import dataclass

from spot_optimizer.application.commands.settle_former import settle_former
from spot_optimizer.application.journal import record
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.identity import Identifiers
from spot_optimizer.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain import agent_occurrences
from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.agents.instances import (
    Instance,
    InstanceRole,
    Standby,
    StartingPrices,
    new_instance,
    role_of,
)
from spot_optimizer.domain.agents.registration import (
    Registered,
    Registration,
    RegistrationOutcome,
    mint,
    register,
)
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.commands.queue import Occasion
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.decisions.contract import SwitchLimits
from spot_optimizer.domain.errors import ValidationFailed
from spot_optimizer.domain.identifiers import AgentId, ClientId
from spot_optimizer.domain.replicas.life_cycle import ReplicaStatus
from spot_optimizer.domain.replicas.replica import ReplicaReport


class ForeignInstance(ValidationFailed):
    """The instance is on record for somebody else."""

    def __init__(self) -> None:
        super().__init__("Validation failed", details={"instance_id": ["Not a valid instance."]})


@dataclass(frozen=True, slots=True)
class Introduction:
    """Whom the registering process speaks for, and under which settings."""

    registered: Registered
    limits: SwitchLimits


@dataclass(frozen=True, slots=True)
class RegisterAgent:
    """An agent introduces itself: a new one is minted, a known one followed to its instance.

    Standbys, and former instances whose successor lives, are welcomed and move nothing.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers
    compatibility: Compatibility

    @repeated_when_lost
    def __call__(
        self, client_id: ClientId, registration: Registration, caller: Caller
    ) -> Introduction:
        now = self.clock.now()
        with self.unit_of_work() as work:
            standby = work.standbys.on_instance(client_id, registration.instance_id)
            before = self._agent_meant(work, client_id, registration, standby)
            standby = work.standbys.on_instance(client_id, registration.instance_id)
            recorded = work.instances.find(registration.instance_id)
            if self.compatibility.refuse_foreign_instance:
                _refuse_foreign(recorded, client_id)
            if before is None:
                agent_id = AgentId(self.identifiers.new_id())
                registered = mint(agent_id, client_id, registration, now)
            else:
                role = self._role(before, registration, recorded, standby)
                registered = register(before, registration, role, now, self.compatibility)
            limits = self._save(work, registered, before, recorded, caller)
            if registered.outcome is RegistrationOutcome.ACKNOWLEDGED_STANDBY and standby:
                self._note_standby(work, standby)
            event = agent_occurrences.agent_registered(
                registered, before, registration.instance_id, now
            )
            record(work, event, caller)
            work.commit()
        return Introduction(registered, limits)

    def refuse(self, caller: Caller, details: Mapping[str, object]) -> None:
        """A registration that says nothing usable is put on record, although it fails."""
        now = self.clock.now()
        with self.unit_of_work() as work:
            record(work, agent_occurrences.registration_refused(caller.owner, details, now), caller)
            work.commit()

    def fail(self, caller: Caller) -> None:
        """A registration met an unexpected failure."""
        now = self.clock.now()
        with self.unit_of_work() as work:
            record(work, agent_occurrences.registration_failed(caller.owner, now), caller)
            work.commit()

    def _agent_meant(
        self,
        work: UnitOfWork,
        client_id: ClientId,
        registration: Registration,
        standby: Standby | None,
    ) -> Agent | None:
        """The agent of the standby, else the one of that name, else the one that it stands by."""
        knows_standbys = not self.compatibility.registration_always_moves_primary
        if standby is not None and knows_standbys:
            return work.agents.get_for_update(standby.agent_id, client_id)
        found = work.agents.find_by_logical_id_for_update(client_id, registration.logical_agent_id)
        if found is None and registration.base_logical_id is not None and knows_standbys:
            return work.agents.find_by_logical_id_for_update(
                client_id, registration.base_logical_id
            )
        return found

    @staticmethod
    def _role(
        agent: Agent,
        registration: Registration,
        recorded: Instance | None,
        standby: Standby | None,
    ) -> InstanceRole:
        if agent.logical_agent_id == registration.base_logical_id:
            return InstanceRole.STANDBY
        return role_of(registration.instance_id, agent, recorded, standby)

    def _save(
        self,
        work: UnitOfWork,
        registered: Registered,
        before: Agent | None,
        recorded: Instance | None,
        caller: Caller,
    ) -> SwitchLimits:
        agent, now = registered.agent, self.clock.now()
        if registered.outcome is RegistrationOutcome.MINTED:
            work.agents.add(agent, SwitchLimits(), now)
        elif registered.speaks_for_the_agent:
            work.agents.save(agent, now)
        if registered.speaks_for_the_agent:
            self._save_instance(work, agent, recorded)
        if registered.former_instance_id not in (None, agent.primary_instance_id):
            occasion = self._occasion(agent, recorded)
            settle_former(work, agent, occasion, now, caller, self.compatibility)
        return work.agents.limits_of([agent.id])[agent.id]

    def _occasion(self, agent: Agent, recorded: Instance | None) -> Occasion:
        """A machine that the agent had before is not what a switch has made."""
        was_there = recorded is not None and recorded.agent_id == agent.id
        always_moves = self.compatibility.registration_always_moves_primary
        return Occasion.RETURN if was_there and not always_moves else Occasion.REGISTRATION

    def _note_standby(self, work: UnitOfWork, standby: Standby) -> None:
        """Its machine is up: a replica that was launching is synchronising now."""
        replica = work.replicas.find(standby.agent_id, standby.replica_id)
        if replica is not None and replica.status is ReplicaStatus.LAUNCHING:
            up = ReplicaReport(instance_id=standby.instance_id)
            now = self.clock.now()
            work.replicas.save_all([replica.after(up, False, now, self.compatibility)])

    def _save_instance(self, work: UnitOfWork, agent: Agent, recorded: Instance | None) -> None:
        now = self.clock.now()
        if recorded is None:
            at = agent.placement
            prices = StartingPrices.for_instance(
                at.mode,
                work.prices.on_demand_price(at.instance_type or "", at.region or ""),
                work.prices.latest_spot_price(at.pool_id) if at.pool_id else None,
            )
            instance = new_instance(agent, prices, now, self.compatibility)
            work.instances.add(instance, now)
        elif recorded.client_id == agent.client_id:
            bound = recorded.bind(agent, self.compatibility)
            if bound != recorded:
                work.instances.save(bound, now)


def _refuse_foreign(recorded: Instance | None, client_id: ClientId) -> None:
    if recorded is not None and recorded.client_id != client_id:
        raise ForeignInstance
