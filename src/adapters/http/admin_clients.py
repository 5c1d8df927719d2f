from typing import Self

from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from msgspec import Struct

from spot_optimizer.adapters.http.access import Gatekeeper
from spot_optimizer.adapters.http.clients import ClientItem
from spot_optimizer.adapters.http.routing import AnyRequest, delete, get, in_thread, post
from spot_optimizer.application.admin.queries import AdminQueries
from spot_optimizer.application.clients.delete_client import DeleteClient
from spot_optimizer.application.clients.regenerate_token import RegenerateToken
from spot_optimizer.domain.clients import Client
from spot_optimizer.domain.identifiers import ClientId


class ClientDeleted(Struct):
    success: bool
    message: str

    @classmethod
    def of(cls, client: Client) -> Self:
        return cls(
            success=True,
            message=f"Client '{client.name}' and all associated data have been deleted",
        )


class TokenRegenerated(Struct):
    success: bool
    token: str
    message: str

    @classmethod
    def of(cls, client: Client) -> Self:
        return cls(
            success=True,
            token=client.token,
            message="Token regenerated successfully. Update all agents with the new token.",
        )


def admin_client_handlers(
    *,
    gatekeeper: Gatekeeper,
    queries: AdminQueries,
    delete_client: DeleteClient,
    regenerate_token: RegenerateToken,
) -> list[HTTPRouteHandler]:
    """What operators do with one client; what is in a body is not read."""

    @get("/api/admin/clients/{client_id:str}")
    async def one(request: AnyRequest, client_id: FromPath[str]) -> ClientItem:
        await gatekeeper.operator_only(request)
        return ClientItem.of(await in_thread(queries.client, ClientId(client_id)))

    @delete("/api/admin/clients/{client_id:str}")
    async def remove(request: AnyRequest, client_id: FromPath[str]) -> ClientDeleted:
        operator = await gatekeeper.operator_only(request)
        client = await in_thread(delete_client, ClientId(client_id), operator)
        return ClientDeleted.of(client)

    @post("/api/admin/clients/{client_id:str}/regenerate-token")
    async def new_token(request: AnyRequest, client_id: FromPath[str]) -> TokenRegenerated:
        operator = await gatekeeper.operator_only(request)
        await request.body()  # not read, but too large a one is refused here too
        client = await in_thread(regenerate_token, ClientId(client_id), operator)
        return TokenRegenerated.of(client)

    return [one, remove, new_token]
