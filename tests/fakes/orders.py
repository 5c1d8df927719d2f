"""Commands and switches in memory."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from spot_optimizer.application.ports.repositories import SwitchActivity
from spot_optimizer.domain.commands.command import Command, CommandStatus
from spot_optimizer.domain.identifiers import AgentId, CommandId, InstanceId
from spot_optimizer.domain.placement.costs import MoveTimes
from spot_optimizer.domain.replicas.promotion import PrimaryChange, PromotionReason
from spot_optimizer.domain.switching import TRAFFIC_SWITCHED, Switch, time_told
from tests.fakes.keeping import Keeping, refuse_twice


class InMemoryCommands(Keeping):
    """Both queues; the older one keeps of a change only its delivery and its end."""

    def __init__(self, commands: Iterable[Command]) -> None:
        self.kept = {command.id: command for command in commands}
        self.results: dict[CommandId, Mapping[str, object]] = {}

    def find(self, agent_id: AgentId, command_id: CommandId) -> Command | None:
        command = self.kept.get(command_id)
        return command if command is not None and command.agent_id == agent_id else None

    def open_of(self, agent_ids: Collection[AgentId]) -> Mapping[AgentId, Sequence[Command]]:
        found: dict[AgentId, list[Command]] = {}
        for command in self.kept.values():
            if command.agent_id in agent_ids and command.is_open:
                found.setdefault(command.agent_id, []).append(command)
        return found

    def find_switch_of(self, agent_id: AgentId, old_instance_id: InstanceId) -> Command | None:
        handed_out = [
            (command.executed_at, command)
            for command in sorted(self.kept.values(), key=lambda command: command.id, reverse=True)
            if (command.agent_id, command.instance_id) == (agent_id, old_instance_id)
            and command.is_switch
            and not command.is_legacy
            and command.executed_at is not None
            and command.status not in (CommandStatus.FAILED, CommandStatus.CANCELLED)
        ]
        newest = sorted(handed_out, key=lambda found: found[0])[-1:]
        return newest[0][1] if newest else None

    def list_overdue(self, before: datetime) -> Sequence[Command]:
        return [
            self.kept[one]
            for one in sorted(self.kept)
            if self.kept[one].is_open
            and not self.kept[one].is_legacy
            and _created_before(self.kept[one], before)
        ]

    def add(self, command: Command) -> None:
        refuse_twice(command.id in self.kept)
        self.kept[command.id] = command

    def save_all(self, commands: Sequence[Command]) -> None:
        for command in commands:
            self._save(command)

    def _save(self, command: Command) -> None:
        stored = self.kept.get(command.id)
        if stored is None:
            return
        if not command.is_legacy:
            self.kept[command.id] = command
        elif command.status is CommandStatus.EXECUTING:
            self.kept[command.id] = replace(
                stored, status=command.status, executed_at=command.executed_at
            )
        elif not command.is_open:
            self._end_legacy(stored, command.completed_at)

    def keep_result(self, command: Command, report: Mapping[str, object]) -> None:
        self.results[command.id] = report

    def close_legacy(self, command: Command, report: Mapping[str, object], at: datetime) -> None:
        self._end_legacy(self.kept[command.id], at)
        self.results[command.id] = report

    def _end_legacy(self, stored: Command, at: datetime | None) -> None:
        self.kept[stored.id] = replace(stored, status=CommandStatus.COMPLETED, executed_at=at)


class InMemorySwitches(Keeping):
    def __init__(self, switches: Iterable[Switch]) -> None:
        self.kept = list(switches)
        self.primary_changes: list[PrimaryChange] = []

    def add(self, switch: Switch) -> None:
        refuse_twice(any(switch.id == other.id for other in self.kept))
        self.kept.append(switch)

    def was_reported(
        self,
        agent_id: AgentId,
        old_instance_id: InstanceId | None,
        new_instance_id: InstanceId,
        initiated_at: datetime,
    ) -> bool:
        return any(
            (s.agent_id, s.report.old.instance_id, s.report.new_instance_id, s.initiated_at)
            == (agent_id, old_instance_id, new_instance_id, initiated_at)
            for s in self.kept
        )

    def was_reported_for(self, command_id: CommandId) -> bool:
        return any(switch.command_id == command_id for switch in self.kept)

    def any_since(self, agent_id: AgentId, since: datetime) -> bool:
        return any(s.agent_id == agent_id and s.recorded_at >= since for s in self.kept)

    def add_primary_changes(self, changes: Sequence[PrimaryChange]) -> None:
        self.primary_changes.extend(changes)

    def primary_changes_of(
        self, agent_ids: Collection[AgentId], reason: PromotionReason, since: datetime
    ) -> Mapping[AgentId, Sequence[PrimaryChange]]:
        found: dict[AgentId, list[PrimaryChange]] = {}
        for change in reversed(self.primary_changes):
            if change.agent_id in agent_ids and change.reason is reason and change.at >= since:
                found.setdefault(change.agent_id, []).append(change)
        return found

    def activity_of(
        self, agent_ids: Collection[AgentId], since: datetime
    ) -> Mapping[AgentId, SwitchActivity]:
        took_place: dict[AgentId, list[datetime]] = {}
        for switch in self.kept:
            if switch.agent_id in agent_ids:
                at = switch.initiated_at or switch.recorded_at
                took_place.setdefault(switch.agent_id, []).append(at)
        return {
            agent_id: SwitchActivity(sum(at >= since for at in times), max(times))
            for agent_id, times in took_place.items()
        }

    def times_of(
        self, agent_ids: Collection[AgentId], since: datetime
    ) -> Mapping[AgentId, Sequence[MoveTimes]]:
        found: dict[AgentId, list[MoveTimes]] = {}
        for switch in self.kept:
            if switch.agent_id in agent_ids and switch.recorded_at >= since:
                timing = switch.report.timing
                found.setdefault(switch.agent_id, []).append(
                    MoveTimes(
                        switch.initiated_at,
                        timing.instance_ready_at,
                        timing.old_terminated_at,
                        time_told(switch.report.timing_as_received, TRAFFIC_SWITCHED),
                    )
                )
        return found


def _created_before(command: Command, moment: datetime) -> bool:
    return command.created_at is not None and command.created_at < moment
