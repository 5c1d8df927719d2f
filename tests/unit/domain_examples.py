"""One valid example of each thing in the domain; a test names only what it is about."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from hypothesis import strategies as st

from spot_optimizer.domain.agents.agent import Agent, AgentSettings, AgentStatus, Placement
from spot_optimizer.domain.agents.instances import Instance, Standby
from spot_optimizer.domain.agents.registration import Registration
from spot_optimizer.domain.agents.vitals import Vitals
from spot_optimizer.domain.commands.command import TRIGGERED_BY_MODEL, Command, CommandStatus
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.identifiers import (
    AgentId,
    ClientId,
    CommandId,
    InstanceId,
    LogicalAgentId,
    PoolId,
    ReplicaId,
    SwitchId,
)
from spot_optimizer.domain.interruptions import Interruption, SignalType
from spot_optimizer.domain.switching import (
    ReportedInstance,
    Snapshot,
    Switch,
    SwitchPrices,
    SwitchReport,
    SwitchTiming,
)
from spot_optimizer.domain.values import Mode

NOON: Final = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
EARLIER: Final = NOON - timedelta(days=3)
SECOND: Final = timedelta(seconds=1)

NOWADAYS: Final = Compatibility()
FORMERLY: Final = Compatibility.with_the_monolith()

POOL_A: Final = PoolId("t3.medium.us-east-1a")
POOL_B: Final = PoolId("t3.medium.us-east-1b")

ON_SPOT: Final = Placement(
    instance_type="t3.medium",
    region="us-east-1",
    zone="us-east-1a",
    mode=Mode.SPOT,
    pool_id=POOL_A,
)
ON_DEMAND: Final = replace(ON_SPOT, mode=Mode.ON_DEMAND, pool_id=None)
NOT_KNOWN_HOW: Final = replace(ON_SPOT, mode=Mode.UNKNOWN, pool_id=None)

# What an agent's client has decided, different from the defaults in everything.
DECIDED: Final = AgentSettings(
    enabled=False,
    auto_switch_enabled=False,
    manual_replica_enabled=True,
    auto_terminate_enabled=False,
    terminate_wait_seconds=90,
    replica_enabled=True,
    replica_count=1,
)

_AGENT: Final = Agent(
    id=AgentId("agent-1"),
    client_id=ClientId("client-1"),
    logical_agent_id=LogicalAgentId("web-1"),
    primary_instance_id=InstanceId("i-1"),
    placement=ON_SPOT,
    status=AgentStatus.ONLINE,
    hostname="web-1.internal",
    ami_id="ami-1",
    private_ip="10.0.0.1",
    public_ip="192.0.2.1",
    agent_version="4.0.0",
    installed_at=EARLIER,
    last_heartbeat_at=NOON,
)
_INSTANCE: Final = Instance(
    id=InstanceId("i-1"),
    client_id=_AGENT.client_id,
    agent_id=_AGENT.id,
    instance_type="t3.medium",
    region="us-east-1",
    zone="us-east-1a",
    ami_id="ami-1",
    mode=Mode.SPOT,
    pool_id=POOL_A,
    spot_price=Decimal("0.0125"),
    on_demand_price=Decimal("0.0416"),
    baseline_on_demand_price=Decimal("0.0416"),
    installed_at=EARLIER,
)
_STANDBY: Final = Standby(
    replica_id=ReplicaId("replica-1"),
    agent_id=_AGENT.id,
    instance_id=InstanceId("i-3"),
    replica_type="automatic-rebalance",
    status="ready",
)
_REGISTRATION: Final = Registration(
    logical_agent_id=_AGENT.logical_agent_id,
    instance_id=InstanceId("i-1"),
    instance_type="t3.medium",
    region="us-east-1",
    zone="us-east-1a",
    mode=Mode.SPOT,
)
_COMMAND: Final = Command(
    id=CommandId("command-1"),
    client_id=_AGENT.client_id,
    agent_id=_AGENT.id,
    target_mode=Mode.SPOT,
    target_pool_id=POOL_B,
    instance_id=InstanceId("i-1"),
    terminate_wait_seconds=300,
    trigger=TRIGGERED_BY_MODEL,
    created_at=NOON,
)
_SWITCH_REPORT: Final = SwitchReport(
    old=ReportedInstance(instance_id=InstanceId("i-1"), mode="spot", pool_id=POOL_A),
    new=ReportedInstance(
        instance_id=InstanceId("i-2"),
        instance_type="t3.medium",
        region="us-east-1",
        zone="us-east-1b",
        ami_id="ami-2",
        mode="spot",
        pool_id=POOL_B,
    ),
    new_instance_id=InstanceId("i-2"),
    prices=SwitchPrices(
        on_demand=Decimal("0.0416"), old_spot=Decimal("0.02"), new_spot=Decimal("0.0125")
    ),
    timing=SwitchTiming(
        initiated_at=NOON - timedelta(minutes=6),
        instance_launched_at=NOON - timedelta(minutes=5),
    ),
    timing_as_received={},
    trigger="manual",
    command_id=None,
    snapshot=Snapshot(),
)


_INTERRUPTION: Final = Interruption(
    agent_id=_AGENT.id,
    instance_id=InstanceId("i-1"),
    pool_id=POOL_A,
    signal_type=SignalType.REBALANCE_RECOMMENDATION,
    detected_at=NOON,
)


def an_agent(**changes: Any) -> Agent:
    return replace(_AGENT, **changes)


def vitals_of(agent: Agent) -> Vitals:
    return Vitals(
        id=agent.id,
        client_id=agent.client_id,
        status=agent.status,
        primary_instance_id=agent.primary_instance_id,
        placement=agent.placement,
    )


def an_instance(**changes: Any) -> Instance:
    return replace(_INSTANCE, **changes)


def a_standby(**changes: Any) -> Standby:
    return replace(_STANDBY, **changes)


def a_registration(**changes: Any) -> Registration:
    return replace(_REGISTRATION, **changes)


def a_command(**changes: Any) -> Command:
    return replace(_COMMAND, **changes)


def a_command_in(status: CommandStatus, **changes: Any) -> Command:
    """As its history would have left it, delivered at noon."""
    pending = a_command(**changes)
    delivered = pending.deliver(NOON)
    return {
        CommandStatus.PENDING: pending,
        CommandStatus.EXECUTING: delivered,
        CommandStatus.COMPLETED: delivered.report(True, "done", NOON, NOWADAYS),
        CommandStatus.FAILED: delivered.report(False, "broken", NOON, NOWADAYS),
        CommandStatus.CANCELLED: pending.cancel("no longer", NOON),
    }[status]


def a_switch_report(**changes: Any) -> SwitchReport:
    return replace(_SWITCH_REPORT, **changes)


def a_switch(**report: Any) -> Switch:
    return Switch(
        id=SwitchId("switch-1"),
        client_id=_AGENT.client_id,
        agent_id=_AGENT.id,
        command_id=None,
        report=a_switch_report(**report),
        initiated_at=NOON,
        recorded_at=NOON,
    )


def an_interruption(**changes: Any) -> Interruption:
    return replace(_INTERRUPTION, **changes)


modes: Final = st.sampled_from(Mode)
statuses: Final = st.sampled_from(AgentStatus)
prices: Final = st.decimals(min_value=Decimal("0.001"), max_value=100, places=6)
"""USD per hour."""
short_times: Final = st.timedeltas(timedelta(0), timedelta(days=2))
