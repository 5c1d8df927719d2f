"""Getting a client token for a simulated fleet from the operator's side of the server."""

from typing import Final

import httpx

from spot_optimizer.simulation.control_plane import new_client

_CREATE: Final = "/api/admin/clients/create"
_CLIENTS: Final = "/api/admin/clients"


class EnrolmentRefused(Exception):
    """The server gave no client token; one line says why."""


async def enrol(
    base_url: str,
    admin_token: str,
    name: str,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
) -> str:
    """The token of the client with this name, which is created when there is none yet."""
    async with new_client(base_url, transport) as client:
        client.headers["Authorization"] = f"Bearer {admin_token}"
        try:
            created = await client.post(_CREATE, json={"name": name})
            if created.status_code != httpx.codes.CONFLICT:
                return _text(_json(created), "client", "token")
            return await _token_of_existing(client, name)
        except httpx.HTTPError as error:
            raise EnrolmentRefused(f"{base_url} does not answer: {error}") from error


async def _token_of_existing(client: httpx.AsyncClient, name: str) -> str:
    known = _json(await client.get(_CLIENTS))
    for entry in known if isinstance(known, list) else []:
        if isinstance(entry, dict) and str(entry.get("name", "")).casefold() == name.casefold():
            answer = await client.get(f"{_CLIENTS}/{_text(entry, 'id')}/token")
            return _text(_json(answer), "token")
    raise EnrolmentRefused(f"the name {name!r} is taken, but no client is called so")


def _json(response: httpx.Response) -> object:
    if not response.is_success:
        raise EnrolmentRefused(
            f"{response.request.method} {response.request.url.path}"
            f" was answered with {response.status_code}"
        )
    try:
        return response.json()
    except ValueError as error:
        raise EnrolmentRefused(f"{response.request.url.path} answered no JSON") from error


def _text(body: object, *keys: str) -> str:
    for key in keys:
        body = body.get(key) if isinstance(body, dict) else None
    if not isinstance(body, str) or not body:
        raise EnrolmentRefused(f"the answer holds no {'.'.join(keys)}")
    return body
