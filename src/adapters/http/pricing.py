from collections.abc import Callable
from decimal import Decimal
from functools import partial

from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from spot_optimizer.adapters.http.access import Gatekeeper
from spot_optimizer.adapters.http.agents import Success
from spot_optimizer.adapters.http.batching import Joined
from spot_optimizer.adapters.http.reading import (
    NO_NUMBER,
    NO_OBJECT,
    Reader,
    as_mode,
    as_price,
    as_text,
)
from spot_optimizer.adapters.http.routing import AnyRequest, post
from spot_optimizer.adapters.http.wire import json_object
from spot_optimizer.application.authenticate import Asked
from spot_optimizer.application.pricing.ingest_pricing_reports import ReceivedReport
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.identifiers import (
    INSTANCE_ID_LENGTH,
    INSTANCE_TYPE_LENGTH,
    POOL_ID_LENGTH,
    REGION_LENGTH,
    ZONE_LENGTH,
    AgentId,
    InstanceId,
    PoolId,
)
from spot_optimizer.domain.pricing.report import PoolOffer
from spot_optimizer.domain.pricing.submission import PriceSubmission

# An agent watches the zones of one type; whoever lists more is not an agent.
_POOLS_READ = 500


def pricing_handlers(
    *,
    gatekeeper: Gatekeeper,
    ingest_pricing_reports: Joined[Asked[ReceivedReport], None],
    compatibility: Compatibility,
) -> list[HTTPRouteHandler]:
    """What agents report about prices."""

    @post("/api/agents/{agent_id:str}/pricing-report")
    async def pricing_report(request: AnyRequest, agent_id: FromPath[str]) -> Success:
        async def said() -> Callable[[Caller], ReceivedReport]:
            submission = _submission(await json_object(request, compatibility), compatibility)
            return partial(ReceivedReport, AgentId(agent_id), submission)

        await gatekeeper.ask_with_body(request, ingest_pricing_reports, said)
        return Success()

    return [pricing_report]


def _submission(fields: dict[str, object], compatibility: Compatibility) -> PriceSubmission:
    """Three generations of agents send three shapes, which may be mixed (A6)."""
    strict = compatibility.refuse_unreadable_reports
    reader = Reader(fields, strict=strict)
    for name in ("instance", "pricing"):
        if fields.get(name) is not None and not isinstance(fields[name], dict):
            reader.errors[name] = [NO_OBJECT]
    reader.check()
    instance, pricing = reader.part("instance"), reader.part("pricing")
    mode = instance.text("mode", 20) or instance.text("current_mode", 20)
    instance_type = instance.text("instance_type", INSTANCE_TYPE_LENGTH)
    listed = _listed(reader, pricing)
    cheapest = pricing.part("cheapest_pool")
    submission = PriceSubmission(
        instance_id=_instance(instance.text("instance_id", INSTANCE_ID_LENGTH)),
        instance_type=instance_type,
        region=instance.text("region", REGION_LENGTH),
        zone=instance.text("az", ZONE_LENGTH),
        mode=as_mode(mode),
        pool_id=_pool(
            instance.text("pool_id", POOL_ID_LENGTH)
            or instance.text("current_pool_id", POOL_ID_LENGTH)
        ),
        on_demand_price=pricing.price("on_demand_price") or _on_demand(reader, pricing),
        current_spot_price=pricing.price("current_spot_price"),
        cheapest_pool_id=_pool(cheapest.text("pool_id", POOL_ID_LENGTH)),
        cheapest_pool_price=cheapest.price("price"),
        offers=tuple(_offers(listed, instance_type, pricing)),
        listed=tuple(listed),
        collected_at=pricing.instant("collected_at") or reader.instant("collected_at"),
    )
    reader.check()
    return submission


def _listed(reader: Reader, pricing: Reader) -> list[object]:
    return (
        pricing.listing("spot_pools") or reader.listing("spot_pools") or reader.listing("pools")
    )[:_POOLS_READ]


def _on_demand(reader: Reader, pricing: Reader) -> Decimal | None:
    """0 where that is what stands there: free of charge is no price, but it is kept as told."""
    if pricing.fields.get("on_demand_price") is not None:
        return as_price(pricing.fields["on_demand_price"])
    told = reader.fields.get("on_demand_price")
    return (
        reader.part("on_demand_price").price("price")
        if isinstance(told, dict)
        else (reader.price("on_demand_price"))
    )


def _offers(listed: list[object], instance_type: str | None, errors: Reader) -> list[PoolOffer]:
    """Items that name no pool are left out, as are prices that are none."""
    offers = []
    for item in listed:
        said = item if isinstance(item, dict) else {}
        pool_id = as_text(said.get("pool_id"), POOL_ID_LENGTH) or as_text(
            said.get("id"), POOL_ID_LENGTH
        )
        price = as_price(said.get("price"))
        if pool_id is None or price is None:
            errors.wrong("spot_pools", NO_NUMBER)
        if pool_id is None:
            continue
        offer = PoolOffer.of(
            pool_id=pool_id,
            zone=as_text(said.get("az"), ZONE_LENGTH),
            instance_type=as_text(said.get("instance_type"), INSTANCE_TYPE_LENGTH) or instance_type,
            price=price,
        )
        if offer is not None:
            offers.append(offer)
    return offers


def _instance(text: str | None) -> InstanceId | None:
    return InstanceId(text) if text else None


def _pool(text: str | None) -> PoolId | None:
    return PoolId(text) if text else None
