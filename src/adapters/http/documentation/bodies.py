"""What the routes read: bodies, which the handlers take apart themselves, and names in the query.

All fields may be absent unless they are required, and all but those of registrations and switches
by hand may be accompanied by others.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

Schema: TypeAlias = dict[str, Any]

TEXT: Final[Schema] = {"type": "string"}
FLAG: Final[Schema] = {"type": "boolean"}
WHOLE: Final[Schema] = {"type": "integer"}
PRICE: Final[Schema] = {"type": "number", "description": "USD per hour"}
TIME: Final[Schema] = {"type": "string", "format": "date-time", "description": "UTC if naive"}
TEXTS: Final[Schema] = {"type": "array", "items": TEXT}


def _maybe(schema: Schema) -> Schema:
    """`null` says as little as nothing."""
    return {**schema, "type": [schema["type"], "null"]}


def _enum(*values: str) -> Schema:
    return {"type": "string", "enum": list(values)}


def _object(required: str = "", /, **fields: Schema) -> Schema:
    needed = {"required": required.split()} if required else {}
    return {"type": "object", "properties": fields, **needed}


_MODE: Final = _enum("spot", "ondemand", "unknown")
_PLACE: Final = {
    "instance_id": TEXT,
    "instance_type": TEXT,
    "region": TEXT,
    "az": TEXT,
}
_MACHINE: Final = _object(**_PLACE, ami_id=TEXT, mode=_MODE, pool_id=TEXT)
_WISHES: Final = {
    "exclude_zones": TEXTS,
    "preferred_zones": TEXTS,
    "max_hourly_cost": PRICE,
}
_REPLICA_STATUS: Final = _enum("launching", "syncing", "ready", "failed", "terminated")
JSON_BODIES: Final[Mapping[tuple[str, str], Schema]] = {
    ("post", "/api/agents/register"): {
        **_object(
            "client_token logical_agent_id instance_id instance_type region az",
            client_token=TEXT,
            logical_agent_id={**TEXT, "description": "The same for all instances of a workload"},
            **_PLACE,
            hostname=_maybe(TEXT),
            ami_id=_maybe(TEXT),
            mode=_maybe({"type": "string", "description": "spot, ondemand or unknown"}),
            agent_version=_maybe(TEXT),
            private_ip=_maybe(TEXT),
            public_ip=_maybe(TEXT),
            pool_id=_maybe(TEXT),
        ),
    },
    ("post", "/api/agents/{agent_id}/heartbeat"): _object(
        status=_enum("online", "offline", "disabled", "switching", "error"),
        instance_id=TEXT,
        instance_type=TEXT,
        az=TEXT,
        mode=_MODE,
        pool_id=TEXT,
        monitored_instances=TEXTS,
    ),
    ("post", "/api/agents/{agent_id}/pricing-report"): _object(
        instance=_object(**_PLACE, mode=_MODE, pool_id=TEXT),
        pricing=_object(
            on_demand_price=PRICE,
            current_spot_price=PRICE,
            cheapest_pool=_object(pool_id=TEXT, price=PRICE),
            spot_pools={
                "type": "array",
                "items": _object("pool_id price", pool_id=TEXT, az=TEXT, price=PRICE),
            },
            collected_at=TIME,
        ),
    ),
    ("post", "/api/agents/{agent_id}/decide"): _object(
        "instance pricing",
        instance=_object(instance_id=TEXT, current_mode=_MODE, current_pool_id=TEXT),
        pricing=_object(
            current_spot_price=PRICE,
            on_demand_price=PRICE,
            cheapest_pool=_object(pool_id=TEXT, price=PRICE),
        ),
    ),
    ("post", "/api/agents/{agent_id}/switch-report"): _object(
        "new_instance",
        command_id=TEXT,
        trigger=_enum("model", "manual", "emergency", "automatic"),
        old_instance=_MACHINE,
        new_instance={**_MACHINE, "required": ["instance_id"]},
        pricing=_object(on_demand=PRICE, old_spot=PRICE, new_spot=PRICE),
        timing=_object(
            initiated_at=TIME,
            ami_created_at=TIME,
            instance_launched_at=TIME,
            instance_ready_at=TIME,
            old_terminated_at=TIME,
        ),
        snapshot=_object(used=FLAG, snapshot_id=TEXT, ami_id=TEXT),
    ),
    ("post", "/api/agents/{agent_id}/commands/{command_id}/executed"): _object(
        success=FLAG, message=TEXT
    ),
    ("post", "/api/agents/{agent_id}/mark-command-executed"): _object(
        "command_id", command_id={"type": ["string", "integer"]}, success=FLAG, message=TEXT
    ),
    ("post", "/api/agents/{agent_id}/issue-switch-command"): _object(
        "target_mode",
        target_mode=_enum("spot", "ondemand"),
        target_pool_id=_maybe(TEXT),
        priority=WHOLE,
        reason=TEXT,
    ),
    ("post", "/api/agents/{agent_id}/termination"): _object(reason=TEXT, instance_id=TEXT),
    ("post", "/api/agents/{agent_id}/cleanup-report"): _object(
        timestamp=TIME,
        snapshots=_object(deleted=TEXTS, failed=TEXTS, cutoff_date=TIME),
        amis=_object(deleted_amis=TEXTS, failed=TEXTS),
    ),
    ("post", "/api/agents/{agent_id}/rebalance-recommendation"): _object(
        instance_id=TEXT, detected_at=TIME
    ),
    ("post", "/api/agents/{agent_id}/create-emergency-replica"): _object(
        "signal_type",
        signal_type=_enum("rebalance-recommendation", "termination-notice"),
        instance_id=TEXT,
        termination_time=TIME,
        **_WISHES,
    ),
    ("post", "/api/agents/{agent_id}/termination-imminent"): _object(
        instance_id=TEXT, termination_time=TIME, replica_id=TEXT
    ),
    ("post", "/api/agents/{agent_id}/replicas"): _object(
        pool_id=TEXT,
        **_WISHES,
        tags={"type": "object", "additionalProperties": TEXT},
        created_by=TEXT,
        instance_id={**TEXT, "description": "Of a machine that an agent has launched already"},
        status=_REPLICA_STATUS,
    ),
    ("put", "/api/agents/{agent_id}/replicas/{replica_id}"): _object(
        "instance_id", instance_id=TEXT, status=_REPLICA_STATUS
    ),
    ("post", "/api/agents/{agent_id}/replicas/{replica_id}/promote"): _object(
        demote_old_primary=FLAG, wait_for_sync=FLAG
    ),
    ("post", "/api/agents/{agent_id}/replicas/{replica_id}/status"): _object(
        "status", status=_REPLICA_STATUS, sync_completed_at=TIME, error_message=TEXT
    ),
    ("post", "/api/agents/{agent_id}/replicas/{replica_id}/sync-status"): _object(
        sync_status=_enum("initializing", "syncing", "synced", "out-of-sync"),
        sync_latency_ms={"type": "number"},
        state_transfer_progress={"type": "number", "minimum": 0, "maximum": 100},
        status=_REPLICA_STATUS,
    ),
    ("post", "/api/client/agents/{agent_id}/toggle-enabled"): _object(enabled=FLAG),
    ("post", "/api/client/agents/{agent_id}/settings"): _object(
        auto_switch_enabled=FLAG,
        manual_replica_enabled=FLAG,
        auto_terminate_enabled=FLAG,
        replica_enabled=FLAG,
        replica_count={**WHOLE, "minimum": 0},
    ),
    ("post", "/api/client/agents/{agent_id}/config"): _object(
        autoSwitchEnabled=FLAG,
        manualReplicaEnabled=FLAG,
        autoTerminateEnabled=FLAG,
        terminateWaitMinutes={**WHOLE, "minimum": 0},
        min_savings_percent={"type": "number", "minimum": 0, "maximum": 100},
        risk_threshold={"type": "number", "minimum": 0, "maximum": 1},
        max_switches_per_week={**WHOLE, "minimum": 1, "maximum": 50},
        min_pool_duration_hours={**WHOLE, "minimum": 1, "maximum": 24},
    ),
    ("post", "/api/client/instances/{instance_id}/force-switch"): {
        **_object(
            "target",
            target=_enum("ondemand", "pool", "spot"),
            pool_id=TEXT,
            new_instance_type=TEXT,
            instance_type=TEXT,
        ),
        "additionalProperties": False,
    },
    ("post", "/api/admin/clients/create"): _object("name", name=TEXT, email=_maybe(TEXT)),
    ("post", "/api/admin/ml-models/activate"): _object(
        "sessionId", sessionId={**TEXT, "description": "Of an upload that waits"}
    ),
}

_FILES: Final[Schema] = _object(
    "files", files={"type": "array", "items": {"type": "string", "format": "binary"}}
)

OTHER_BODIES: Final[Mapping[tuple[str, str], tuple[str, Schema]]] = {
    ("post", "/api/admin/ml-models/upload"): ("multipart/form-data", _FILES),
    ("post", "/api/admin/decision-engine/upload"): ("multipart/form-data", _FILES),
    ("post", "/login"): ("application/x-www-form-urlencoded", _object("token", token=TEXT)),
}

_LIMIT: Final = ("limit", {**WHOLE, "minimum": 1})
_PAGED: Final = (_LIMIT, ("cursor", {**TEXT, "description": "Of the page before, in its Link"}))
_DAYS: Final = ("days", {**WHOLE, "minimum": 1})
_INTERVAL: Final = ("interval", _enum("hour", "day"))
_FORMAT: Final = ("format", _enum("csv", "json", "parquet"))

QUERIES: Final[Mapping[str, tuple[tuple[str, Schema], ...]]] = {
    "/api/admin/agents": (("status", TEXT),),
    "/api/admin/clients/growth": (_DAYS,),
    "/api/admin/instances": (
        *(("status", TEXT), ("mode", TEXT), ("region", TEXT), ("search", TEXT)),
    ),
    "/api/agents/{agent_id}/replicas": (("status", TEXT), ("include_terminated", FLAG)),
    "/api/client/instances/{instance_id}/logs": (_LIMIT,),
    "/api/client/instances/{instance_id}/price-history": (*(_DAYS, _INTERVAL),),
    "/api/client/pricing-history": (*(_DAYS, _INTERVAL, ("agent_id", TEXT)),),
    "/api/client/{client_id}/export/agents": (_FORMAT,),
    "/api/client/{client_id}/export/history": (_FORMAT,),
    "/api/client/{client_id}/export/instances": (_FORMAT,),
    "/api/client/{client_id}/export/prices": (_FORMAT, _DAYS),
    "/api/client/{client_id}/export/savings": (_FORMAT,),
    "/api/client/{client_id}/export/switch-history": (_FORMAT,),
    "/api/client/{client_id}/instances": (
        *(("status", TEXT), ("mode", TEXT), ("search", TEXT)),
        *_PAGED,
    ),
    "/api/client/{client_id}/savings": (("range", _enum("monthly")),),
    "/api/client/{client_id}/switch-history": (("instance_id", TEXT), *_PAGED),
    "/api/client/{client_id}/switches": _PAGED,
    "/api/notifications": (("client_id", TEXT), *_PAGED),
    "/login": (("next", TEXT),),
}
