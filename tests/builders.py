"""One valid example of everything; a test names only what it is about."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from spot_optimizer.application.agents.report_termination import TerminationReport
from spot_optimizer.application.commands.report_command_execution import ExecutionReport
from spot_optimizer.application.decisions.decide import Situation
from spot_optimizer.domain.agents.agent import Agent, AgentStatus, Placement
from spot_optimizer.domain.agents.heartbeat import Heartbeat
from spot_optimizer.domain.agents.instances import Instance, Standby
from spot_optimizer.domain.agents.registration import Registration
from spot_optimizer.domain.callers import Caller, CallerKind
from spot_optimizer.domain.cleanups import CleanupReport, TidiedAway
from spot_optimizer.domain.clients import Client
from spot_optimizer.domain.commands.command import (
    TRIGGERED_BY_MODEL,
    Command,
    CommandStatus,
)
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.decisions.answers import Action, Advice
from spot_optimizer.domain.decisions.contract import Decision, DecisionInput, DecisionType
from spot_optimizer.domain.decisions.record import DecisionRecord, EngineAnswer, Flight
from spot_optimizer.domain.identifiers import (
    AgentId,
    ClientId,
    CommandId,
    InstanceId,
    LogicalAgentId,
    PoolId,
    ReplicaId,
    ReportId,
    SwitchId,
)
from spot_optimizer.domain.interruptions import Interruption, SignalType
from spot_optimizer.domain.pricing.buckets import Bucket, BucketSnapshot
from spot_optimizer.domain.pricing.prices import PriceObservation
from spot_optimizer.domain.pricing.report import PoolOffer, PricingReport, SpotPool
from spot_optimizer.domain.pricing.submission import PriceSubmission
from spot_optimizer.domain.replicas.life_cycle import ReplicaStatus
from spot_optimizer.domain.replicas.replica import Replica
from spot_optimizer.domain.switching import (
    ReportedInstance,
    Snapshot,
    Switch,
    SwitchPrices,
    SwitchReport,
    SwitchTiming,
)
from spot_optimizer.domain.values import Mode

NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACME: Final = ClientId("client-acme")
GLOBEX: Final = ClientId("client-globex")
AGENT: Final = AgentId("agent-1")
FIRST, SECOND, THIRD = InstanceId("i-1"), InstanceId("i-2"), InstanceId("i-3")
TYPE, REGION = "t3.medium", "us-east-1"
ZONE_A, ZONE_B, ZONE_C = "us-east-1a", "us-east-1b", "us-east-1c"
POOL_A, POOL_B, POOL_C = (PoolId(f"{TYPE}.{zone}") for zone in (ZONE_A, ZONE_B, ZONE_C))

TODAY: Final = Compatibility()
FROM_ACME: Final = Caller(kind=CallerKind.CLIENT, client_id=ACME, address="10.0.0.1")
FROM_GLOBEX: Final = Caller(kind=CallerKind.CLIENT, client_id=GLOBEX, address="10.9.0.1")
OPERATOR: Final = Caller(kind=CallerKind.OPERATOR, address="10.0.0.9", user_agent="browser")

SECOND_OF_TIME, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
DAY: Final = timedelta(days=1)


def a_client(**changes: Any) -> Client:
    client = Client(id=ACME, name="Acme", email="acme@example.com", token="token-" + "a" * 32)
    return replace(client, **changes)


def globex(**changes: Any) -> Client:
    """The other client."""
    client = a_client(id=GLOBEX, name="Globex", email="globex@example.com", token="token-globex")
    return replace(client, **changes)


def a_placement(**changes: Any) -> Placement:
    """On spot; its pool follows from its type and zone unless it is named."""
    place = replace(
        Placement(instance_type=TYPE, region=REGION, zone=ZONE_A, mode=Mode.SPOT), **changes
    )
    return place if "pool_id" in changes else replace(place, pool_id=place.derived_pool)


def an_agent(**changes: Any) -> Agent:
    """Online on `i-1`, heard from half a minute ago."""
    agent = Agent(
        id=AGENT,
        client_id=ACME,
        logical_agent_id=LogicalAgentId("web-1"),
        primary_instance_id=FIRST,
        placement=a_placement(),
        status=AgentStatus.ONLINE,
        hostname="web-1.internal",
        ami_id="ami-1",
        private_ip="10.1.0.4",
        agent_version="4.0.0",
        installed_at=NOON - 30 * DAY,
        last_heartbeat_at=NOON - timedelta(seconds=30),
    )
    return replace(agent, **changes)


def many_agents(count: int) -> list[Agent]:
    """Each on an instance of its own: `agent-1` on `i-1` and so on."""
    return [
        an_agent(
            id=AgentId(f"agent-{number}"),
            logical_agent_id=LogicalAgentId(f"web-{number}"),
            primary_instance_id=InstanceId(f"i-{number}"),
        )
        for number in range(1, count + 1)
    ]


def an_instance(**changes: Any) -> Instance:
    instance = Instance(
        id=FIRST,
        client_id=ACME,
        agent_id=AGENT,
        instance_type=TYPE,
        region=REGION,
        zone=ZONE_A,
        ami_id="ami-1",
        mode=Mode.SPOT,
        pool_id=POOL_A,
        spot_price=Decimal("0.012500"),
        on_demand_price=Decimal("0.041600"),
        baseline_on_demand_price=Decimal("0.041600"),
        installed_at=NOON - 30 * DAY,
    )
    return replace(instance, **changes)


def a_standby(**changes: Any) -> Standby:
    standby = Standby(
        replica_id=ReplicaId("replica-1"),
        agent_id=AGENT,
        instance_id=SECOND,
        replica_type="manual",
        status="launching",
    )
    return replace(standby, **changes)


def a_registration(**changes: Any) -> Registration:
    """Of `web-1` from `i-1`."""
    registration = Registration(
        logical_agent_id=LogicalAgentId("web-1"),
        instance_id=FIRST,
        instance_type=TYPE,
        region=REGION,
        zone=ZONE_A,
        mode=Mode.SPOT,
        hostname="web-1.internal",
        ami_id="ami-1",
        agent_version="4.0.0",
        private_ip="10.1.0.4",
    )
    return replace(registration, **changes)


def a_heartbeat(**changes: Any) -> Heartbeat:
    return replace(Heartbeat(instance_id=FIRST), **changes)


def a_pending_command(**changes: Any) -> Command:
    """To move `i-1` to zone b, ordered a minute ago."""
    command = Command(
        id=CommandId("command-1"),
        client_id=ACME,
        agent_id=AGENT,
        target_mode=Mode.SPOT,
        target_pool_id=POOL_B,
        instance_id=FIRST,
        terminate_wait_seconds=300,
        created_by="ml_engine",
        trigger=TRIGGERED_BY_MODEL,
        created_at=NOON - MINUTE,
    )
    return replace(command, **changes)


def a_delivered_command(**changes: Any) -> Command:
    return a_pending_command(
        **{"status": CommandStatus.EXECUTING, "executed_at": NOON - timedelta(seconds=30)} | changes
    )


def a_legacy_command(**changes: Any) -> Command:
    """Of the older queue, which keeps less."""
    return a_pending_command(
        **{
            "id": CommandId("7"),
            "priority": 50,
            "created_by": None,
            "trigger": None,
            "is_legacy": True,
        }
        | changes
    )


def an_execution_report(**changes: Any) -> ExecutionReport:
    report = ExecutionReport(
        command_id=CommandId("command-1"),
        success=True,
        message="done",
        as_received={"success": True, "message": "done"},
    )
    return replace(report, **changes)


def a_switch_report(**changes: Any) -> SwitchReport:
    """From `i-1` in zone a to `i-2` in zone b, a cent per hour cheaper; `i-1` is gone."""
    report = SwitchReport(
        old=ReportedInstance(
            instance_id=FIRST,
            instance_type=TYPE,
            region=REGION,
            zone=ZONE_A,
            ami_id="ami-1",
            mode=Mode.SPOT,
            pool_id=POOL_A,
        ),
        new=ReportedInstance(
            instance_id=SECOND,
            instance_type=TYPE,
            region=REGION,
            zone=ZONE_B,
            ami_id="ami-2",
            mode=Mode.SPOT,
            pool_id=POOL_B,
        ),
        new_instance_id=SECOND,
        prices=SwitchPrices(
            on_demand=Decimal("0.0416"), old_spot=Decimal("0.02"), new_spot=Decimal("0.01")
        ),
        timing=SwitchTiming(
            initiated_at=NOON - 6 * MINUTE,
            instance_launched_at=NOON - 5 * MINUTE,
            instance_ready_at=NOON - 4 * MINUTE,
            old_terminated_at=NOON - SECOND_OF_TIME,
        ),
        timing_as_received={"switch_initiated_at": "2026-03-01T11:54:00Z"},
        trigger="model",
        command_id=None,
        snapshot=Snapshot(used=True, snapshot_id="snap-1", ami_id="ami-2"),
    )
    return replace(report, **changes)


def a_switch(**changes: Any) -> Switch:
    switch = Switch(
        id=SwitchId("switch-1"),
        client_id=ACME,
        agent_id=AGENT,
        command_id=None,
        report=a_switch_report(),
        initiated_at=NOON - 6 * MINUTE,
        recorded_at=NOON,
    )
    return replace(switch, **changes)


def a_termination_report(**changes: Any) -> TerminationReport:
    report = TerminationReport(
        reason="spot interruption", instance_id=FIRST, as_received={"reason": "spot interruption"}
    )
    return replace(report, **changes)


def a_pool(zone: str = ZONE_A, **changes: Any) -> SpotPool:
    return replace(SpotPool.of(TYPE, REGION, zone), **changes)


def an_offer(zone: str = ZONE_A, price: str | None = "0.0125", **changes: Any) -> PoolOffer:
    offer = PoolOffer(
        pool_id=PoolId(f"{TYPE}.{zone}"),
        instance_type=TYPE,
        zone=zone,
        price=None if price is None else Decimal(price),
    )
    return replace(offer, **changes)


def a_submission(**changes: Any) -> PriceSubmission:
    """What `i-1` saw half a minute ago: itself and two pools."""
    submission = PriceSubmission(
        instance_id=FIRST,
        instance_type=TYPE,
        region=REGION,
        zone=ZONE_A,
        mode=Mode.SPOT,
        pool_id=POOL_A,
        on_demand_price=Decimal("0.041600"),
        current_spot_price=Decimal("0.012500"),
        offers=(an_offer(ZONE_A, "0.0125"), an_offer(ZONE_B, "0.0110")),
        listed=({"pool_id": str(POOL_A)}, {"pool_id": str(POOL_B)}),
        collected_at=NOON - timedelta(seconds=30),
    )
    return replace(submission, **changes)


def a_pricing_report(**changes: Any) -> PricingReport:
    report = PricingReport(
        id=ReportId("report-1"),
        agent_id=AGENT,
        received_at=NOON,
        collected_at=NOON - timedelta(seconds=30),
        instance_id=FIRST,
        instance_type=TYPE,
        region=REGION,
        zone=ZONE_A,
        current_mode=Mode.SPOT,
        current_pool_id=POOL_A,
        on_demand_price=Decimal("0.041600"),
        current_spot_price=Decimal("0.012500"),
        cheapest_pool_id=POOL_B,
        cheapest_pool_price=Decimal("0.011000"),
        spot_pools=({"pool_id": str(POOL_B), "price": Decimal("0.011")}, "nonsense"),
    )
    return replace(report, **changes)


def an_observation(**changes: Any) -> PriceObservation:
    observation = PriceObservation(
        pool_id=POOL_A,
        price=Decimal("0.012500"),
        observed_at=NOON,
        received_at=NOON + SECOND_OF_TIME,
        agent_id=AGENT,
        instance_id=FIRST,
        ondemand_price=Decimal("0.041600"),
    )
    return replace(observation, **changes)


def a_snapshot(**changes: Any) -> BucketSnapshot:
    snapshot = BucketSnapshot(
        pool_id=POOL_A,
        bucket=Bucket(NOON),
        spot_price=Decimal("0.012500"),
        ondemand_price=Decimal("0.041600"),
        savings_percent=Decimal("69.95"),
        agent_id=AGENT,
        instance_id=FIRST,
        confidence=Decimal("1.00"),
    )
    return replace(snapshot, **changes)


def an_interruption(**changes: Any) -> Interruption:
    interruption = Interruption(
        agent_id=AGENT,
        instance_id=FIRST,
        pool_id=POOL_A,
        signal_type=SignalType.REBALANCE_RECOMMENDATION,
        detected_at=NOON - MINUTE,
        metadata={"risk_score": 0.5},
    )
    return replace(interruption, **changes)


def a_situation(**changes: Any) -> Situation:
    """`i-1` on spot asks; spot costs three tenths of on-demand."""
    situation = Situation(
        agent_id=AGENT,
        caller=FROM_ACME,
        instance_id=FIRST,
        mode=Mode.SPOT,
        pool_id=POOL_A,
        spot_price=Decimal("0.012500"),
        on_demand_price=Decimal("0.041600"),
        cheapest_pool_id=POOL_B,
        as_received={"instance": {"instance_id": "i-1"}},
    )
    return replace(situation, **changes)


def a_decision(**changes: Any) -> Decision:
    """To move to zone b."""
    decision = Decision(
        decision_type=DecisionType.SWITCH_TO_SPOT,
        recommended_pool_id=POOL_B,
        risk_score=0.2,
        expected_savings=0.0291,
        confidence=0.8,
        reason="cheaper there",
    )
    return replace(decision, **changes)


def a_flight(**changes: Any) -> Flight:
    flight = Flight(
        question=DecisionInput(
            agent_id=AGENT,
            current_mode=Mode.SPOT,
            current_pool_id=POOL_A,
            spot_price=Decimal("0.0125"),
            ondemand_price=Decimal("0.0416"),
            candidate_pool_id=POOL_B,
            asked_at=NOON,
        ),
        asked_at=NOON,
        mode="spot",
        pool_id=POOL_A,
    )
    return replace(flight, **changes)


def a_decision_record(**changes: Any) -> DecisionRecord:
    record = DecisionRecord(
        client_id=ACME,
        agent_id=AGENT,
        instance_id=FIRST,
        advice=Advice(
            action=Action.SWITCH_SPOT,
            mode=Mode.SPOT,
            pool_id=POOL_B,
            risk_score=0.2,
            expected_savings=0.0291,
            allowed=True,
            reason="cheaper there",
        ),
        current_mode=Mode.SPOT,
        current_pool_id=POOL_A,
        current_price=Decimal("0.012500"),
        decided_at=NOON,
        model_version="1.2",
        answer=EngineAnswer(
            engine="TestEngine",
            version="1.2",
            models_used=("risk",),
            said={"pricing": {"current_spot_price": Decimal("0.0125")}},
            flight=a_flight(),
            decision=a_decision(),
            took_ms=12,
        ),
    )
    return replace(record, **changes)


def a_cleanup_report(**changes: Any) -> CleanupReport:
    report = CleanupReport(
        agent_id=AGENT,
        client_id=ACME,
        tidied=tidied_away(),
        executed_at=NOON - MINUTE,
    )
    return replace(report, **changes)


def tidied_away(as_received: Mapping[str, object] | None = None, **changes: Any) -> TidiedAway:
    tidied = TidiedAway(
        snapshots=2,
        amis=1,
        failed=3,
        cutoff_at=NOON - 7 * DAY,
        executed_at=NOON - MINUTE,
        as_received=as_received or {"snapshots": {"deleted": ["snap-1", "snap-2"]}},
    )
    return replace(tidied, **changes)


def a_replica(**changes: Any) -> Replica:
    """Of `agent-1` on `i-2` in zone b, ready since a minute."""
    replica = Replica(
        id=ReplicaId("replica-1"),
        agent_id=AGENT,
        instance_id=SECOND,
        pool_id=POOL_B,
        instance_type=TYPE,
        region=REGION,
        zone=ZONE_B,
        status=ReplicaStatus.READY,
        created_by="ops",
        parent_instance_id=FIRST,
        created_at=NOON - 5 * MINUTE,
        launched_at=NOON - 4 * MINUTE,
        ready_at=NOON - MINUTE,
        hourly_cost=Decimal("0.011000"),
    )
    return replace(replica, **changes)


def a_waiting_replica(**changes: Any) -> Replica:
    """That nobody has launched yet."""
    return a_replica(
        **{
            "instance_id": InstanceId("replica-replica-"),
            "status": ReplicaStatus.LAUNCHING,
            "launched_at": None,
            "ready_at": None,
        }
        | changes
    )
