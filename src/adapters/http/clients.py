from collections.abc import Sequence
from typing import Self

from litestar import Controller
from litestar.params import FromPath, RawBody
from msgspec import Struct

from spot_optimizer.adapters.http.access import AnyRequest
from spot_optimizer.adapters.http.batching import Joined
from spot_optimizer.adapters.http.routing import Given, get, get_joined, post
from spot_optimizer.adapters.http.wire import UnsupportedMediaType, decoded, timestamp
from spot_optimizer.application.admin.queries import ClientLine
from spot_optimizer.application.clients.create_client import CreateClient
from spot_optimizer.application.clients.show_token import ShowToken
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.clients import Client
from spot_optimizer.domain.errors import ValidationFailed
from spot_optimizer.domain.identifiers import ClientId


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


class TokenShown(Struct):
    token: str
    client_name: str


class ClientController(Controller):
    path = "/api/admin/clients"
    tags = ("admin",)

    @post("/create")
    def create(
        self,
        request: AnyRequest,
        body: RawBody,
        operator: Given[Caller],
        create_client: Given[CreateClient],
    ) -> ClientCreated:
        fields = _fields(request, body)
        return ClientCreated.of(create_client(fields.get("name"), fields.get("email"), operator))

    @get_joined("/")
    async def list_all(
        self,
        operator: Given[Caller],
        client_lines: Given[Joined[None, Sequence[ClientLine]]],
    ) -> list[ClientItem]:
        return [ClientItem.of(line) for line in await client_lines(None)]

    @get("/{client_id:str}/token")
    def token(
        self,
        client_id: FromPath[str],
        operator: Given[Caller],
        show_token: Given[ShowToken],
    ) -> TokenShown:
        client = show_token(ClientId(client_id), operator)
        return TokenShown(token=client.token, client_name=client.name)


def _fields(request: AnyRequest, body: bytes) -> dict[str, object]:
    """The JSON object that operators send; an empty list or `null` says as little as {}."""
    if "json" not in request.headers.get("Content-Type", ""):
        raise UnsupportedMediaType
    if not body.strip():
        raise ValidationFailed("Invalid JSON body")
    document = decoded(body)
    if document is None or document == []:
        return {}
    if not isinstance(document, dict):
        raise ValidationFailed("Invalid JSON body")
    return document
