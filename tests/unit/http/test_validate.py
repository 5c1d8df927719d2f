"""Installers ask whose token they were given (contract clients 4.1)."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from tests.application_under_test import (
    INACTIVE_TOKEN,
    OPERATOR_TOKEN,
    OWNER,
    OWNER_TOKEN,
    Answer,
    Api,
    Store,
)

PATH = "/api/client/validate"


def ask(api: Api, authorization: str | None) -> Answer:
    headers = {} if authorization is None else {"Authorization": authorization}
    return api.send("GET", PATH, token=None, headers=headers)


def refusal(reason: str) -> dict[str, object]:
    return {"valid": False, "error": reason}


@pytest.mark.parametrize("blanks", ["", " ", "   "])
def test_a_token_is_its_clients(api: Api, store: Store, blanks: str) -> None:
    (client,) = [row for row in store.rows("clients") if row["id"] == OWNER]

    answer = ask(api, f"Bearer {blanks}{OWNER_TOKEN}{blanks}")

    assert answer.status_code == 200
    assert answer.json() == {
        "valid": True,
        "client_id": OWNER,
        "name": client["name"],
        "email": client["email"],
    }


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", OWNER_TOKEN, f"bearer {OWNER_TOKEN}", f"Basic {OWNER_TOKEN}"],
)
def test_the_header_has_one_form(api: Api, authorization: str | None) -> None:
    answer = ask(api, authorization)

    assert answer.status_code == 401
    assert answer.json() == refusal("Missing or invalid Authorization header")


@pytest.mark.parametrize("token", ["nobody", OWNER_TOKEN.upper(), OPERATOR_TOKEN])
def test_any_other_token_is_invalid_and_leaves_no_trace(api: Api, store: Store, token: str) -> None:
    before = store.contents()

    answer = ask(api, f"Bearer {token}")

    assert (answer.status_code, answer.json()) == (401, refusal("Invalid token"))
    assert store.contents() == before


def test_an_inactive_client_is_told_so(api: Api) -> None:
    answer = ask(api, f"Bearer {INACTIVE_TOKEN}")

    assert (answer.status_code, answer.json()) == (403, refusal("Client account is not active"))


def test_a_suspended_client_is_not_active_here(api: Api, store: Store) -> None:
    with store.writing() as connection:
        suspended = text("UPDATE clients SET status = 'suspended' WHERE id = :id")
        connection.execute(suspended, {"id": OWNER})

    answer = ask(api, f"Bearer {OWNER_TOKEN}")

    assert (answer.status_code, answer.json()) == (403, refusal("Client account is not active"))
