"""The operator takes on clients, looks up and replaces their tokens, and lets them go."""

import pytest

from spot_optimizer.application.authenticate import Authenticate, RecordRefusedCredentials
from spot_optimizer.application.clients.create_client import CreateClient
from spot_optimizer.application.clients.delete_client import DeleteClient
from spot_optimizer.application.clients.regenerate_token import RegenerateToken
from spot_optimizer.application.clients.show_token import ShowToken
from spot_optimizer.application.ports.credentials import TokenOwner
from spot_optimizer.application.remembered_owners import RememberedOwners
from spot_optimizer.domain.clients import Client, ClientEmailTaken, ClientNameTaken
from spot_optimizer.domain.errors import ClientNotFound, ValidationFailed
from spot_optimizer.domain.identifiers import ClientId
from tests.builders import ACME, FROM_ACME, GLOBEX, OPERATOR, TODAY, a_client, globex
from tests.fakes import (
    CountingIdentifiers,
    FixedClock,
    FixedTokens,
    HeldStopwatch,
    InMemoryCredentials,
    InMemoryUnitOfWork,
)

NEW = ClientId("00000000-0000-4000-8000-000000000001")
TOKEN = FixedTokens().token


def create(
    work: InMemoryUnitOfWork, name: object = "Initech", email: object = "it@initech.com"
) -> Client:
    use_case = CreateClient(work, FixedClock(), CountingIdentifiers(), FixedTokens())
    return use_case(name, email, OPERATOR)


def remembered(work: InMemoryUnitOfWork) -> RememberedOwners:
    return RememberedOwners(InMemoryCredentials(work), HeldStopwatch())


def known() -> InMemoryUnitOfWork:
    return InMemoryUnitOfWork(clients=[a_client(), globex(is_active=False)])


class TestNewClient:
    def test_it_gets_an_id_and_a_token(self) -> None:
        work = known()

        client = create(work)

        assert client == Client(id=NEW, name="Initech", email="it@initech.com", token=TOKEN)
        assert work.clients.kept[NEW] == client

    def test_its_token_opens_its_rows_at_once(self) -> None:
        work = known()

        create(work)

        authenticate = Authenticate(InMemoryCredentials(work))
        assert authenticate([TOKEN, "other"]) == [TokenOwner(NEW, True), None]

    def test_everybody_is_told_and_nobody_the_token(self) -> None:
        work = known()

        create(work)

        assert work.events.types == ["client_created"]
        assert work.notifications.messages == ["New client created: Initech"]
        assert work.audit.actions == ["client_created"]
        assert work.audit.callers == [OPERATOR]
        told = (work.events.entries, work.notifications.entries, work.audit.entries)
        assert TOKEN not in repr(told)

    def test_without_an_address_it_gets_one_that_nobody_reads(self) -> None:
        assert create(known(), "My Shop", None).email == "my_shop@example.com"

    @pytest.mark.parametrize("name", ["Acme", "ACME", " acme ", "Globex"])
    def test_a_name_is_given_once(self, name: str) -> None:
        work = known()

        with pytest.raises(ClientNameTaken):
            create(work, name)

        assert sorted(work.clients.kept) == [ACME, GLOBEX]
        assert work.notifications.entries == []

    def test_an_address_is_given_once(self) -> None:
        with pytest.raises(ClientEmailTaken):
            create(known(), "Acme 2", "acme@example.com")

    @pytest.mark.parametrize("name", [None, "", "  ", 17, "x" * 256])
    def test_a_name_must_be_one(self, name: object) -> None:
        work = known()

        with pytest.raises(ValidationFailed):
            create(work, name)

        assert work.commits == 0

    def test_the_loser_of_a_race_tries_again(self) -> None:
        work = known()
        work.losses = 1

        assert create(work).id == ClientId("00000000-0000-4000-8000-000000000002")
        assert len(work.notifications.entries) == 1


class TestToken:
    def test_that_somebody_looked_is_put_on_record_without_the_token(self) -> None:
        work = known()

        client = ShowToken(work, FixedClock())(ACME, OPERATOR)

        assert client == a_client()
        (entry,) = work.audit.entries
        assert (entry.action, entry.entity_type, entry.entity_id) == ("token_shown", "client", ACME)
        assert work.audit.callers == [OPERATOR]
        assert client.token not in repr(entry)
        assert work.events.entries == []
        assert work.notifications.entries == []

    def test_an_unknown_client_has_none(self) -> None:
        work = known()

        with pytest.raises(ClientNotFound):
            ShowToken(work, FixedClock())(ClientId("nobody"), OPERATOR)

        assert work.audit.entries == []


class TestRefusedCredentials:
    def test_a_token_that_opens_nothing_is_put_on_record(self) -> None:
        work = known()

        RecordRefusedCredentials(work, FixedClock()).unknown_token("/api/x", FROM_ACME)

        (event,) = work.events.entries
        assert (event.event_type, event.severity) == ("auth_failed", "warning")
        assert event.message == "Invalid client token attempt for endpoint /api/x"
        assert event.client_id is None

    def test_so_is_that_of_a_client_who_is_not_active(self) -> None:
        work = known()

        RecordRefusedCredentials(work, FixedClock()).inactive_client(GLOBEX, FROM_ACME)

        (event,) = work.events.entries
        assert event.client_id == GLOBEX
        assert event.message == "Inactive client client-globex attempted access"


class TestLettingGo:
    def test_the_client_is_gone_and_everybody_is_told(self) -> None:
        work = known()

        DeleteClient(work, FixedClock(), TODAY, remembered(work))(ACME, OPERATOR)

        assert list(work.clients.kept) == [GLOBEX]
        assert work.events.types == ["client_deleted"]
        assert work.events.entries[0].client_id is None
        assert work.audit.actions == ["client_deleted"]
        assert work.notifications.entries == []

    def test_its_token_opens_nothing_any_more(self) -> None:
        work = known()
        owners = remembered(work)
        assert owners.owners_of([a_client().token]) == [TokenOwner(ACME, True)]

        DeleteClient(work, FixedClock(), TODAY, owners)(ACME, OPERATOR)

        assert owners.owners_of([a_client().token]) == [None]

    def test_a_client_that_nobody_knows_is_refused(self) -> None:
        work = known()

        with pytest.raises(ClientNotFound):
            DeleteClient(work, FixedClock(), TODAY, remembered(work))(NEW, OPERATOR)

        assert work.commits == 0


class TestANewToken:
    def test_replaces_the_former_one(self) -> None:
        work = known()

        client = RegenerateToken(work, FixedClock(), FixedTokens(), remembered(work))(
            ACME, OPERATOR
        )

        assert client == a_client(token=TOKEN)
        assert work.clients.kept[ACME].token == TOKEN
        told = (work.events.entries, work.notifications.entries, work.audit.entries)
        assert TOKEN not in repr(told)
        assert work.events.types == work.audit.actions == ["token_regenerated"]

    def test_the_former_one_opens_nothing_any_more(self) -> None:
        work = known()
        owners = remembered(work)
        assert owners.owners_of([a_client().token]) == [TokenOwner(ACME, True)]

        RegenerateToken(work, FixedClock(), FixedTokens(), owners)(ACME, OPERATOR)

        assert owners.owners_of([a_client().token, TOKEN]) == [None, TokenOwner(ACME, True)]

    def test_survives_a_transaction_that_was_lost(self) -> None:
        work = known()
        work.losses = 1

        RegenerateToken(work, FixedClock(), FixedTokens(), remembered(work))(ACME, OPERATOR)

        assert work.commits == 1
        assert work.events.types == ["token_regenerated"]
