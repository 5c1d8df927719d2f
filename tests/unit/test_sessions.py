"""Operators exchange their token for a session, which ends in one of four ways."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest

from spot_optimizer.application.ports.unit_of_work import AlwaysLost
from spot_optimizer.application.sessions.attempts import (
    ALLOWED,
    WINDOW,
    Attempts,
    TooManyAttempts,
)
from spot_optimizer.application.sessions.log_in import LogIn, WrongToken
from spot_optimizer.application.sessions.log_out import LogOut
from spot_optimizer.application.sessions.open_sessions import LIFETIME, OpenSessions
from tests.builders import OPERATOR
from tests.fakes import (
    CountingIdentifiers,
    FixedClock,
    FixedTokens,
    InMemoryCache,
    InMemoryUnitOfWork,
)

SECOND = timedelta(seconds=1)
HERE = replace(OPERATOR, address="192.0.2.1")
ELSEWHERE = replace(OPERATOR, address="192.0.2.2")


class Installation:
    """One operator's token, and what it opens."""

    def __init__(self, losses: int = 0) -> None:
        self.token = "right"
        self.clock = FixedClock()
        self.cache = InMemoryCache(self.clock)
        self.work = InMemoryUnitOfWork(losses=losses)
        self.sessions = OpenSessions(self.cache, self.token_sha256)
        self.log_in = LogIn(
            unit_of_work=self.work,
            clock=self.clock,
            identifiers=CountingIdentifiers(),
            tokens=FixedTokens(),
            sessions=self.sessions,
            attempts=Attempts(self.cache, self.token_sha256),
            opens=lambda token: token == self.token,
        )
        self.log_out = LogOut(self.work, self.clock, self.sessions)

    def token_sha256(self) -> str:
        return sha256(self.token.encode()).hexdigest()

    def audited(self) -> list[tuple[str, str, str]]:
        trail = self.work.audit
        return [
            (entry.action, entry.entity_id, by.kind)
            for entry, by in zip(trail.entries, trail.callers, strict=True)
        ]

    def guess(self, address: str | None, times: int = 1) -> None:
        for _ in range(times):
            with pytest.raises(WrongToken):
                self.log_in("my-guess", replace(HERE, address=address))


@pytest.fixture
def here() -> Installation:
    return Installation()


class TestASession:
    def test_is_opened_with_the_token(self, here: Installation) -> None:
        secret = here.log_in("right", HERE)

        assert here.sessions.find(secret) is not None

    def test_has_a_secret_of_its_own(self, here: Installation) -> None:
        assert here.log_in("right", HERE) != here.log_in("right", HERE)

    def test_is_not_opened_without(self, here: Installation) -> None:
        here.guess("192.0.2.1")

        assert here.audited() == []

    @pytest.mark.parametrize("secret", ["", "secret-2", "SECRET-1", "secret-1 "])
    def test_is_known_by_its_secret_alone(self, here: Installation, secret: str) -> None:
        here.log_in("right", HERE)

        assert here.sessions.find(secret) is None

    def test_lasts_its_time_and_no_longer(self, here: Installation) -> None:
        secret = here.log_in("right", HERE)

        here.clock.advance(LIFETIME - SECOND)
        assert here.sessions.find(secret) is not None
        here.clock.advance(SECOND)
        assert here.sessions.find(secret) is None

    def test_ends_with_the_token_that_opened_it(self, here: Installation) -> None:
        secret = here.log_in("right", HERE)

        here.token = "rotated"

        assert here.sessions.find(secret) is None
        assert here.sessions.find(here.log_in("rotated", HERE)) is not None

    def test_is_that_of_the_old_token_when_it_changes_meanwhile(self, here: Installation) -> None:
        def opens(token: str) -> bool:
            here.token = "rotated"
            return token == "right"

        secret = replace(here.log_in, opens=opens)("right", HERE)

        assert here.sessions.find(secret) is None

    def test_ends_when_the_operator_logs_out_and_no_other_does(self, here: Installation) -> None:
        mine, other = here.log_in("right", HERE), here.log_in("right", HERE)

        here.log_out(mine, HERE)

        assert here.sessions.find(mine) is None
        assert here.sessions.find(other) is not None

    def test_cannot_be_read_off_the_cache(self, here: Installation) -> None:
        secret = here.log_in("right", HERE)

        kept = repr(vars(here.cache))

        assert "session:" in kept
        for told in (secret, here.token, here.token_sha256(), sha256(secret.encode()).hexdigest()):
            assert told not in kept


class TestTheRecord:
    def test_says_who_logged_in_and_out(self, here: Installation) -> None:
        secret = here.log_in("right", HERE)
        here.log_out(secret, HERE)

        session = CountingIdentifiers().new_id()
        assert here.audited() == [
            ("logged_in", session, "operator"),
            ("logged_out", session, "operator"),
        ]

    def test_says_nothing_of_a_session_that_is_over(self, here: Installation) -> None:
        here.log_out("secret-1", HERE)

        assert here.audited() == []

    def test_is_written_or_nobody_is_logged_in(self) -> None:
        here = Installation(losses=10)

        with pytest.raises(AlwaysLost):
            here.log_in("right", HERE)

    def test_is_written_once_when_the_transaction_has_to_be_repeated(self) -> None:
        here = Installation(losses=2)

        secret = here.log_in("right", HERE)

        assert [action for action, _, _ in here.audited()] == ["logged_in"]
        assert here.sessions.find(secret) == here.audited()[0][1]


class TestGuessing:
    def test_ends_after_some_attempts_even_with_the_right_token(self, here: Installation) -> None:
        here.guess("192.0.2.1", ALLOWED)

        for token in ("my-guess", "right"):
            with pytest.raises(TooManyAttempts):
                here.log_in(token, HERE)

    def test_keeps_nobody_else_out(self, here: Installation) -> None:
        here.guess("192.0.2.1", ALLOWED)

        assert here.log_in("right", ELSEWHERE)

    def test_may_go_on_when_time_has_passed(self, here: Installation) -> None:
        here.guess("192.0.2.1", ALLOWED)
        here.clock.advance(WINDOW - SECOND)
        with pytest.raises(TooManyAttempts):
            here.log_in("right", HERE)

        here.clock.advance(SECOND)

        assert here.log_in("right", HERE)

    def test_is_not_what_an_operator_does(self, here: Installation) -> None:
        for _ in range(3 * ALLOWED):
            here.log_in("right", HERE)

        here.guess(HERE.address, ALLOWED - 1)
        assert here.log_in("right", HERE)

    def test_of_one_network_is_that_of_one_customer(self, here: Installation) -> None:
        for number in range(ALLOWED):
            here.guess(f"2001:db8::{number:x}")

        with pytest.raises(TooManyAttempts):
            here.log_in("right", replace(HERE, address="2001:db8::ffff"))
        assert here.log_in("right", replace(HERE, address="2001:db8:0:1::1"))

    def test_takes_bounded_room(self, here: Installation) -> None:
        taken = set()
        for number in range(50_000):
            with suppress(TooManyAttempts):
                taken.add(here.log_in.attempts.take(f"host-{number}"))

        assert 30_000 < len(taken) <= ALLOWED * 4096

    def test_shares_a_group_with_nobody_who_could_choose_it(self, here: Installation) -> None:
        def groups() -> list[str]:
            taken = (here.log_in.attempts.take(f"host-{number}") for number in range(5))
            return [attempt.split(":")[1] for attempt in taken]

        before = groups()
        assert groups() == before

        here.token = "rotated"

        assert groups() != before


def test_what_is_refused_is_in_the_log_without_the_token(
    here: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    here.guess("192.0.2.1", ALLOWED)
    with pytest.raises(TooManyAttempts):
        here.log_in("my-guess", HERE)

    assert caplog.text.count("192.0.2.1") == ALLOWED + 1
    assert "my-guess" not in caplog.text
