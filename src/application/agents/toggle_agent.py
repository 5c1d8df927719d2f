from collections.abc import Callable
from dataclasses import dataclass

from spot_optimizer.application.journal import record
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.unit_of_work import UnitOfWorkFactory
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain import dashboard_occurrences
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.errors import AgentNotFound
from spot_optimizer.domain.identifiers import AgentId


@dataclass(frozen=True, slots=True)
class ToggleAgent:
    """A client lets an agent work, or makes it rest. Not saying which lets it work."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    compatibility: Compatibility

    @repeated_when_lost
    def __call__(
        self, agent_id: AgentId, wanted: Callable[[], bool | None], caller: Caller
    ) -> None:
        """`wanted` is read once the agent is known to be there, and may refuse what was sent."""
        now = self.clock.now()
        with self.unit_of_work() as work:
            before = work.agents.get_for_update(agent_id, caller.owner)
            if before.is_deleted:
                raise AgentNotFound
            said = wanted()
            after = before.enable(enabled=said is not False)
            if after != before:
                work.agents.save(after, now)
            told = after.settings.enabled
            if said is None and self.compatibility.unsaid_toggle_reads_disabled:
                told = False
            word = "enabled" if told else "disabled"
            record(work, dashboard_occurrences.agent_toggled(before, after, word, now), caller)
            work.commit()
