"""Replicas, notices and the short log, the same expectations wherever they are kept."""

from dataclasses import replace
from decimal import Decimal

import pytest

from spot_optimizer.adapters.persistence.replica_queries import SqlReplicaQueries
from spot_optimizer.domain.errors import AgentNotFound
from spot_optimizer.domain.identifiers import AgentId, ReplicaId
from spot_optimizer.domain.interruption_features import Circumstances, Features, PriceTrend
from spot_optimizer.domain.interruptions import (
    Interruption,
    Resolution,
    ResponseAction,
    SignalType,
)
from spot_optimizer.domain.pricing.prices import PricePoint
from spot_optimizer.domain.replicas.life_cycle import ReplicaStatus
from spot_optimizer.domain.replicas.promotion import PrimaryChange, PromotionReason
from spot_optimizer.domain.replicas.replica import Replica, ReplicaType, SyncStatus
from tests.builders import (
    ACME,
    AGENT,
    FIRST,
    GLOBEX,
    HOUR,
    MINUTE,
    NOON,
    POOL_A,
    POOL_B,
    SECOND,
    SECOND_OF_TIME,
    THIRD,
    a_replica,
    a_waiting_replica,
    an_interruption,
    an_observation,
)
from tests.stores import SqlStore, Store

OTHER = AgentId("agent-2")


def keep(store: Store, *replicas: Replica) -> None:
    with store.work() as work:
        for replica in replicas:
            work.replicas.add(replica)
        work.commit()


REPLICAS = {
    "ready": a_replica(),
    "waiting": a_waiting_replica(),
    "handed out": a_waiting_replica(handed_out_at=NOON),
    "failed": a_replica(status=ReplicaStatus.FAILED, failed_at=NOON),
    "syncing": a_replica(
        status=ReplicaStatus.SYNCING,
        last_sync_at=NOON,
        sync_status=SyncStatus.OUT_OF_SYNC,
        sync_latency_ms=150,
        state_transfer_progress=Decimal("42.50"),
    ),
    "promoted": a_replica(
        status=ReplicaStatus.PROMOTED, promoted_at=NOON, failover_completed_at=NOON
    ),
    "terminated": a_replica(
        status=ReplicaStatus.TERMINATED,
        is_active=False,
        terminated_at=NOON,
        total_cost=Decimal("0.0220"),
        total_runtime_hours=Decimal("2.00"),
    ),
    "of an emergency": a_replica(
        replica_type=ReplicaType.AUTOMATIC_TERMINATION,
        signal_type=SignalType.TERMINATION_NOTICE,
        interruption_detected_at=NOON,
        termination_at=NOON + 2 * MINUTE,
        tags={"k": ["v"]},
        hourly_cost=None,
    ),
}


class TestReplicas:
    @pytest.mark.parametrize("name", REPLICAS)
    def test_it_is_kept_as_it_is(self, store: Store, name: str) -> None:
        replica = REPLICAS[name]
        keep(store, replica)

        with store.work() as work:
            assert work.replicas.find(AGENT, replica.id) == replica

    @pytest.mark.parametrize("name", REPLICAS)
    def test_it_becomes_what_is_saved(self, store: Store, name: str) -> None:
        keep(store, a_waiting_replica(), a_replica(id=ReplicaId("replica-2")))

        with store.work() as work:
            work.replicas.save_all([REPLICAS[name]])
            work.commit()

        with store.work() as work:
            assert work.replicas.find(AGENT, ReplicaId("replica-1")) == REPLICAS[name]
            untouched = work.replicas.find(AGENT, ReplicaId("replica-2"))
        assert untouched == a_replica(id=ReplicaId("replica-2"))

    def test_saving_none_is_nothing(self, store: Store) -> None:
        keep(store, a_replica())

        with store.work() as work:
            work.replicas.save_all([])
            work.commit()

        with store.work() as work:
            assert work.replicas.active_of(AGENT) == [a_replica()]

    @pytest.mark.parametrize("wrong", ["REPLICA-1", "replica-1 ", "replica", ""])
    def test_its_id_is_compared_exactly(self, store: Store, wrong: str) -> None:
        keep(store, a_replica())

        with store.work() as work:
            assert work.replicas.find(AGENT, ReplicaId(wrong)) is None
            assert work.replicas.find(OTHER, ReplicaId("replica-1")) is None

    def test_the_active_ones_of_an_agent_newest_first(self, store: Store) -> None:
        older = a_replica(id=ReplicaId("a"), created_at=NOON - HOUR)
        keep(
            store,
            older,
            a_replica(id=ReplicaId("c")),
            a_replica(id=ReplicaId("b"), status=ReplicaStatus.FAILED, failed_at=NOON),
            a_replica(id=ReplicaId("d"), agent_id=OTHER),
            a_replica(id=ReplicaId("e"), status=ReplicaStatus.TERMINATED, is_active=False),
        )

        with store.work() as work:
            assert [one.id for one in work.replicas.active_of(AGENT)] == ["b", "c", "a"]
            assert work.replicas.active_of(AgentId("nobody")) == []


class TestTheList:
    def test_it_knows_pools_and_owners(self, database: SqlStore) -> None:
        database.put_two_clients_and_an_agent()
        database.put_pools("us-east-1b")
        ended = a_replica(
            id=ReplicaId("replica-2"),
            status=ReplicaStatus.TERMINATED,
            is_active=False,
            pool_id=POOL_A,
            zone="us-east-1a",
        )
        keep(database, a_replica(), ended)
        queries = SqlReplicaQueries(database.engine)

        (listed,) = queries.replicas_of(AGENT, ACME, ended_too=False)
        assert (listed.replica, listed.pool.id, listed.pool_is_on_record) == (
            a_replica(),
            POOL_B,
            True,
        )
        everything = queries.replicas_of(AGENT, None, ended_too=True)
        assert [one.pool_is_on_record for one in everything] == [True, False]
        assert everything[1].pool.zone == "us-east-1a"
        for agent_id, owner in ((AGENT, GLOBEX), (OTHER, ACME), (AgentId("AGENT-1"), ACME)):
            with pytest.raises(AgentNotFound):
                queries.replicas_of(agent_id, owner, ended_too=True)


NOTICE = an_interruption(
    agent_id=AGENT,
    signal_type=SignalType.TERMINATION_NOTICE,
    detected_at=NOON,
    termination_at=NOON + 2 * MINUTE,
    metadata={},
)
LEARNT = Features(
    instance_age_hours=Decimal("12.00"),
    spot_price=Decimal("0.012000"),
    price_trend=PriceTrend.RISING,
    price_change_percent=Decimal("7.50"),
    minutes_since_price_change=12,
    day_of_week=0,
    hour_of_day=12,
    pool_rate=Decimal("0.5000"),
    region_rate=Decimal("0.1000"),
    competing_instances=3,
    previous_interruptions=2,
    hours_since_last_interruption=Decimal("1.50"),
)


class TestNotices:
    def test_one_is_kept_and_saved(self, store: Store) -> None:
        with store.work() as work:
            key = work.interruptions.add(NOTICE, NOON)
            other = work.interruptions.add(replace(NOTICE, agent_id=OTHER), NOON)
            work.commit()
        met = replace(NOTICE, id=key, features=LEARNT).failed_over_to(
            ReplicaId("replica-1"), 12, 30
        )

        with store.work() as work:
            work.interruptions.save(met)
            work.commit()

        with store.work() as work:
            assert work.interruptions.list_of(AGENT, NOON) == [met]
            (untouched,) = work.interruptions.list_of(OTHER, NOON)
        assert (untouched.id, untouched.failover_completed) == (other, False)

    def test_they_are_listed_newest_first(self, store: Store) -> None:
        moments = [NOON, NOON - HOUR, NOON, NOON - 2 * HOUR]
        with store.work() as work:
            keys = [
                work.interruptions.add(replace(NOTICE, detected_at=moment), NOON)
                for moment in moments
            ]
            work.commit()

        with store.work() as work:
            found = work.interruptions.list_of(AGENT, NOON - HOUR)
        assert [one.id for one in found] == [keys[2], keys[0], keys[1]]

    def test_what_was_written_by_others_is_read(self, database: SqlStore) -> None:
        from spot_optimizer.adapters.persistence import tables

        database.insert(
            tables.spot_interruption_events,
            instance_id=FIRST,
            agent_id=AGENT,
            signal_type="termination-notice",
            detected_at=NOON,
            response_action="no-action",
            price_trend_before="sideways",
            success=None,
            failover_completed=None,
        )

        with database.work() as work:
            (found,) = work.interruptions.list_of(AGENT, NOON)
        assert found == Interruption(
            id=found.id,
            agent_id=AGENT,
            instance_id=FIRST,
            pool_id=None,
            signal_type=SignalType.TERMINATION_NOTICE,
            detected_at=NOON,
            response_action=ResponseAction.NONE,
            features=Features(previous_interruptions=0),
        )
        assert found.is_open

    def test_what_is_on_record_around_a_notice(self, store: Store) -> None:
        store.put_two_clients_and_an_agent()
        store.put_pools("us-east-1a", "us-east-1b")
        ages = [3 * HOUR, 2 * HOUR, 30 * MINUTE, MINUTE]
        prices = [Decimal(f"0.01{number}000") for number in range(4)]
        with store.work() as work:
            work.prices.add_ticks(
                [
                    an_observation(pool_id=POOL_A, observed_at=NOON - age, price=price)
                    for age, price in zip(ages, prices, strict=True)
                ]
            )
            work.prices.add_ticks([an_observation(pool_id=POOL_B, observed_at=NOON)])
            for agent_id, age in ((AGENT, HOUR), (OTHER, 5 * HOUR)):
                noted = replace(NOTICE, agent_id=agent_id, detected_at=NOON - age, pool_id=POOL_A)
                work.interruptions.add(noted, NOON)
            work.commit()

        with store.work() as work:
            of = work.interruptions.circumstances_of
            seen = of({AGENT: POOL_A, OTHER: POOL_B}, NOON - HOUR, NOON)[AGENT]
            stale = of({AGENT: POOL_A}, NOON - 30 * SECOND_OF_TIME, NOON)[AGENT]
            nowhere = of({AGENT: None}, NOON - HOUR, NOON)[AGENT]

        assert seen == Circumstances(
            now=NOON,
            prices=[
                PricePoint(pool_id=POOL_A, price=price, captured_at=NOON - age)
                for age, price in list(zip(ages, prices, strict=True))[2:]
            ],
            pool_interruptions=2,
            pool_first_interrupted_at=NOON - 5 * HOUR,
            agents_in_pool=1,
            agent_interruptions=1,
            agent_last_interrupted_at=NOON - HOUR,
        )
        assert [point.captured_at for point in stale.prices] == [NOON - MINUTE]
        assert (nowhere.prices, nowhere.agent_interruptions) == ((), 1)

    def test_a_resolution_is_kept(self, store: Store) -> None:
        with store.work() as work:
            key = work.interruptions.add(NOTICE.resolved(Resolution.LOST), NOON)
            work.commit()

        with store.work() as work:
            (found,) = work.interruptions.list_of(AGENT, NOON)
        assert (found.id, found.is_open, found.success) == (key, False, False)


def test_the_short_log(store: Store) -> None:
    change = PrimaryChange(
        agent_id=AGENT,
        old_instance_id=FIRST,
        new_instance_id=SECOND,
        reason=PromotionReason.FAILOVER,
        at=NOON,
    )
    later = replace(change, new_instance_id=THIRD, at=NOON + SECOND_OF_TIME)
    with store.work() as work:
        manual = replace(later, reason=PromotionReason.MANUAL)
        work.switches.add_primary_changes([change, later, manual])
        work.commit()

    with store.work() as work:
        of = work.switches.primary_changes_of
        assert of([AGENT, OTHER], PromotionReason.FAILOVER, NOON) == {AGENT: [later, change]}
        assert of([AGENT], PromotionReason.FAILOVER, NOON + SECOND_OF_TIME) == {AGENT: [later]}
        assert of([AGENT], PromotionReason.FAILOVER, NOON + HOUR) == {}
        assert of([AGENT], PromotionReason.MANUAL, NOON) == {AGENT: [manual]}
