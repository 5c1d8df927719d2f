from typing import Any

from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from msgspec import UNSET, Struct, UnsetType

from spot_optimizer.adapters.http.access import Gatekeeper
from spot_optimizer.adapters.http.reading import Reader
from spot_optimizer.adapters.http.routing import AnyRequest, in_thread, post
from spot_optimizer.adapters.http.wire import json_object
from spot_optimizer.application.interruptions.handle_rebalance import HandleRebalance
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.identifiers import INSTANCE_ID_LENGTH, AgentId, InstanceId
from spot_optimizer.domain.pricing.pool_choice import RebalanceAdvice
from spot_optimizer.domain.values import Mode


class RebalanceAnswer(Struct, omit_defaults=True):
    success: bool
    action: str
    message: str | UnsetType = UNSET
    risk_score: float | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    target_mode: str | UnsetType = UNSET
    target_pool_id: str | UnsetType = UNSET
    target_pool_name: str | UnsetType | None = UNSET

    @classmethod
    def of(cls, advice: RebalanceAdvice | None) -> "RebalanceAnswer":
        if advice is None:
            return cls(
                success=True, action="duplicate", message="Duplicate signal already processed"
            )
        target: dict[str, Any] = {}
        if advice.target is not None:
            target = {
                "target_mode": Mode.SPOT,
                "target_pool_id": advice.target.pool_id,
                "target_pool_name": advice.target.name,
            }
        return cls(
            success=True,
            action=advice.action,
            risk_score=advice.risk_score,
            reason=advice.reason,
            **target,
        )


def interruption_handlers(
    *,
    gatekeeper: Gatekeeper,
    handle_rebalance: HandleRebalance,
    compatibility: Compatibility,
) -> list[HTTPRouteHandler]:
    """Signs that an instance will be taken away."""

    @post("/api/agents/{agent_id:str}/rebalance-recommendation")
    async def rebalance_recommendation(
        request: AnyRequest, agent_id: FromPath[str]
    ) -> RebalanceAnswer:
        caller = await gatekeeper.client_or_operator(request)
        fields = await json_object(request, compatibility)
        reader = Reader(fields, strict=compatibility.refuse_unreadable_reports)
        named = reader.text("instance_id", INSTANCE_ID_LENGTH)
        detected_at = reader.instant("detected_at")
        reader.check()
        instance_id = InstanceId(named) if named else None
        advice = await in_thread(
            handle_rebalance, AgentId(agent_id), instance_id, detected_at, caller
        )
        return RebalanceAnswer.of(advice)

    return [rebalance_recommendation]
