from functools import partial
from typing import Self

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from spot_optimizer.adapters.http.access import Gatekeeper
from spot_optimizer.adapters.http.routing import AnyRequest, get, in_thread, post
from spot_optimizer.adapters.http.uploads import uploaded_files
from spot_optimizer.adapters.http.wire import declared_json_object, timestamp
from spot_optimizer.application.models.queries import ModelQueries, SessionLine
from spot_optimizer.application.models.serve_models import ModelsNotLoaded, Served, ServeModels
from spot_optimizer.application.models.upload_engine import EngineUploaded, UploadEngine
from spot_optimizer.application.models.upload_models import UploadModels
from spot_optimizer.application.ports.decision_engine import EngineIdentity
from spot_optimizer.domain.errors import ValidationFailed
from spot_optimizer.domain.models.sessions import ModelSession, SessionNotFound

# Dashboards wait for a restart that there is no need of any more.
_RESTART = "Backend will restart in 3 seconds."


class NothingLoaded(Struct, rename={"session_id": "sessionId"}, omit_defaults=True):
    """Answered with 500; without the key `error`, as dashboards know it."""

    success: bool
    message: str
    session_id: str | None = None
    files: list[str] | None = None


class UploadedModels(Struct, rename="camel"):
    files_uploaded: int
    total_size: int
    session_type: str = "pending_activation"


class ModelsUploaded(Struct, rename={"session_id": "sessionId", "restart": "requiresRestart"}):
    success: bool
    message: str
    files: list[str]
    session_id: str
    restart: bool
    model_status: UploadedModels

    @classmethod
    def of(cls, session: ModelSession) -> Self:
        names = [file.name for file in session.files]
        return cls(
            success=True,
            message=f"Uploaded {len(names)} model files. Use the RESTART button to activate.",
            files=names,
            session_id=session.id,
            restart=True,
            model_status=UploadedModels(len(names), session.total_bytes),
        )


class EngineStatus(Struct):
    loaded: bool
    type: str
    version: str

    @classmethod
    def of(cls, engine: EngineIdentity) -> Self:
        return cls(loaded=True, type=engine.name, version=engine.version)


class EngineReloaded(Struct):
    success: bool
    message: str
    files: list[str]
    restarting: bool
    engine_status: EngineStatus


class ModelStatus(Struct):
    loaded: bool
    type: str


class ModelsActivated(Struct, rename={"session_id": "sessionId"}):
    success: bool
    message: str
    session_id: str
    restarting: bool
    model_status: ModelStatus

    @classmethod
    def of(cls, served: Served) -> Self:
        return cls(
            success=True,
            message=f"Models activated successfully. {_RESTART}",
            session_id=served.session_id,
            restarting=True,
            model_status=ModelStatus(loaded=True, type=served.engine.name),
        )


class RolledBack(Struct, rename={"session_id": "fallbackSessionId"}):
    success: bool
    message: str
    session_id: str
    restarting: bool

    @classmethod
    def of(cls, served: Served) -> Self:
        return cls(
            success=True,
            message=f"Rolled back to previous model version. {_RESTART}",
            session_id=served.session_id,
            restarting=True,
        )


class SessionItem(Struct, rename="camel"):
    id: str
    status: str
    is_live: bool
    is_fallback: bool
    file_count: int
    files: list[str]
    total_size: int
    created_at: str | None
    activated_at: str | None

    @classmethod
    def of(cls, line: SessionLine) -> Self:
        return cls(
            id=line.session_id,
            status=line.status,
            is_live=line.is_live,
            is_fallback=line.is_fallback,
            file_count=line.file_count,
            files=list(line.files),
            total_size=line.total_bytes,
            created_at=timestamp(line.created_at),
            activated_at=timestamp(line.activated_at),
        )


def model_handlers(
    *,
    gatekeeper: Gatekeeper,
    upload_models: UploadModels,
    upload_engine: UploadEngine,
    serve_models: ServeModels,
    queries: ModelQueries,
) -> list[HTTPRouteHandler]:
    """The life of models, from upload to rollback."""

    @post("/api/admin/ml-models/upload")
    async def upload(request: AnyRequest) -> ModelsUploaded:
        operator = await gatekeeper.operator_only(request)
        async with uploaded_files(request) as files:
            return ModelsUploaded.of(await in_thread(upload_models, files, operator))

    @post("/api/admin/decision-engine/upload")
    async def engine(request: AnyRequest) -> Response[EngineReloaded | NothingLoaded]:
        operator = await gatekeeper.operator_only(request)
        async with uploaded_files(request) as files:
            return _engine_answer(await in_thread(upload_engine, files, operator))

    @post("/api/admin/ml-models/activate")
    async def activate(request: AnyRequest) -> Response[ModelsActivated | NothingLoaded]:
        operator = await gatekeeper.operator_only(request)
        said = declared_json_object(request, await request.body())
        session_id, force = said.get("sessionId"), said.get("force") is True
        if not session_id:
            raise ValidationFailed("No session ID provided")
        if not isinstance(session_id, str):
            raise SessionNotFound
        try:
            served = await in_thread(
                partial(serve_models.activate, force=force), session_id, operator
            )
        except ModelsNotLoaded:
            message = "Failed to load new models"
            failed = NothingLoaded(success=False, message=message, session_id=session_id)
            return Response(failed, status_code=500)
        return Response(ModelsActivated.of(served))

    @post("/api/admin/ml-models/fallback")
    async def fallback(request: AnyRequest) -> Response[RolledBack | NothingLoaded]:
        operator = await gatekeeper.operator_only(request)
        await request.body()  # not read, but too large a one is refused here too
        try:
            served = await in_thread(serve_models.fall_back, operator)
        except ModelsNotLoaded:
            message = "Failed to load fallback models"
            return Response(NothingLoaded(success=False, message=message), status_code=500)
        return Response(RolledBack.of(served))

    @get("/api/admin/ml-models/sessions")
    async def sessions(request: AnyRequest) -> list[SessionItem]:
        await gatekeeper.operator_only(request)
        return [SessionItem.of(line) for line in await in_thread(queries.session_lines)]

    return [upload, engine, activate, fallback, sessions]


def _engine_answer(uploaded: EngineUploaded) -> Response[EngineReloaded | NothingLoaded]:
    names = list(uploaded.names)
    if uploaded.engine is None:
        message = "Files uploaded but failed to reload decision engine"
        return Response(NothingLoaded(success=False, message=message, files=names), status_code=500)
    return Response(
        EngineReloaded(
            success=True,
            message=f"Decision engine files uploaded successfully. {_RESTART}",
            files=names,
            restarting=True,
            engine_status=EngineStatus.of(uploaded.engine),
        )
    )
