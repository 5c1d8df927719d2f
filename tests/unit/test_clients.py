"""The tenants: what may be a name and an e-mail address."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.domain.clients import (
    Client,
    ClientEmailTaken,
    ClientNameTaken,
    new_client,
)
from spot_optimizer.domain.errors import Conflict, ValidationFailed
from spot_optimizer.domain.identifiers import ClientId

TOKEN = "token-" + "aB3" * 10 + "zZ"
C = ClientId("client-1")

names = st.text(st.characters(codec="ascii"), min_size=1, max_size=200).filter(str.strip)
no_texts = st.one_of(
    st.integers(),
    st.booleans(),
    st.floats(),
    st.lists(st.text()),
    st.dictionaries(st.text(), st.none()),
)


def test_a_client_is_created_active_and_without_savings() -> None:
    assert new_client(C, TOKEN, " Acme Corp ", None) == Client(
        id=C,
        name="Acme Corp",
        email="acme_corp@example.com",
        token=TOKEN,
        is_active=True,
        status="active",
        total_savings=Decimal(0),
        last_sync_at=None,
    )


@given(names)
def test_a_name_is_trimmed_and_makes_the_address_that_was_not_given(name: str) -> None:
    client = new_client(C, TOKEN, name, None)

    assert client.name == name.strip()
    assert client.email == f"{name.strip().lower().replace(' ', '_')}@example.com"


@given(st.text(max_size=255))
def test_a_given_address_is_stored_as_it_is(email: str) -> None:
    assert new_client(C, TOKEN, "Acme", email).email == email


@pytest.mark.parametrize("name", [None, "", " ", "\t\n "])
def test_a_client_needs_a_name(name: object) -> None:
    with pytest.raises(ValidationFailed, match=r"^Client name is required$"):
        new_client(C, TOKEN, name, None)


@given(no_texts)
def test_a_name_and_an_address_are_text(thing: object) -> None:
    with pytest.raises(ValidationFailed, match=r"^Client name must be a string$"):
        new_client(C, TOKEN, thing, None)
    with pytest.raises(ValidationFailed, match=r"^Client email must be a string$"):
        new_client(C, TOKEN, "Acme", thing)


@pytest.mark.parametrize("length", [255, 256])
def test_a_name_fits_its_column_without_its_blanks(length: int) -> None:
    name = "n" * length
    if length <= 255:
        assert new_client(C, TOKEN, f"  {name}  ", "a@b").name == name
    else:
        with pytest.raises(ValidationFailed, match=r"^Client name is too long$"):
            new_client(C, TOKEN, name, "a@b")


def test_an_address_fits_its_column_even_when_it_is_made_from_the_name() -> None:
    longest = 255 - len("@example.com")

    assert len(new_client(C, TOKEN, "n" * longest, None).email) == 255
    for name, email in [("n" * (longest + 1), None), ("Acme", "e" * 256)]:
        with pytest.raises(ValidationFailed, match=r"^Client email is too long$"):
            new_client(C, TOKEN, name, email)


def test_the_name_is_looked_at_first() -> None:
    with pytest.raises(ValidationFailed, match=r"^Client name is required$"):
        new_client(C, TOKEN, None, 7)


def test_what_is_taken_is_told_by_its_value() -> None:
    assert str(ClientNameTaken("Acme")) == 'Client "Acme" already exists'
    assert str(ClientEmailTaken("a@b")) == 'Client email "a@b" already exists'
    assert issubclass(ClientNameTaken, Conflict)
    assert issubclass(ClientEmailTaken, Conflict)


def test_a_client_never_shows_its_token() -> None:
    assert TOKEN not in repr(new_client(C, TOKEN, "Acme", None))
