"""Gauges of what the database knows, which are the same whichever process is asked."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import product
from typing import Final

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from spot_optimizer.adapters.metrics.instruments import PREFIX
from spot_optimizer.application.admin.fleet_figures import FleetFigures
from spot_optimizer.domain.agents.agent import AgentStatus
from spot_optimizer.domain.replicas.life_cycle import ReplicaStatus
from spot_optimizer.domain.values import Mode

_OTHER: Final = "other"
_STATES: Final = (*(state for state in AgentStatus if state != AgentStatus.DELETED), _OTHER)
_MODES: Final = (*Mode, _OTHER)


def gauges(figures: FleetFigures | None, now: datetime) -> Iterator[Metric]:
    """Without figures, that the database did not answer and nothing else."""
    yield _gauge("database_up", "Whether the database answered.", figures is not None)
    if figures is None:
        return
    yield _agents(figures.agents)
    yield _gauge("agents_enabled", "Agents that are enabled.", figures.enabled_agents)
    yield _by_age(
        "agents_heard_within",
        "Enabled agents whose newest heartbeat is so many seconds old at most.",
        figures.heard_within,
    )
    replicas = GaugeMetricFamily(f"{PREFIX}replicas", "Active replicas.", labels=["state"])
    for state in ReplicaStatus:
        replicas.add_metric([state], figures.replicas.get(state, 0))
    yield replicas
    yield _gauge("commands_pending", "Commands that wait.", figures.pending_commands)
    if figures.newest_price_at is not None:
        age_s = (now - figures.newest_price_at).total_seconds()
        yield _gauge(
            "newest_price_age_seconds",
            "Age of the newest five-minute price.",
            age_s,
        )
    yield _gauge("pools", "Active spot pools.", figures.pools)
    yield _by_age(
        "pools_priced_within",
        "Pools whose newest five-minute price is so many seconds old at most.",
        figures.priced_within,
    )
    yield _gauge("savings_usd", "Saved for all clients since ever.", float(figures.total_savings))


def _agents(found: Mapping[tuple[str, str], int]) -> Metric:
    """The columns may hold anything that somebody else has written."""
    counted = Counter[tuple[str, str]]()
    for (state, mode), number in found.items():
        counted[state if state in _STATES else _OTHER, mode if mode in _MODES else _OTHER] += number
    family = GaugeMetricFamily(
        f"{PREFIX}agents", "Agents that are not deleted.", labels=["state", "mode"]
    )
    for state, mode in product(_STATES, _MODES):
        family.add_metric([state, mode], counted[state, mode])
    return family


def _by_age(name: str, help_text: str, numbers: Mapping[int, int]) -> Metric:
    family = GaugeMetricFamily(PREFIX + name, help_text, labels=["seconds"])
    for age_s, number in numbers.items():
        family.add_metric([str(age_s)], number)
    return family


def _gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(PREFIX + name, help_text, value=float(value))
