from typing import Any

from litestar import Controller
from litestar.params import FromPath, RawBody
from msgspec import UNSET, Struct, UnsetType

from spot_optimizer.adapters.http.reading import Reader
from spot_optimizer.adapters.http.routing import Given, post
from spot_optimizer.adapters.http.wire import json_object
from spot_optimizer.application.interruptions.handle_rebalance import HandleRebalance
from spot_optimizer.domain.callers import Caller
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


class InterruptionController(Controller):
    path = "/api/agents"
    tags = ("interruptions",)

    @post("/{agent_id:str}/rebalance-recommendation")
    def rebalance_recommendation(
        self,
        agent_id: FromPath[str],
        body: RawBody,
        caller: Given[Caller],
        handle_rebalance: Given[HandleRebalance],
        compatibility: Given[Compatibility],
    ) -> RebalanceAnswer:
        reader = Reader(
            json_object(body, compatibility), strict=compatibility.refuse_unreadable_reports
        )
        instance_id = reader.text("instance_id", INSTANCE_ID_LENGTH)
        detected_at = reader.instant("detected_at")
        reader.check()
        advice = handle_rebalance(
            AgentId(agent_id),
            InstanceId(instance_id) if instance_id else None,
            detected_at,
            caller,
        )
        return RebalanceAnswer.of(advice)
