"""What each thing that happens leaves for its readers, to the letter of the contract."""

import json
from datetime import timedelta
from decimal import Decimal
from inspect import cleandoc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.domain import (
    access_occurrences,
    agent_occurrences,
    client_occurrences,
    command_occurrences,
    interruption_occurrences,
)
from spot_optimizer.domain.agents.agent import AgentStatus
from spot_optimizer.domain.agents.instances import InstanceRole
from spot_optimizer.domain.agents.registration import (
    Registered,
    RegistrationOutcome,
    mint,
    register,
)
from spot_optimizer.domain.cleanups import TidiedAway
from spot_optimizer.domain.clients import new_client
from spot_optimizer.domain.identifiers import AgentId, ClientId, InstanceId
from spot_optimizer.domain.journal import Occurrence, changes
from spot_optimizer.domain.pricing.pool_choice import PricedPool, RebalanceAdvice
from spot_optimizer.domain.switching import ReportedInstance, SwitchPrices
from tests.unit.domain_examples import (
    NOON,
    NOWADAYS,
    ON_DEMAND,
    POOL_B,
    a_command,
    a_registration,
    a_switch,
    an_agent,
    an_interruption,
    statuses,
)

A, C = AgentId("agent-1"), ClientId("client-1")
I_1, I_2 = InstanceId("i-1"), InstanceId("i-2")
TOKEN = "token-" + "aB3xY7wQ" * 4
NAMELESS, UNHEARD = an_agent(hostname=None), an_agent(hostname=None, last_heartbeat_at=None)
DELETED, MOVED = an_agent(status=AgentStatus.DELETED), an_agent(primary_instance_id=I_2)
DONE, ENDED = a_command().report(True, "done", NOON, NOWADAYS), an_agent().terminate(NOON)
ON_DEMAND_NOW = an_agent(primary_instance_id=I_2, placement=ON_DEMAND)
ELSEWHERE = a_registration(instance_id=I_2)

OUTCOMES = {
    "minted": mint(A, C, a_registration(), NOON),
    "refreshed": register(an_agent(), a_registration(), InstanceRole.PRIMARY, NOON, NOWADAYS),
    "migrated": register(an_agent(), ELSEWHERE, InstanceRole.UNKNOWN, NOON, NOWADAYS),
    "revived": register(DELETED, a_registration(), InstanceRole.PRIMARY, NOON, NOWADAYS),
    "acknowledged_zombie": register(an_agent(), ELSEWHERE, InstanceRole.FORMER, NOON, NOWADAYS),
    "acknowledged_replica": register(an_agent(), ELSEWHERE, InstanceRole.STANDBY, NOON, NOWADAYS),
}


TIDIED = TidiedAway(
    snapshots=2, amis=1, failed=3, cutoff_at=None, executed_at=NOON, as_received={"amis": {}}
)
LEAVE = RebalanceAdvice(risk_score=0.5, target=PricedPool(pool_id=POOL_B, zone="us-east-1b"))


def spoken(happened: Occurrence) -> str:
    """Everything that is written of it, in the order event, notification, audit."""
    lines = []
    if (event := happened.event) is not None:
        about = f"{event.client_id} {event.agent_id} {event.instance_id}"
        lines += [f"event {event.event_type} {event.severity} {about}", f"  {event.message}"]
        if event.metadata is not None:
            lines.append(f"  {json.dumps(event.metadata)}")
    if (notice := happened.notification) is not None:
        lines += [f"notification {notice.severity} {notice.client_id}", f"  {notice.message}"]
    if (entry := happened.audit) is not None:
        lines.append(f"audit {entry.action} {entry.entity_type} {entry.entity_id}")
        if entry.details is not None:
            lines.append(f"  {json.dumps(entry.details)}")
        lines += [f"  {name}: {old} -> {new}" for name, (old, new) in entry.changes.items()]
    return "\n".join(lines)


SPOKEN = [
    (
        access_occurrences.unknown_token("/api/agents/register", NOON),
        """
        event auth_failed warning None None None
          Invalid client token attempt for endpoint /api/agents/register
        """,
    ),
    (
        access_occurrences.inactive_client(C, NOON),
        """
        event auth_failed warning client-1 None None
          Inactive client client-1 attempted access
        """,
    ),
    (
        client_occurrences.client_created(new_client(C, TOKEN, "Acme Corp", None), NOON),
        """
        event client_created info client-1 None None
          Client Acme Corp created
          {"client_name": "Acme Corp"}
        notification info client-1
          New client created: Acme Corp
        audit client_created client client-1
          name: None -> Acme Corp
          email: None -> acme_corp@example.com
        """,
    ),
    (client_occurrences.token_shown(C, NOON), "audit token_shown client client-1"),
    (access_occurrences.logged_in("s-1", NOON), "audit logged_in session s-1"),
    (access_occurrences.logged_out("s-1", NOON), "audit logged_out session s-1"),
    (
        agent_occurrences.registration_refused(C, {"az": ["Not a valid string."]}, NOON),
        """
        event validation_error warning client-1 None None
          Agent registration validation failed: {'az': ['Not a valid string.']}
        """,
    ),
    (
        agent_occurrences.registration_failed(C, NOON),
        """
        event agent_registration_failed error client-1 None None
          Agent registration failed unexpectedly
        """,
    ),
    (
        agent_occurrences.agent_registered(OUTCOMES["minted"], None, I_1, NOON),
        """
        event agent_registered info client-1 agent-1 i-1
          Agent web-1 registered successfully
        notification info client-1
          New agent registered: web-1
        audit agent_minted agent agent-1
          status: None -> online
          instance_id: None -> i-1
          instance_type: None -> t3.medium
          zone: None -> us-east-1a
          mode: None -> spot
          pool_id: None -> t3.medium.us-east-1a
        """,
    ),
    (
        agent_occurrences.agent_registered(OUTCOMES["migrated"], an_agent(), I_2, NOON),
        """
        event agent_registered info client-1 agent-1 i-2
          Agent web-1 registered successfully
        audit agent_migrated agent agent-1
          instance_id: i-1 -> i-2
        """,
    ),
    (
        agent_occurrences.agent_registered(OUTCOMES["revived"], DELETED, I_1, NOON),
        """
        event agent_registered info client-1 agent-1 i-1
          Agent web-1 registered successfully
        audit agent_revived agent agent-1
          status: deleted -> online
        """,
    ),
    (
        agent_occurrences.agent_fell_silent(an_agent(), an_agent().fall_silent(), 120, NOON),
        """
        event agent_marked_offline warning client-1 agent-1 i-1
          Agent web-1.internal marked offline due to heartbeat timeout (120s)
          {"timeout_seconds": 120, "last_heartbeat_at": "2026-11-20T12:00:00"}
        notification warning client-1
          Agent web-1.internal marked offline (heartbeat timeout)
        audit agent_marked_offline agent agent-1
          status: online -> offline
        """,
    ),
    (
        agent_occurrences.agent_fell_silent(UNHEARD, UNHEARD.fall_silent(), 90, NOON),
        """
        event agent_marked_offline warning client-1 agent-1 i-1
          Agent agent-1 marked offline due to heartbeat timeout (90s)
          {"timeout_seconds": 90, "last_heartbeat_at": null}
        notification warning client-1
          Agent agent-1 marked offline (heartbeat timeout)
        audit agent_marked_offline agent agent-1
          status: online -> offline
        """,
    ),
    (
        agent_occurrences.agent_terminated(an_agent(), ENDED, "reclaimed", {"exit": 0}, NOON),
        """
        event instance_terminated warning client-1 agent-1 None
          reclaimed
          {"exit": 0}
        notification warning client-1
          Agent agent-1 terminated: reclaimed
        audit agent_terminated agent agent-1
          status: online -> offline
        """,
    ),
    (
        agent_occurrences.cleanup_completed(an_agent(), TIDIED, NOON),
        """
        event cleanup_completed info client-1 agent-1 None
          Cleaned 2 snapshots, 1 AMIs. Failed: 3
          {"amis": {}}
        """,
    ),
    (
        command_occurrences.switch_command_issued(an_agent(), a_command(), NOON),
        """
        notification info client-1
          Switch command issued to web-1.internal: spot
        audit command_issued command command-1
          {"agent_id": "agent-1", "priority": 25}
          target_mode: None -> spot
          target_pool_id: None -> t3.medium.us-east-1b
          status: None -> pending
        """,
    ),
    (
        command_occurrences.command_changed(a_command(), DONE, NOON),
        """
        audit command_completed command command-1
          {"agent_id": "agent-1", "message": "done"}
          status: pending -> completed
        """,
    ),
    (
        command_occurrences.command_changed(a_command(), a_command(priority=75), NOON),
        """
        audit command_pending command command-1
          {"agent_id": "agent-1", "message": null}
          priority: 25 -> 75
        """,
    ),
    (
        command_occurrences.switch_recorded(a_switch(), ON_DEMAND_NOW, an_agent(), NOON),
        """
        event switch_completed info client-1 agent-1 i-2
          Switch from i-1 to i-2
          {"savings_impact": 0.0075}
        notification info client-1
          Instance switched: i-2 - Saved $0.0075/hr
        audit switch_recorded switch switch-1
          {"agent_id": "agent-1", "savings_impact": 0.0075}
          instance_id: i-1 -> i-2
          mode: spot -> ondemand
          pool_id: t3.medium.us-east-1a -> None
        """,
    ),
    (
        interruption_occurrences.interruption_accepted(
            an_agent(), an_interruption(pool_id=None), NOON
        ),
        """
        event interruption_signal warning client-1 agent-1 i-1
          Rebalance recommendation detected for instance i-1
          {"signal_type": "rebalance-recommendation"}
        audit interruption_accepted agent agent-1
          {"instance_id": "i-1", "pool_id": null, "signal_type": "rebalance-recommendation"}
        """,
    ),
    (
        interruption_occurrences.rebalance_advised(
            an_agent(), I_2, RebalanceAdvice(risk_score=1 / 3), NOON
        ),
        """
        event rebalance_recommendation warning client-1 agent-1 None
          Rebalance recommendation for i-2. Risk: 33.33%. Action: monitor
          {"risk_score": 0.3333333333333333, "action": "monitor"}
        """,
    ),
    (
        interruption_occurrences.rebalance_advised(an_agent(), I_2, LEAVE, NOON),
        """
        event rebalance_recommendation warning client-1 agent-1 None
          Rebalance recommendation for i-2. Risk: 50.00%. Action: switch
          {"risk_score": 0.5, "action": "switch"}
        """,
    ),
    (
        command_occurrences.decision_failed("i-1", "no answer", NOON),
        """
        event decision_error error None None i-1
          no answer
        """,
    ),
]


@pytest.mark.parametrize(("happened", "text"), SPOKEN)
def test_every_reader_gets_the_words_of_the_contract_and_nothing_else(
    happened: Occurrence, text: str
) -> None:
    assert happened.at == NOON
    assert spoken(happened) == cleandoc(text)


def test_no_token_is_ever_told() -> None:
    told = str([happened for happened, _ in SPOKEN])

    assert "token-" not in told
    assert TOKEN[6:14] not in told


def test_an_agent_without_a_host_name_is_called_by_its_id() -> None:
    command = a_command(target_mode="ondemand")

    told = spoken(command_occurrences.switch_command_issued(NAMELESS, command, NOON))

    assert "\n  Switch command issued to agent-1: ondemand\n" in told


def test_nobody_is_named_where_nobody_is_known() -> None:
    failed = agent_occurrences.registration_failed(None, NOON)
    switched = command_occurrences.switch_recorded(
        a_switch(old=ReportedInstance()), MOVED, MOVED, NOON
    )

    assert "agent_registration_failed error None None None" in spoken(failed)
    assert "validation_error warning None None None" in spoken(
        agent_occurrences.registration_refused(None, {}, NOON)
    )
    assert "decision_error error None None None" in spoken(
        command_occurrences.decision_failed("", "no answer", NOON)
    )
    assert "\n  Switch from None to i-2\n" in spoken(switched)


@pytest.mark.parametrize("outcome", RegistrationOutcome)
def test_every_registration_is_an_event_and_the_first_one_a_notification(
    outcome: RegistrationOutcome,
) -> None:
    before = None if outcome is RegistrationOutcome.MINTED else an_agent()

    told = agent_occurrences.agent_registered(OUTCOMES[outcome], before, I_2, NOON)

    assert OUTCOMES[outcome].outcome is outcome
    assert spoken(told).startswith("event agent_registered info client-1 agent-1 i-2\n")
    assert (told.notification is not None) == (outcome is RegistrationOutcome.MINTED)


def test_a_registration_that_changes_nothing_is_not_audited() -> None:
    unchanged = Registered(outcome=RegistrationOutcome.REFRESHED, agent=an_agent())

    assert agent_occurrences.agent_registered(unchanged, an_agent(), I_1, NOON).audit is None


@given(before=statuses, after=statuses)
def test_clients_hear_of_silence_and_of_a_return_from_it_and_of_nothing_else(
    before: AgentStatus, after: AgentStatus
) -> None:
    told = agent_occurrences.agent_heard(an_agent(status=before), an_agent(status=after), NOON)

    if before == after:
        assert told is None
        return
    notice = ""
    if after == "offline":
        notice = "notification warning client-1\n  Agent agent-1 went offline\n"
    elif (before, after) == ("offline", "online"):
        notice = "notification info client-1\n  Agent agent-1 is back online\n"
    assert told is not None
    assert told.at == NOON
    audit = f"audit agent_changed agent agent-1\n  status: {before} -> {after}"
    assert spoken(told) == notice + audit


def test_a_heartbeat_that_only_says_that_it_lives_leaves_no_trace() -> None:
    later = an_agent(last_heartbeat_at=NOON + timedelta(seconds=30))

    assert agent_occurrences.agent_heard(an_agent(), later, NOON) is None


def test_a_heartbeat_from_another_place_is_only_audited() -> None:
    told = agent_occurrences.agent_heard(an_agent(), ON_DEMAND_NOW, NOON)

    assert told is not None
    assert spoken(told) == cleandoc("""
        audit agent_changed agent agent-1
          instance_id: i-1 -> i-2
          mode: spot -> ondemand
          pool_id: t3.medium.us-east-1a -> None
        """)


@pytest.mark.parametrize(
    ("old", "new", "saved"),
    [
        ("0.0100", "0.0416", "$-0.0316/hr"),
        ("1.5", "0.25", "$1.2500/hr"),
        ("0.02", "0.02", "$0.0000/hr"),
        ("0.012345", "0.010000", "$0.0023/hr"),
    ],
)
def test_what_a_switch_saves_is_told_with_four_decimals(old: str, new: str, saved: str) -> None:
    prices = SwitchPrices(old_spot=Decimal(old), new_spot=Decimal(new))

    told = command_occurrences.switch_recorded(a_switch(prices=prices), MOVED, MOVED, NOON)

    assert f"\n  Instance switched: i-2 - Saved {saved}\n" in spoken(told)


@given(st.dictionaries(st.text(min_size=1), st.tuples(st.integers(0, 2), st.integers(0, 2))))
def test_only_what_differs_is_a_change(fields: dict[str, tuple[int, int]]) -> None:
    assert changes(**fields) == {name: pair for name, pair in fields.items() if pair[0] != pair[1]}
