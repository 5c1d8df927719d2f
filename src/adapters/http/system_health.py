from collections.abc import Iterable
from datetime import UTC
from typing import Final, Self

from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from spot_optimizer.adapters.http.access import Gatekeeper
from spot_optimizer.adapters.http.routing import AnyRequest, get, in_thread
from spot_optimizer.application.admin.inspect_system import Inspection, InspectSystem
from spot_optimizer.application.models.queries import LONGEST_LIST
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.decision_engine import DecisionEngine, EngineInService
from spot_optimizer.application.ports.model_files import ListedFile

_NO_ENGINE: Final = "None"
_NO_VERSION: Final = "N/A"


class FileItem(Struct):
    name: str
    size: int
    modified: str

    @classmethod
    def newest(cls, files: Iterable[ListedFile]) -> list[Self]:
        ordered = sorted(files, key=lambda file: (file.modified_at, file.name), reverse=True)
        return [
            cls(
                name=file.name,
                size=file.size_bytes,
                modified=file.modified_at.astimezone(UTC).replace(tzinfo=None).isoformat(),
            )
            for file in ordered[:LONGEST_LIST]
        ]


class ActiveModelItem(Struct):
    name: str
    version: str
    active: bool = True


class ModelHealth(Struct, rename={"files_uploaded": "filesUploaded", "active": "activeModels"}):
    loaded: bool
    name: str
    version: str
    files_uploaded: int
    active: list[ActiveModelItem]
    files: list[FileItem]


class EngineHealth(Struct, rename={"files_uploaded": "filesUploaded"}):
    loaded: bool
    type: str
    version: str
    files_uploaded: int
    files: list[FileItem]


class SystemHealth(Struct, rename="camel"):
    api_status: str
    database: str
    decision_engine: str
    connection_pool: str
    timestamp: str
    model_status: ModelHealth
    decision_engine_status: EngineHealth

    @classmethod
    def of(
        cls, found: Inspection, engine: DecisionEngine | None, pool_size: int, clock: Clock
    ) -> Self:
        loaded = engine is not None
        name = engine.identity.name if engine else _NO_ENGINE
        version = engine.identity.version if engine else _NO_VERSION
        return cls(
            api_status="Healthy",
            database="Connected" if found.database_answers else "Disconnected",
            decision_engine="Loaded" if loaded else "Not Loaded",
            # Some connections are kept for notices and jobs, which nobody asked for.
            connection_pool=f"{min(found.idle_connections, pool_size)}/{pool_size}",
            timestamp=clock.now().astimezone(UTC).replace(tzinfo=None).isoformat(),
            model_status=ModelHealth(
                loaded=loaded,
                name=name,
                version=version,
                files_uploaded=len(found.model_files),
                active=[ActiveModelItem(model.name, model.version) for model in found.active],
                files=FileItem.newest(found.model_files),
            ),
            decision_engine_status=EngineHealth(
                loaded=loaded,
                type=name,
                version=version,
                files_uploaded=len(found.engine_files),
                files=FileItem.newest(found.engine_files),
            ),
        )


def system_health_handlers(
    *,
    gatekeeper: Gatekeeper,
    inspect_system: InspectSystem,
    engines: EngineInService,
    clock: Clock,
    pool_size: int,
) -> list[HTTPRouteHandler]:
    """How the parts of the system are; answered without the database, too."""

    @get("/api/admin/system-health")
    async def system_health(request: AnyRequest) -> SystemHealth:
        await gatekeeper.operator_only(request)
        found = await in_thread(inspect_system)
        return SystemHealth.of(found, engines.current, pool_size, clock)

    return [system_health]
