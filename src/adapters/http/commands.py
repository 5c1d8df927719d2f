from collections.abc import Sequence
from functools import partial
from typing import Any, Self

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from msgspec import UNSET, Struct, UnsetType

from spot_optimizer.adapters.http.access import Gatekeeper
from spot_optimizer.adapters.http.agents import Success
from spot_optimizer.adapters.http.batching import Joined
from spot_optimizer.adapters.http.reading import NO_BOOLEAN, Reader
from spot_optimizer.adapters.http.routing import AnyRequest, created, get, in_thread, post
from spot_optimizer.adapters.http.tracking import note_id
from spot_optimizer.adapters.http.wire import json_object, timestamp
from spot_optimizer.application.authenticate import Asked
from spot_optimizer.application.commands.hand_out_commands import Poll
from spot_optimizer.application.commands.issue_switch_command import (
    IssuedSwitch,
    IssueSwitchCommand,
)
from spot_optimizer.application.commands.report_command_execution import (
    ExecutionReport,
    ReportCommandExecution,
)
from spot_optimizer.domain.commands.command import Command, CommandType
from spot_optimizer.domain.commands.switch_order import SwitchOrder
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.errors import ValidationFailed
from spot_optimizer.domain.identifiers import AgentId, CommandId

_LONGEST_MESSAGE = 10_000


class PendingCommand(Struct, omit_defaults=True):
    id: str
    instance_id: str | None
    target_mode: str | None
    target_pool_id: str | None
    priority: int | None
    terminate_wait_seconds: int | None
    created_at: str | None
    command_type: str | UnsetType = UNSET
    """Told only where it is not a switch, which is what agents take any other word for."""

    @classmethod
    def of(cls, command: Command) -> Self:
        return cls(
            id=command.id,
            instance_id=command.instance_id,
            target_mode=command.target_mode,
            target_pool_id=command.target_pool_id,
            priority=command.priority,
            terminate_wait_seconds=command.terminate_wait_seconds,
            created_at=timestamp(command.created_at),
            command_type=UNSET
            if command.command_type == CommandType.SWITCH
            else command.command_type,
        )


class AlreadyThere(Struct):
    success: bool
    message: str
    current_mode: str
    current_pool_id: str | None


class SwitchQueued(Struct):
    success: bool
    command_id: str
    agent_id: str
    target_mode: str
    target_pool_id: str | None
    reason: str
    message: str
    auto_switch_enabled: bool


def command_handlers(
    *,
    gatekeeper: Gatekeeper,
    hand_out_commands: Joined[Asked[Poll], Sequence[Command]],
    report_command_execution: ReportCommandExecution,
    issue_switch_command: IssueSwitchCommand,
    compatibility: Compatibility,
) -> list[HTTPRouteHandler]:
    """Orders to agents, and what came of them."""

    @get("/api/agents/{agent_id:str}/pending-commands")
    async def pending(request: AnyRequest, agent_id: FromPath[str]) -> list[PendingCommand]:
        poll = partial(Poll, AgentId(agent_id))
        commands = await gatekeeper.ask(request, hand_out_commands, poll)
        if commands:
            note_id("command_id", ",".join(command.id for command in commands))
        return [PendingCommand.of(command) for command in commands]

    @post("/api/agents/{agent_id:str}/commands/{command_id:str}/executed")
    async def executed(
        request: AnyRequest, agent_id: FromPath[str], command_id: FromPath[str]
    ) -> Success:
        caller = await gatekeeper.client_or_operator(request)
        fields = await json_object(request, compatibility)
        report = _execution(CommandId(command_id), fields, says_success=True)
        await in_thread(report_command_execution, AgentId(agent_id), report, caller)
        return Success()

    @post("/api/agents/{agent_id:str}/mark-command-executed")
    async def mark_executed(request: AnyRequest, agent_id: FromPath[str]) -> Success:
        caller = await gatekeeper.client_or_operator(request)
        fields = await json_object(request, compatibility)
        named = fields.get("command_id")
        if isinstance(named, int) and not isinstance(named, bool):
            named = str(named)  # the older queue counts
        if not isinstance(named, str) or not named:
            raise ValidationFailed("command_id is required")
        note_id("command_id", named)
        report = _execution(CommandId(named), fields, says_success="success" in fields)
        await in_thread(report_command_execution, AgentId(agent_id), report, caller)
        return Success()

    @created("/api/agents/{agent_id:str}/issue-switch-command")
    async def issue(
        request: AnyRequest, agent_id: FromPath[str]
    ) -> Response[AlreadyThere | SwitchQueued]:
        caller = await gatekeeper.client_or_operator(request)
        fields = await json_object(request, compatibility)
        order = SwitchOrder(
            target_mode=fields.get("target_mode"),
            target_pool_id=fields.get("target_pool_id"),
            priority=fields.get("priority"),
        )
        issued = await in_thread(issue_switch_command, AgentId(agent_id), order, caller)
        if issued.command is not None:
            note_id("command_id", issued.command.id)
        return _issued(issued, fields.get("reason"))

    return [pending, executed, mark_executed, issue]


def _issued(issued: IssuedSwitch, reason: object) -> Response[Any]:
    agent, target, command = issued.agent, issued.target, issued.command
    if command is None:
        return Response(
            AlreadyThere(
                success=False,
                message="Agent already in target state",
                current_mode=agent.placement.mode,
                current_pool_id=agent.placement.pool_id,
            ),
            status_code=200,
        )
    return Response(
        SwitchQueued(
            success=True,
            command_id=command.id,
            agent_id=agent.id,
            target_mode=target.mode,
            target_pool_id=target.pool_id,
            reason=reason if isinstance(reason, str) else "Manual command",
            message="Switch command queued. Agent will execute on next heartbeat.",
            auto_switch_enabled=True,
        ),
        status_code=201,
    )


def _execution(
    command_id: CommandId, fields: dict[str, object], *, says_success: bool
) -> ExecutionReport:
    reader = Reader(fields, strict=True)
    success = fields.get("success", True)
    if success is not None and not isinstance(success, bool):
        reader.wrong("success", NO_BOOLEAN)
    report = ExecutionReport(
        command_id=command_id,
        success=success if isinstance(success, bool) else None,
        says_success=says_success,
        message=reader.text("message", _LONGEST_MESSAGE) or "",
        as_received=fields,
    )
    reader.check()
    return report
