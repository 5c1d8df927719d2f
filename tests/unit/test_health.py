"""How agents are doing, and how often that is said (contract/domain.md 4.4.6)."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from spot_optimizer.adapters.persistence import tables
from spot_optimizer.adapters.persistence.health_queries import SqlHealthQueries
from spot_optimizer.application.agents.monitor_health import MonitorHealth, SignOfLife
from spot_optimizer.domain.agents.agent import AgentSettings, AgentStatus
from spot_optimizer.domain.agents.health import HealthClass, judge
from spot_optimizer.domain.identifiers import AgentId, LogicalAgentId
from tests.builders import AGENT, HOUR, MINUTE, NOON, a_client, an_agent
from tests.fakes import FixedClock
from tests.stores import SqlStore


@pytest.mark.parametrize(
    ("heartbeat_s", "pricing_s", "health", "score"),
    [
        (0, 10, "healthy", 100),  # contract D-26
        (100, None, "healthy", 50),  # D-27
        (400, 400, "degraded", 20),  # D-28
        (90, 300, "healthy", 100),
        (91, 301, "healthy", 50),
        (180, 0, "healthy", 80),
        (181, 0, "degraded", 50),
        (600, 0, "degraded", 50),
        (601, 0, "offline", 0),
        (None, None, "offline", 0),
    ],
)
def test_the_score(heartbeat_s: int | None, pricing_s: int | None, health: str, score: int) -> None:
    ages = [None if age is None else timedelta(seconds=age) for age in (heartbeat_s, pricing_s)]

    report = judge(*ages)

    assert (report.health, report.score) == (health, score)
    assert (report.issues == ("no issues",)) is (score == 100)


class Signs:
    def __init__(self, *signs: SignOfLife) -> None:
        self.signs = signs

    def signs_of_life(self) -> Sequence[SignOfLife]:
        return self.signs


def test_who_is_not_well_is_told_once_in_an_hour(caplog: pytest.LogCaptureFixture) -> None:
    clock = FixedClock()
    signs = Signs(SignOfLife(AgentId("well"), NOON, NOON), SignOfLife(AgentId("lost"), None, NOON))
    monitor = MonitorHealth(signs, clock)

    for _ in range(12):
        assert monitor() == {HealthClass.HEALTHY: 1, HealthClass.OFFLINE: 1}
    assert sum("lost" in record.getMessage() for record in caplog.records) == 1
    assert "well is" not in caplog.text

    clock.advance(HOUR)
    monitor()
    assert sum("lost" in record.getMessage() for record in caplog.records) == 2


def test_signs_of_life_are_read(database: SqlStore) -> None:
    others = [
        an_agent(id=AgentId("off"), settings=AgentSettings(enabled=False)),
        an_agent(id=AgentId("gone"), status=AgentStatus.DELETED),
        an_agent(id=AgentId("mute"), last_heartbeat_at=None),
    ]
    database.put(a_client(), an_agent(last_heartbeat_at=NOON - MINUTE))
    for other in others:
        database.put(
            type(other)(
                id=other.id,
                client_id=other.client_id,
                logical_agent_id=LogicalAgentId(other.id),
                status=other.status,
                settings=other.settings,
            )
        )
    for age in (2, 1):
        database.insert(
            tables.pricing_reports, id=f"r{age}", agent_id=AGENT, received_at=NOON - age * MINUTE
        )

    assert SqlHealthQueries(database.engine).signs_of_life() == [
        SignOfLife(AGENT, NOON - MINUTE, NOON - MINUTE),
        SignOfLife(AgentId("mute"), None, None),
    ]
