from decimal import Decimal
from typing import Final

from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from spot_optimizer.adapters.http.access import Gatekeeper
from spot_optimizer.adapters.http.agents import Success
from spot_optimizer.adapters.http.reading import MISSING, Reader
from spot_optimizer.adapters.http.routing import AnyRequest, in_thread, post
from spot_optimizer.adapters.http.wire import invalid, json_object
from spot_optimizer.application.switching.record_switch import RecordSwitch
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.identifiers import (
    AMI_ID_LENGTH,
    INSTANCE_ID_LENGTH,
    INSTANCE_TYPE_LENGTH,
    POOL_ID_LENGTH,
    REGION_LENGTH,
    ZONE_LENGTH,
    AgentId,
    CommandId,
    InstanceId,
    PoolId,
)
from spot_optimizer.domain.switching import (
    ReportedInstance,
    Snapshot,
    SwitchPrices,
    SwitchReport,
    SwitchTiming,
)

# Each time by the name of the contract and the one that agents use.
_TIME_NAMES: Final = {
    "initiated_at": "switch_initiated_at",
    "ami_created_at": "ami_created_at",
    "instance_launched_at": "new_instance_launched_at",
    "instance_ready_at": "new_instance_ready_at",
    "old_terminated_at": "old_instance_terminated_at",
}


def switching_handlers(
    *,
    gatekeeper: Gatekeeper,
    record_switch: RecordSwitch,
    compatibility: Compatibility,
) -> list[HTTPRouteHandler]:
    """Switches that agents have carried out."""

    @post("/api/agents/{agent_id:str}/switch-report")
    async def switch_report(request: AnyRequest, agent_id: FromPath[str]) -> Success:
        caller = await gatekeeper.client_or_operator(request)
        report = _report(await json_object(request, compatibility), compatibility)
        await in_thread(record_switch, AgentId(agent_id), report, caller)
        return Success()

    return [switch_report]


def _report(fields: dict[str, object], compatibility: Compatibility) -> SwitchReport:
    reader = Reader(fields, strict=compatibility.refuse_unreadable_reports)
    new = _instance(reader.part("new_instance"))
    if new.instance_id is None:
        raise invalid({"new_instance": {"instance_id": [MISSING]}})
    timing = reader.part("timing")
    snapshot = reader.part("snapshot")
    report = SwitchReport(
        old=_instance(reader.part("old_instance")),
        new=new,
        new_instance_id=new.instance_id,
        prices=_prices(reader, compatibility),
        timing=_timing(timing, compatibility),
        timing_as_received=timing.fields,
        trigger=reader.text("trigger", 10_000),
        command_id=_command(fields.get("command_id")),
        snapshot=Snapshot(
            used=snapshot.fields.get("used") is True,
            snapshot_id=snapshot.text("snapshot_id", 128),
            ami_id=snapshot.text("ami_id", 64),
        ),
    )
    reader.check()
    return report


def _instance(reader: Reader) -> ReportedInstance:
    instance_id = reader.text("instance_id", INSTANCE_ID_LENGTH)
    pool_id = reader.text("pool_id", POOL_ID_LENGTH)
    return ReportedInstance(
        instance_id=InstanceId(instance_id) if instance_id else None,
        instance_type=reader.text("instance_type", INSTANCE_TYPE_LENGTH),
        region=reader.text("region", REGION_LENGTH),
        zone=reader.text("az", ZONE_LENGTH),
        ami_id=reader.text("ami_id", AMI_ID_LENGTH),
        mode=reader.text("mode", 20),
        pool_id=PoolId(pool_id) if pool_id else None,
    )


def _prices(reader: Reader, compatibility: Compatibility) -> SwitchPrices:
    told = [reader.part("pricing")]
    if not compatibility.former_switch_report_names:
        told.append(reader.part("prices"))

    def price(name: str) -> Decimal | None:
        return next((p for part in told if (p := part.price(name)) is not None), None)

    return SwitchPrices(
        on_demand=price("on_demand"), old_spot=price("old_spot"), new_spot=price("new_spot")
    )


def _timing(timing: Reader, compatibility: Compatibility) -> SwitchTiming:
    moments = {}
    for name, alias in _TIME_NAMES.items():
        moments[name] = timing.instant(name)
        if moments[name] is None and not compatibility.former_switch_report_names:
            moments[name] = timing.instant(alias)
    return SwitchTiming(**moments)


def _command(value: object) -> CommandId | None:
    return CommandId(value) if isinstance(value, str) and 0 < len(value) <= 36 else None
