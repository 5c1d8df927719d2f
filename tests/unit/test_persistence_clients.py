"""Clients, the same expectations wherever they are kept."""

from decimal import Decimal

import pytest

from spot_optimizer.adapters.persistence import tables
from spot_optimizer.application.ports.credentials import TokenOwner
from spot_optimizer.application.ports.unit_of_work import TransactionLost
from spot_optimizer.domain.clients import Client
from spot_optimizer.domain.errors import ClientNotFound
from spot_optimizer.domain.identifiers import ClientId
from tests.builders import ACME, GLOBEX, HOUR, MINUTE, NOON, a_client, an_agent, globex
from tests.stores import SqlStore, Store


def kept(store: Store, client_id: ClientId = ACME) -> Client:
    with store.work() as work:
        return work.clients.get(client_id)


def test_a_client_comes_back_as_it_went_in(store: Store) -> None:
    client = a_client(
        is_active=False, status="suspended", total_savings=Decimal("12.3456"), name="Ångström ☂"
    )

    store.put(client)

    assert kept(store) == client


def test_without_commit_nothing_has_happened(store: Store) -> None:
    with store.work() as work:
        work.clients.add(a_client(), NOON)
        assert work.clients.get(ACME) == a_client()

    with pytest.raises(ClientNotFound):
        kept(store)


def test_an_error_undoes_what_was_not_committed(store: Store) -> None:
    def fail() -> None:
        with store.work() as work:
            work.clients.credit(ACME, Decimal(5), NOON)
            raise ZeroDivisionError

    store.put(a_client())

    with pytest.raises(ZeroDivisionError):
        fail()

    assert kept(store).total_savings == 0


@pytest.mark.parametrize("other", ["client-globex", "CLIENT-ACME", "client-acme ", "client-acm"])
def test_a_client_is_found_by_its_exact_id_only(store: Store, other: str) -> None:
    store.put(a_client())

    with pytest.raises(ClientNotFound):
        kept(store, ClientId(other))


@pytest.mark.parametrize("name", ["Acme", "ACME", "acme  ", "Acmé"])
def test_a_name_is_taken_whatever_its_case_accents_and_blanks(store: Store, name: str) -> None:
    store.put(a_client(is_active=False))

    with store.work() as work:
        assert work.clients.name_is_taken(name)
        assert not work.clients.name_is_taken("Acme 2")


def test_an_email_is_taken(store: Store) -> None:
    store.put(a_client())

    with store.work() as work:
        assert work.clients.email_is_taken("acme@example.com")
        assert not work.clients.email_is_taken("acme2@example.com")


@pytest.mark.parametrize(
    "second", [{"id": ACME}, {"email": "acme@example.com"}, {"token": a_client().token}]
)
def test_a_key_that_is_taken_loses_the_transaction(store: Store, second: dict[str, str]) -> None:
    store.put(a_client())

    with pytest.raises(TransactionLost):
        store.put(globex(**second))


def test_the_clients_whose_agents_were_heard_are_in_sync(store: Store) -> None:
    store.put(a_client(), globex())

    with store.work() as work:
        work.clients.heard_of({ACME}, NOON)
        work.clients.heard_of(set(), NOON + HOUR)
        work.commit()

    assert kept(store) == a_client(last_sync_at=NOON)
    assert kept(store, GLOBEX) == globex()


def test_the_time_of_the_last_sync_does_not_go_back(store: Store) -> None:
    store.put(a_client())

    with store.work() as work:
        work.clients.heard_of([ACME], NOON)
        work.clients.heard_of([ACME], NOON - MINUTE)
        work.commit()

    assert kept(store).last_sync_at == NOON


def test_savings_add_up_exactly(store: Store) -> None:
    store.put(a_client(total_savings=Decimal("0.1000")), globex())

    with store.work() as work:
        for _ in range(3):
            work.clients.credit(ACME, Decimal("0.1000"), NOON)
        work.commit()

    assert kept(store) == a_client(total_savings=Decimal("0.4000"))
    assert kept(store, GLOBEX).total_savings == 0


def test_a_credit_touches_nothing_but_the_savings(database: SqlStore) -> None:
    database.put(a_client())
    database.change(tables.clients, plan="gold", metadata={"vat": 1})
    before = database.row(tables.clients)

    with database.work() as work:
        work.clients.credit(ACME, Decimal("2.5"), NOON + HOUR)
        work.commit()

    assert database.row(tables.clients) == before | {
        "total_savings": Decimal("2.5000"),
        "updated_at": NOON + HOUR,
    }


class TestCredentials:
    def test_a_token_names_its_owner_active_or_not(self, store: Store) -> None:
        store.put(a_client(token="token-A"), globex(token="token-G", is_active=False))

        assert store.credentials.owners_of(["token-G", "nobody", "token-A", "token-G"]) == [
            TokenOwner(GLOBEX, False),
            None,
            TokenOwner(ACME, True),
            TokenOwner(GLOBEX, False),
        ]

    @pytest.mark.parametrize("token", ["TOKEN-A", "token-a", "token-A ", " token-A", "token-Á", ""])
    def test_a_token_is_itself_or_nothing(self, store: Store, token: str) -> None:
        store.put(a_client(token="token-A"))

        assert store.credentials.owners_of([token]) == [None]

    def test_a_token_counts_once_it_is_committed(self, store: Store) -> None:
        with store.work() as work:
            work.clients.add(a_client(), NOON)

        assert store.credentials.owners_of([a_client().token]) == [None]

    def test_no_tokens_have_no_owners(self, store: Store) -> None:
        assert store.credentials.owners_of([]) == []


def test_rows_need_their_client(database: SqlStore) -> None:
    with pytest.raises(TransactionLost):
        database.put(an_agent())
