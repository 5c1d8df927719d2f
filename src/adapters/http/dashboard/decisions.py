from datetime import datetime
from typing import Self

from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from msgspec import Struct

from spot_optimizer.adapters.http.access import Gatekeeper
from spot_optimizer.adapters.http.routing import AnyRequest, get, in_thread
from spot_optimizer.adapters.http.wire import timestamp
from spot_optimizer.application.dashboard.agents import (
    RECENT,
    AgentActivity,
    AgentViews,
    PastDecision,
    PastEvent,
    PastReport,
    whole_minutes,
)
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.domain.identifiers import ClientId


class Elapsed(Struct):
    minutes: int
    formatted: str

    @classmethod
    def since(cls, moment: datetime | None, now: datetime) -> Self | None:
        if moment is None:
            return None
        minutes = max(0, whole_minutes(now - moment))
        return cls(minutes, _ago(minutes, "Just now"))


class LastDecision(Struct):
    type: str | None = None
    time: str | None = None
    elapsed: Elapsed | None = None

    @classmethod
    def of(cls, decision: PastDecision | None, now: datetime) -> Self:
        if decision is None:
            return cls()
        at = decision.decided_at
        return cls(decision.decision_type, timestamp(at), Elapsed.since(at, now))


class DecisionItem(Struct, rename="camel"):
    type: str
    action: str | None
    risk_score: float | None
    expected_savings: float | None
    current_mode: str | None
    time: str | None

    @classmethod
    def of(cls, decision: PastDecision) -> Self:
        return cls(
            type=decision.decision_type,
            action=decision.action,
            risk_score=float(decision.risk_score) if decision.risk_score else None,
            expected_savings=float(decision.expected_savings)
            if decision.expected_savings
            else None,
            current_mode=decision.mode,
            time=timestamp(decision.decided_at),
        )


class ReportItem(Struct, rename="camel"):
    time: str | None
    on_demand_price: float
    spot_price: float

    @classmethod
    def of(cls, report: PastReport) -> Self:
        return cls(
            timestamp(report.received_at),
            float(report.on_demand_price or 0),
            float(report.spot_price or 0),
        )


class EventItem(Struct):
    type: str
    severity: str | None
    message: str | None
    time: str | None

    @classmethod
    def of(cls, event: PastEvent) -> Self:
        return cls(event.event_type, event.severity, event.message, timestamp(event.created_at))


class HealthStatus(Struct, rename="camel"):
    overall: str
    heartbeat: str
    activity: str
    recent_reports_count: int
    decision_count: int


class RecentActivity(Struct, rename="camel"):
    pricing_reports: list[ReportItem]
    system_events: list[EventItem]
    health_status: HealthStatus


class AgentDecisions(Struct, rename="camel"):
    agent_id: str
    agent_name: str
    status: str
    current_mode: str | None
    current_pool_id: str | None
    is_healthy: bool
    last_heartbeat: str | None
    """A phrase, not a time."""
    last_decision: LastDecision
    decision_history: list[DecisionItem]
    recent_activity: RecentActivity

    @classmethod
    def of(cls, agent: AgentActivity, now: datetime) -> Self:
        heard = agent.last_heartbeat_at
        last = agent.decisions[0] if agent.decisions else None
        healthy = agent.is_healthy(now)
        return cls(
            agent_id=agent.id,
            agent_name=agent.logical_agent_id,
            status=agent.status,
            current_mode=agent.mode,
            current_pool_id=agent.pool_id,
            is_healthy=healthy,
            last_heartbeat=None
            if heard is None
            else _ago(whole_minutes(now - heard), "< 1 min ago"),
            last_decision=LastDecision.of(last, now),
            decision_history=[DecisionItem.of(decision) for decision in agent.decisions],
            recent_activity=RecentActivity(
                pricing_reports=[ReportItem.of(report) for report in agent.reports],
                system_events=[EventItem.of(event) for event in agent.events],
                health_status=HealthStatus(
                    overall="healthy" if healthy else "unhealthy",
                    heartbeat="active" if agent.heartbeat_is_fresh(now) else "stale",
                    activity="active" if agent.is_active else "inactive",
                    recent_reports_count=agent.recent_reports,
                    decision_count=len(agent.decisions),
                ),
            ),
        )


def decision_view_handlers(
    *, gatekeeper: Gatekeeper, agent_views: AgentViews, clock: Clock
) -> list[HTTPRouteHandler]:
    """What agents were advised, as their client sees it."""

    @get("/api/client/{client_id:str}/agents/decisions")
    async def decisions(request: AnyRequest, client_id: FromPath[str]) -> list[AgentDecisions]:
        caller = await gatekeeper.client_or_operator(request)
        client = caller.asking_about(ClientId(client_id))
        now = clock.now()
        agents = await in_thread(agent_views.activity_of, client, now - RECENT)
        return [AgentDecisions.of(agent, now) for agent in agents]

    return [decisions]


def _ago(minutes: int, just_now: str) -> str:
    if minutes < 1:
        return just_now
    return f"{minutes} min ago" if minutes < 60 else f"{minutes // 60}h ago"
