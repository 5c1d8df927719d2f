"""The life of replicas, alone and together (contract/domain.md 4.7)."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.domain.agents.agent import AgentSettings
from spot_optimizer.domain.identifiers import InstanceId, PoolId, ReplicaId
from spot_optimizer.domain.pricing.pool_choice import PricedPool
from spot_optimizer.domain.replicas.life_cycle import (
    ARROWS,
    LIVE,
    REPORTS,
    TRANSITIONS,
    ReplicaEvent,
    ReplicaStatus,
)
from spot_optimizer.domain.replicas.pools import PoolMarket, Wishes
from spot_optimizer.domain.replicas.replica import (
    LAUNCH_TIMEOUT,
    AlreadyTerminated,
    Placeholder,
    Replica,
    ReplicaReport,
)
from spot_optimizer.domain.replicas.standbys import (
    ReplicaMode,
    best_first,
    failover_candidate,
    may_be_replaced_at,
    recounted,
)
from spot_optimizer.domain.state_machine import Arrow, transitions
from tests.builders import (
    FIRST,
    HOUR,
    MINUTE,
    NOON,
    POOL_A,
    POOL_B,
    POOL_C,
    SECOND,
    SECOND_OF_TIME,
    TODAY,
    a_replica,
    a_waiting_replica,
    an_agent,
)

FINAL = (ReplicaStatus.PROMOTED, ReplicaStatus.TERMINATED)


def in_status(status: ReplicaStatus) -> Replica:
    return a_replica(status=status, is_active=status is not ReplicaStatus.TERMINATED)


@given(
    before=st.sampled_from(ReplicaStatus),
    reported=st.sampled_from([ReplicaStatus(status) for status in REPORTS]),
    others=st.booleans(),
)
def test_a_report_leads_where_the_table_says(
    before: ReplicaStatus, reported: ReplicaStatus, others: bool
) -> None:
    after = in_status(before).after(ReplicaReport(status=reported), others, NOON, TODAY)

    wanted = TRANSITIONS.get((before, REPORTS[reported]), before)
    if before in FINAL or (before is ReplicaStatus.FAILED and wanted in LIVE and others):
        wanted = before
    assert after.status is wanted
    assert after.is_active == (wanted is not ReplicaStatus.TERMINATED)
    assert after.is_live == (wanted in LIVE)
    if wanted is ReplicaStatus.READY:
        assert after.ready_at is not None


def test_nothing_leaves_an_end_by_a_report() -> None:
    assert not [key for key in TRANSITIONS if key[0] in FINAL and key[1] in REPORTS.values()]


def test_two_arrows_may_not_leave_one_state_with_one_event() -> None:
    with pytest.raises(ValueError, match="left twice"):
        transitions([*ARROWS, Arrow((ReplicaStatus.READY,), ReplicaEvent.FAIL, FINAL[0])])


@pytest.mark.parametrize("status", ReplicaStatus)
def test_a_user_ends_whatever_has_not_ended(status: ReplicaStatus) -> None:
    replica = in_status(status)
    if status is ReplicaStatus.TERMINATED:
        with pytest.raises(AlreadyTerminated):
            replica.delete(NOON)
    else:
        assert not replica.delete(NOON).is_active
    assert replica.terminate(NOON).is_active == (status is ReplicaStatus.PROMOTED)


def test_it_costs_from_its_launch_to_its_end() -> None:
    ended = a_replica(launched_at=NOON - 2 * HOUR).terminate(NOON)

    assert (ended.total_runtime_hours, ended.total_cost) == (Decimal("2.00"), Decimal("0.0220"))
    assert a_waiting_replica().terminate(NOON).total_cost == 0
    closed = a_replica(status=ReplicaStatus.PROMOTED).delete(NOON)
    assert closed.total_cost == 0


@pytest.mark.parametrize(
    ("replica", "age", "late"),
    [
        (a_waiting_replica(), 600, False),
        (a_waiting_replica(), 601, True),
        (a_replica(status=ReplicaStatus.SYNCING), 1800, False),
        (a_replica(status=ReplicaStatus.SYNCING), 1801, True),
        (a_replica(), 10**6, False),
        (a_replica(status=ReplicaStatus.FAILED), 10**6, False),
    ],
)
def test_patience(replica: Replica, age: int, late: bool) -> None:
    since = NOON - timedelta(seconds=age)
    launched_at = since if replica.launched_at else None

    assert replace(replica, created_at=since, launched_at=launched_at).has_timed_out(NOON) is late


@pytest.mark.parametrize(
    ("auto", "manual", "mode"),
    [
        (True, False, ReplicaMode.AUTO),
        (False, True, ReplicaMode.MANUAL),
        (False, False, ReplicaMode.OFF),
        (True, True, ReplicaMode.AUTO),
    ],
)
def test_the_mode_follows_from_two_settings(auto: bool, manual: bool, mode: ReplicaMode) -> None:
    settings = AgentSettings(auto_switch_enabled=auto, manual_replica_enabled=manual)

    assert ReplicaMode.of(settings) is mode


replicas = st.lists(
    st.builds(
        lambda number, status, age, real: a_replica(
            id=ReplicaId(f"r{number}"),
            status=status,
            is_active=status is not ReplicaStatus.TERMINATED,
            created_at=NOON - age * MINUTE,
            instance_id=f"i-{number}" if real else f"manual-{number}",
        ),
        st.integers(0, 9),
        st.sampled_from(ReplicaStatus),
        st.integers(0, 5),
        st.booleans(),
    ),
    unique_by=lambda replica: replica.id,
)


@given(replicas, st.sampled_from([None, "r1", "r2", "gone"]))
def test_counts_are_those_of_the_live(found: list[Replica], current: str | None) -> None:
    agent = an_agent(current_replica_id=current)

    counted = recounted(agent, found)

    living = {replica.id: replica for replica in found if replica.is_live}
    assert counted.settings.replica_count == len(living)
    if current in living:
        assert counted.current_replica_id == current
    elif living:
        assert counted.current_replica_id is not None
        newest = max(replica.created_at for replica in living.values())
        assert living[counted.current_replica_id].created_at == newest
    else:
        assert counted.current_replica_id is None


@given(replicas)
def test_the_best_is_ready_before_all_others(found: list[Replica]) -> None:
    best = best_first(found)

    assert {replica.id for replica in best} == {one.id for one in found if one.is_live}
    ranks = [LIVE[::-1].index(replica.status) for replica in best]
    assert ranks == sorted(ranks)


@given(replicas, st.sampled_from([None, "r1", "r2"]))
def test_who_takes_over_has_a_machine_of_its_own(found: list[Replica], named: str | None) -> None:
    chosen = failover_candidate(found, FIRST, None if named is None else ReplicaId(named))

    able = [one for one in found if one.is_live and one.has_machine and one.instance_id != FIRST]
    if chosen is None:
        assert not [one for one in able if one.status is not ReplicaStatus.LAUNCHING]
        assert named not in [one.id for one in able]
    else:
        assert chosen in able
        if chosen.id != named and any(one.status is ReplicaStatus.READY for one in able):
            assert chosen.status is ReplicaStatus.READY
            assert named not in [one.id for one in able]


@pytest.mark.parametrize(
    ("failures", "pause_s"),
    [(1, 30), (2, 60), (3, 120), (4, 240), (5, 480), (6, 600), (7, 600), (40, 600)],
)
def test_the_pause_after_failures(failures: int, pause_s: int) -> None:  # contract D-7
    failed = [
        a_replica(
            id=ReplicaId(f"r{number:02}"),
            status=ReplicaStatus.FAILED,
            created_at=NOON - number * MINUTE,
            failed_at=NOON if number == 0 else NOON - number * MINUTE,
        )
        for number in range(failures)
    ]
    before = a_replica(id=ReplicaId("p"), status=ReplicaStatus.PROMOTED, created_at=NOON - HOUR)

    assert may_be_replaced_at([*failed, before]) == NOON + timedelta(seconds=pause_s)
    assert may_be_replaced_at([before]) is None
    assert may_be_replaced_at([]) is None


def unlaunched(number: int, age: timedelta = LAUNCH_TIMEOUT, **changes: Any) -> Replica:
    """The last of them failed at noon."""
    failed_at = NOON - number * HOUR
    replica_id = ReplicaId(f"u{number:02}")
    return a_replica(
        id=replica_id,
        instance_id=Placeholder.COORDINATOR.of(replica_id),
        status=ReplicaStatus.FAILED,
        created_at=failed_at - age,
        failed_at=failed_at,
        **changes,
    )


@pytest.mark.parametrize(
    ("failures", "pause"),
    [(1, 30), (2, 60), (3, 7200), (4, 14400), (5, 28800), (6, 57600), (7, 86400), (40, 86400)],
)
def test_nobody_is_asked_for_ever_to_launch_what_nobody_launches(failures: int, pause: int) -> None:
    replicas = [unlaunched(number) for number in range(failures)]

    assert may_be_replaced_at(replicas) == NOON + timedelta(seconds=pause)


def test_who_tries_to_launch_is_asked_again_soon() -> None:
    soon = NOON + timedelta(seconds=120)
    said_so = [unlaunched(number, LAUNCH_TIMEOUT - SECOND_OF_TIME) for number in range(3)]
    launched = [unlaunched(0), replace(unlaunched(1), instance_id=InstanceId("i-9")), unlaunched(2)]

    assert may_be_replaced_at(said_so) == soon
    assert may_be_replaced_at(launched) == soon


class TestPools:
    def market(self, *pools: PricedPool, current: PoolId | None = POOL_A) -> PoolMarket:
        return PoolMarket(
            instance_type="t3.medium", region="us-east-1", pools=pools, current=current, now=NOON
        )

    def pool(
        self, pool_id: PoolId, price: str | None, interruptions: int = 0, age: timedelta = MINUTE
    ) -> PricedPool:
        return PricedPool(
            pool_id=pool_id,
            zone=pool_id.rpartition(".")[2],
            price=None if price is None else Decimal(price),
            priced_at=None if price is None else NOON - age,
            interruptions_24h=interruptions,
        )

    def test_the_lost_pool_is_never_chosen(self) -> None:
        market = self.market(self.pool(POOL_A, "0.001"))

        assert market.safest() is None
        assert market.cheapest() is None

    def test_but_better_a_standby_there_than_none(self) -> None:
        only = self.pool(POOL_A, "0.001")

        assert self.market(only).cheapest_whatever_is_known() == only

    def test_the_fewest_interruptions_come_before_the_price(self) -> None:
        cheap, safe = self.pool(POOL_B, "0.01", 1), self.pool(POOL_C, "0.02")

        assert self.market(cheap, safe).safest() == safe
        assert self.market(cheap, safe).cheapest() == cheap

    def test_unknown_and_stale_prices_come_last(self) -> None:
        stale = self.pool(POOL_B, "0.001", age=61 * MINUTE)
        fresh, none = self.pool(POOL_C, "0.02"), self.pool(PoolId("t3.medium.d"), None)
        market = self.market(none, stale, fresh)

        assert market.safest() == fresh
        assert market.cheapest() == fresh
        assert self.market(none, stale).cheapest() is None
        assert self.market(stale, none).cheapest_whatever_is_known() == none  # by id

    def test_where_one_has_failed_is_tried_last(self) -> None:
        failed, other = self.pool(POOL_B, "0.01"), self.pool(POOL_C, "0.02")
        market = self.market(failed, other)

        assert market.safest(avoided=[POOL_B]) == other
        assert market.cheapest_whatever_is_known([POOL_B]) == other
        assert market.cheapest_whatever_is_known([POOL_B, POOL_C]) == failed

    def test_an_excluded_zone_is_excluded_even_if_preferred(self) -> None:
        zone = frozenset({"us-east-1b"})
        market = self.market(self.pool(POOL_B, "0.01"), self.pool(POOL_C, "0.02"))

        chosen = market.safest(Wishes(excluded_zones=zone, preferred_zones=zone))
        assert chosen is not None
        assert chosen.pool_id == POOL_C

    def test_an_unknown_current_pool_excludes_nothing(self) -> None:
        here = self.pool(POOL_A, "0.001")

        assert self.market(here, current=None).safest() == here


def test_data_that_had_not_been_transferred_is_lost() -> None:
    syncing = a_replica(status=ReplicaStatus.SYNCING, last_sync_at=NOON - MINUTE)

    assert syncing.data_loss_seconds(NOON) == 60
    assert replace(syncing, last_sync_at=None).data_loss_seconds(NOON) == 0
    assert a_replica(last_sync_at=NOON - MINUTE).data_loss_seconds(NOON) == 0


def test_a_replica_is_named_after_its_machine() -> None:
    assert a_replica(instance_id=SECOND).has_machine
    assert not a_waiting_replica().has_machine
