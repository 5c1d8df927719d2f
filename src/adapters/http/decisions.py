from collections.abc import Callable
from functools import partial
from typing import Self

from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from msgspec import Struct

from spot_optimizer.adapters.http.access import Gatekeeper
from spot_optimizer.adapters.http.batching import Joined
from spot_optimizer.adapters.http.reading import MISSING, NO_OBJECT, Reader
from spot_optimizer.adapters.http.routing import AnyRequest, get, in_thread, post
from spot_optimizer.adapters.http.tracking import note_id
from spot_optimizer.adapters.http.wire import json_object
from spot_optimizer.application.authenticate import Asked
from spot_optimizer.application.decisions.decide import Advised, Situation
from spot_optimizer.application.decisions.recommend_switch import Recommendation, RecommendSwitch
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.decisions.answers import Advice
from spot_optimizer.domain.identifiers import POOL_ID_LENGTH, AgentId, PoolId


class Decided(Struct):
    instance_id: str | None
    recommended_action: str
    recommended_mode: str | None
    recommended_pool_id: str | None
    risk_score: float
    expected_savings_per_hour: float
    allowed: bool
    reason: str

    @classmethod
    def of(cls, advice: Advice, instance_id: str | None) -> Self:
        return cls(
            instance_id=instance_id,
            recommended_action=advice.action,
            recommended_mode=advice.mode,
            recommended_pool_id=advice.pool_id,
            risk_score=advice.risk_score,
            expected_savings_per_hour=advice.expected_savings,
            allowed=advice.allowed,
            reason=advice.reason,
        )


class CurrentPool(Struct):
    id: str | None
    name: str | None
    az: str | None


class AlternativePool(Struct):
    id: str
    name: str | None
    az: str
    spot_price: float


class Recommended(Struct):
    agent_id: str
    decision_type: str
    recommended_pool_id: str | None
    risk_score: float
    expected_savings: float
    confidence: float
    reason: str
    auto_switch_enabled: bool
    will_auto_execute: bool
    current_pool: CurrentPool
    alternative_pools: list[AlternativePool]

    @classmethod
    def of(cls, recommendation: Recommendation) -> Self:
        agent, decision = recommendation.agent, recommendation.decision
        pool = recommendation.current_pool
        return cls(
            agent_id=agent.id,
            decision_type=decision.decision_type,
            recommended_pool_id=decision.recommended_pool_id,
            risk_score=decision.risk_score,
            expected_savings=decision.expected_savings,
            confidence=decision.confidence,
            reason=decision.reason,
            auto_switch_enabled=agent.settings.auto_switch_enabled,
            will_auto_execute=recommendation.will_auto_execute,
            current_pool=CurrentPool(
                id=agent.placement.pool_id,
                name=pool.name if pool else None,
                az=pool.zone if pool else None,
            ),
            alternative_pools=[
                AlternativePool(
                    id=other.pool_id, name=other.name, az=other.zone, spot_price=float(other.price)
                )
                for other in recommendation.alternatives
                if other.price is not None
            ],
        )


def decision_handlers(
    *,
    gatekeeper: Gatekeeper,
    decide: Joined[Asked[Situation], Advised],
    recommend_switch: RecommendSwitch,
    compatibility: Compatibility,
) -> list[HTTPRouteHandler]:
    """Advice to agents."""

    @post("/api/agents/{agent_id:str}/decide")
    async def what_to_do(request: AnyRequest, agent_id: FromPath[str]) -> Decided:
        instance_id: str | None = None

        async def said() -> Callable[[Caller], Situation]:
            nonlocal instance_id
            fields = await json_object(request, compatibility)
            instance_id, situation = _situation(AgentId(agent_id), fields)
            return situation

        advised = await gatekeeper.ask_with_body(request, decide, said)
        if advised.decision_id is not None:
            note_id("decision_id", advised.decision_id)
        return Decided.of(advised.advice, instance_id)

    @get("/api/agents/{agent_id:str}/switch-recommendation")
    async def switch_recommendation(request: AnyRequest, agent_id: FromPath[str]) -> Recommended:
        caller = await gatekeeper.client_or_operator(request)
        return Recommended.of(await in_thread(recommend_switch, AgentId(agent_id), caller))

    return [what_to_do, switch_recommendation]


def _situation(
    agent_id: AgentId, fields: dict[str, object]
) -> tuple[str | None, Callable[[Caller], Situation]]:
    """The instance that it is about, and all of it for whoever asks.

    What cannot be read counts as not told; a decision is always given.
    """
    required = Reader(fields, strict=True)
    for name in ("instance", "pricing"):
        if fields.get(name) is None:
            required.errors[name] = [MISSING]
        elif not isinstance(fields[name], dict):
            required.errors[name] = [NO_OBJECT]
    required.check()
    reader = Reader(fields, strict=False)
    instance, pricing = reader.part("instance"), reader.part("pricing")
    cheapest = pricing.part("cheapest_pool").text("pool_id", POOL_ID_LENGTH)
    instance_id = instance.text("instance_id", 64)
    return instance_id, partial(
        Situation,
        agent_id=agent_id,
        instance_id=instance_id,
        mode=instance.text("current_mode", 20) or instance.text("mode", 20),
        pool_id=instance.text("current_pool_id", POOL_ID_LENGTH)
        or instance.text("pool_id", POOL_ID_LENGTH),
        spot_price=pricing.price("current_spot_price") or pricing.price("spot_price"),
        on_demand_price=pricing.price("on_demand_price")
        or pricing.price("ondemand_price")
        or pricing.part("on_demand_price").price("price"),
        cheapest_pool_id=PoolId(cheapest) if cheapest else None,
        as_received={"instance": instance.fields, "pricing": pricing.fields},
    )
