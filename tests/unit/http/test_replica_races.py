"""Many at once on one replica: exactly one wins, and nobody gets a failure of ours."""

from __future__ import annotations

from functools import partial

import pytest

from tests.application_under_test import Answer, Api, Store, at_once, is_failure_of_ours
from tests.unit.http.test_failover import Endangered
from tests.unit.http.test_replicas import Fleet

ROUNDS = range(3)


@pytest.mark.parametrize("_round", ROUNDS)
def test_of_parallel_creations_one_wins(api: Api, store: Store, _round: int) -> None:
    fleet = Fleet(api, store)

    answers = at_once(*[partial(fleet.post, "replicas")] * 6)

    assert sorted(answer.status_code for answer in answers) == [201, 400, 400, 400, 400, 400]
    assert fleet.agent["replica_count"] == 1
    assert len(store.rows("replica_instances")) == 1


@pytest.mark.parametrize("_round", ROUNDS)
def test_of_parallel_polls_one_is_given_the_launch(api: Api, store: Store, _round: int) -> None:
    fleet = Fleet(api, store)
    fleet.create()

    lists = at_once(*[partial(fleet.listed, "?status=launching")] * 8)

    assert sum(len(listed) for listed in lists) == 1


@pytest.mark.parametrize("_round", ROUNDS)
def test_32_threads_on_one_replica(api: Api, store: Store, _round: int) -> None:
    fleet = Endangered(api, store)
    fleet.settle(manual_replica_enabled=1)
    replica_id = fleet.create()
    fleet.launch(replica_id)

    def promote() -> Answer:
        return fleet.post(f"replicas/{replica_id}/promote", {"demote_old_primary": False})

    def delete() -> Answer:
        return api.send("DELETE", fleet.path(f"replicas/{replica_id}"))

    def fail_over() -> Answer:
        return fleet.post("termination-imminent", {"instance_id": "i-1"})

    def report() -> Answer:
        return fleet.post(f"replicas/{replica_id}/status", {"status": "ready"})

    answers = at_once(*[promote, delete, fail_over, report] * 8)

    assert not [answer.text for answer in answers if is_failure_of_ours(answer)]
    promotions = [answer for answer in answers[0::4] if answer.status_code == 200]
    failovers = [
        answer
        for answer in answers[2::4]
        if answer.status_code == 200 and answer.json()["action"] == "replica_promoted"
    ]
    moves = len(store.rows("instance_switches"))
    assert moves <= 1
    assert len(promotions) + bool(failovers) == moves
    assert fleet.agent["instance_id"] == ("i-2" if moves else "i-1")
    assert fleet.agent["replica_count"] == 0


@pytest.mark.parametrize("_round", ROUNDS)
def test_a_notice_that_is_repeated_at_once_moves_once(api: Api, store: Store, _round: int) -> None:
    fleet = Endangered(api, store)
    fleet.launch(fleet.emergency()["replica_id"])

    answers = at_once(*[partial(fleet.notice)] * 8)

    assert {answer["new_instance_id"] for answer in answers} == {"i-2"}
    assert len({answer["failover_time_ms"] for answer in answers}) == 1
    assert len(store.rows("instance_switches")) == 1
