import logging
from collections.abc import Sequence
from typing import Final, Self

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from msgspec import Struct

from spot_optimizer.adapters.http.access import Gatekeeper, Unauthorised
from spot_optimizer.adapters.http.batching import Joined
from spot_optimizer.adapters.http.routing import AnyRequest, get, in_thread, post
from spot_optimizer.adapters.http.wire import declared_json_object, timestamp
from spot_optimizer.application.admin.queries import ClientLine
from spot_optimizer.application.clients.create_client import CreateClient
from spot_optimizer.application.clients.queries import ClientQueries
from spot_optimizer.application.clients.show_token import ShowToken
from spot_optimizer.domain.clients import Client
from spot_optimizer.domain.errors import Forbidden
from spot_optimizer.domain.identifiers import ClientId

logger = logging.getLogger(__name__)

# Installers are told exactly this: other forms of the header are for agents.
_BEARER: Final = "Bearer "


class NewClient(Struct):
    id: str
    name: str
    token: str
    status: str


class ClientCreated(Struct):
    success: bool
    client: NewClient

    @classmethod
    def of(cls, client: Client) -> Self:
        return cls(
            success=True,
            client=NewClient(
                id=client.id, name=client.name, token=client.token, status=client.status
            ),
        )


class ClientItem(Struct, rename="camel"):
    id: str
    name: str
    status: str
    agents_online: int
    agents_total: int
    instances: int
    total_savings: float
    last_sync: str | None

    @classmethod
    def of(cls, line: ClientLine) -> Self:
        return cls(
            id=line.client_id,
            name=line.name,
            status="active" if line.is_active else "inactive",
            agents_online=line.agents_online,
            agents_total=line.agents_total,
            instances=line.instances,
            total_savings=float(line.total_savings),
            last_sync=timestamp(line.last_sync_at),
        )


class TokenValid(Struct):
    client_id: str
    name: str
    email: str
    valid: bool = True


class NotValidated(Struct):
    valid: bool = False
    error: str = "Internal server error"


class TokenShown(Struct):
    token: str
    client_name: str


def client_handlers(
    *,
    gatekeeper: Gatekeeper,
    create_client: CreateClient,
    client_lines: Joined[None, Sequence[ClientLine]],
    show_token: ShowToken,
    client_queries: ClientQueries,
) -> list[HTTPRouteHandler]:
    """Clients, as operators and installers see them."""

    @get("/api/client/validate")
    async def validate(request: AnyRequest) -> Response[TokenValid | NotValidated]:
        presented = request.headers.get("Authorization", "").strip(" \t")  # RFC 9110, 5.5
        if not presented.startswith(_BEARER):
            raise Unauthorised("Missing or invalid Authorization header", valid=False)
        presented = presented.removeprefix(_BEARER).strip()
        if not presented:
            raise Unauthorised("Token is empty", valid=False)
        try:
            client = await in_thread(client_queries.holder_of, presented)
        except Exception:  # installers look for `valid` in every answer (clients 4.1)
            logger.exception("a token could not be looked up")
            return Response(NotValidated(), status_code=500)
        if client is None:
            raise Unauthorised("Invalid token", valid=False)
        if not client.may_sign_in:
            raise Forbidden("Client account is not active", valid=False)
        return Response(TokenValid(client_id=client.id, name=client.name, email=client.email))

    @post("/api/admin/clients/create")
    async def create(request: AnyRequest) -> ClientCreated:
        operator = await gatekeeper.operator_only(request)
        fields = declared_json_object(request, await request.body())
        client = await in_thread(create_client, fields.get("name"), fields.get("email"), operator)
        return ClientCreated.of(client)

    @get("/api/admin/clients")
    async def list_all(request: AnyRequest) -> list[ClientItem]:
        await gatekeeper.operator_only(request)
        return [ClientItem.of(line) for line in await client_lines(None)]

    @get("/api/admin/clients/{client_id:str}/token")
    async def token(request: AnyRequest, client_id: FromPath[str]) -> TokenShown:
        operator = await gatekeeper.operator_only(request)
        client = await in_thread(show_token, ClientId(client_id), operator)
        return TokenShown(token=client.token, client_name=client.name)

    return [validate, create, list_all, token]
