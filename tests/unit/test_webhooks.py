"""Other systems are told what happened: signed, again and again until they confirm it."""

from __future__ import annotations

import hmac
import json
import logging
import threading
from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.adapters.persistence import tables
from spot_optimizer.adapters.persistence.messages import SqlUndeliveredMessages
from spot_optimizer.adapters.webhooks.receivers import SlackWebhook, StandardWebhook
from spot_optimizer.application.notifications.deliver_messages import DeliverMessages
from spot_optimizer.application.ports.messages import NotDelivered, Receiver, Refused
from spot_optimizer.domain.interruptions import Interruption, Resolution, SignalType
from spot_optimizer.domain.webhooks import (
    NEWS_FOR,
    Message,
    MessageType,
    pause_after,
    secret_of,
    signed_headers,
)
from tests.batch_jobs import put, works_of
from tests.builders import (
    ACME,
    AGENT,
    DAY,
    FIRST,
    NOON,
    POOL_A,
    a_client,
    an_agent,
)
from tests.fakes import FixedClock, InMemoryCache, InMemoryUnitOfWork
from tests.fakes.messages import FakeReceiver
from tests.stores import SqlStore

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def a_message(number: int = 1, at: datetime = NOON) -> Message:
    return Message(
        id=f"message-{number}",
        type=MessageType.NOTIFICATION,
        at=at,
        text="<hello> & goodbye",
        data={"number": number},
        row=number,
    )


class TestSignature:
    def test_it_is_that_of_the_specification(self) -> None:
        """The example with which the libraries of Standard Webhooks are tested."""
        at = datetime.fromtimestamp(1614265330, UTC)

        headers = signed_headers(
            "msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}', secret_of(SECRET)
        )

        assert headers == {
            "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "webhook-timestamp": "1614265330",
            "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        }

    @pytest.mark.parametrize("text", ["", "whsec_", "whsec_!!!!", "whsec_c2hvcnQ=", SECRET[6:]])
    def test_what_is_no_secret_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match="must be whsec_"):
            secret_of(text)

    @given(st.integers(-3, 10_000))
    def test_pauses_grow_and_have_an_end(self, failures: int) -> None:
        pause = pause_after(failures)

        assert timedelta(seconds=5) <= pause <= timedelta(minutes=15)
        assert pause <= pause_after(failures + 1)


class Stage:
    def __init__(self, *receivers: FakeReceiver, messages: int = 3) -> None:
        self.clock, self.work = FixedClock(), InMemoryUnitOfWork()
        self.receivers = receivers or (FakeReceiver(),)
        with self.work:
            self.work.message_log.waiting = [a_message(it) for it in range(1, messages + 1)]
            self.work.commit()
        self.deliver = DeliverMessages(
            self.work,
            self.clock,
            self.work.message_log,
            self.receivers,
            InMemoryCache(self.clock),
        )

    def later(self, **duration: float) -> None:
        self.clock.advance(timedelta(**duration))
        self.deliver()


class TestDelivery:
    def test_everything_is_told_once(self) -> None:
        stage = Stage()
        stage.deliver()
        stage.deliver()

        assert stage.receivers[0].told == ["message-1", "message-2", "message-3"]
        assert stage.work.message_log.waiting == []

    def test_a_receiver_that_is_down_is_left_alone_for_ever_longer(self) -> None:
        stage = Stage()
        (receiver,) = stage.receivers
        receiver.failure = NotDelivered("gone")
        attempts = []
        for _ in range(120):
            stage.later(seconds=5)
            attempts.append(len(receiver.attempts))

        tried_at = [place for place, (a, b) in enumerate(pairwise([0, *attempts])) if b > a]
        assert tried_at == [0, 1, 3, 7, 15, 31, 63]

    def test_it_says_so_once(self, caplog: pytest.LogCaptureFixture) -> None:
        stage = Stage()
        stage.receivers[0].failure = NotDelivered("it answers 500")
        for _ in range(50):
            stage.later(minutes=1)

        assert caplog.messages == ["receiver was not told: it answers 500"]

    @given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(1, 40_000)), max_size=30))
    def test_nothing_is_lost_while_receivers_come_and_go(
        self, history: list[tuple[bool, bool, int]]
    ) -> None:
        one, other = FakeReceiver("one"), FakeReceiver("other")
        stage = Stage(one, other)
        for one_is_down, other_is_down, seconds in history:
            one.failure = NotDelivered("down") if one_is_down else None
            other.failure = NotDelivered("down") if other_is_down else None
            stage.later(seconds=min(seconds, 40_000 // 2))
        one.failure = other.failure = None
        stage.later(minutes=16)
        stage.later(minutes=16)

        assert stage.work.message_log.waiting == []
        assert sorted(one.told) == sorted(other.told) == ["message-1", "message-2", "message-3"]

    def test_one_that_is_refused_does_not_keep_the_others_waiting(self) -> None:
        stage = Stage()
        (receiver,) = stage.receivers
        receiver.refuses["message-1"] = Refused("it answers 400")
        stage.deliver()
        stage.later(seconds=1)

        assert receiver.attempts == ["message-1", "message-2", "message-3"]
        stage.later(seconds=5)
        assert receiver.attempts[3:] == ["message-1"]
        receiver.refuses.clear()
        stage.later(seconds=10)
        assert stage.work.message_log.waiting == []

    def test_however_many_are_refused_news_comes_through(self) -> None:
        stage = Stage(messages=950)
        (receiver,) = stage.receivers
        receiver.refuses = {f"message-{it}": Refused("it answers 400") for it in range(1, 901)}
        for _ in range(40):
            stage.later(seconds=5)

        assert receiver.told == [f"message-{it}" for it in range(901, 951)]
        assert len(stage.work.message_log.waiting) == 900

    def test_one_that_is_down_does_not_keep_news_from_the_others(self) -> None:
        one, other = FakeReceiver("one"), FakeReceiver("other")
        stage = Stage(one, other, messages=650)
        other.failure = NotDelivered("down")
        for _ in range(5):
            stage.later(seconds=5)
        assert len(one.told) == 650

        other.failure = None
        for _ in range(40):
            stage.later(minutes=1)
        assert (len(one.told), len(other.told)) == (650, 650)
        assert stage.work.message_log.waiting == []

    def test_one_run_does_not_go_on_for_ever(self) -> None:
        stage = Stage(messages=650)

        assert stage.deliver().updated == 200

    def test_old_news_is_none(self) -> None:
        stage = Stage(messages=1)
        stage.receivers[0].failure = NotDelivered("down")
        stage.deliver()
        stage.receivers[0].failure = None
        stage.clock.advance(NEWS_FOR + DAY)
        stage.deliver()

        assert stage.receivers[0].told == []

    def test_a_clock_that_is_set_back_does_not_prolong_a_pause(self) -> None:
        stage = Stage()
        (receiver,) = stage.receivers
        receiver.failure = NotDelivered("down")
        stage.deliver()
        receiver.failure = None
        stage.later(hours=-5)

        assert len(receiver.told) == 3


def a_notice(**changes: object) -> Interruption:
    given = {
        "agent_id": AGENT,
        "instance_id": FIRST,
        "pool_id": POOL_A,
        "signal_type": SignalType.TERMINATION_NOTICE,
        "detected_at": NOON,
        **changes,
    }
    return Interruption(**given)  # type: ignore[arg-type]


class TestOnRecord:
    def undelivered(self, store: SqlStore, since: datetime = NOON - DAY) -> list[Message]:
        return list(SqlUndeliveredMessages(store.engine).undelivered(since))

    def confirm(self, store: SqlStore, message: Message) -> None:
        with store.work() as work:
            work.message_log.delivered(message, NOON)
            work.commit()

    def test_a_notification_is_told_once(self, database: SqlStore) -> None:
        database.put(a_client())
        put(
            database.engine,
            tables.notifications,
            [
                {
                    "id": f"note-{sent}-{age}",
                    "client_id": ACME,
                    "message": "hello",
                    "severity": "info",
                    "sent_webhook": sent,
                    "created_at": NOON - DAY * age,
                }
                for sent in (True, False, None)
                for age in (0, 2)
            ],
        )

        found = self.undelivered(database)
        assert sorted(message.id for message in found) == [
            "notification-note-False-0",
            "notification-note-None-0",
        ]
        assert {message.type for message in found} == {MessageType.NOTIFICATION}
        for message in found:
            self.confirm(database, message)
        assert self.undelivered(database) == []

    def test_all_are_found_however_many(self, database: SqlStore) -> None:
        database.put(a_client(), an_agent())
        events = [
            {
                "instance_id": f"i-{number}",
                "agent_id": AGENT,
                "pool_id": POOL_A,
                "signal_type": "termination-notice",
                "response_action": "no-action",
                "detected_at": NOON,
            }
            for number in range(401)
        ]
        put(database.engine, tables.spot_interruption_events, events)
        notes = [
            {
                "id": f"note-{number:03}",
                "client_id": ACME,
                "message": "hello",
                "created_at": NOON + timedelta(seconds=number // 300),
            }
            for number in range(650)
        ]
        put(database.engine, tables.notifications, notes)

        found = self.undelivered(database)

        assert [message.data["instance_id"] for message in found[:401]] == [
            event["instance_id"] for event in events
        ]
        assert [message.row for message in found[401:]] == [note["id"] for note in notes]

    def test_an_interruption_is_told_on_receipt_and_on_completion(self, database: SqlStore) -> None:
        database.put(a_client(), an_agent(), a_notice(metadata={"kept": [1, 2]}))

        (receipt,) = self.undelivered(database)
        assert receipt.type is MessageType.INTERRUPTION_RECEIVED
        assert receipt.data["client_id"] == ACME
        assert receipt.text == "Instance i-1 of agent agent-1: termination notice"
        self.confirm(database, receipt)
        assert self.undelivered(database) == []

        self.resolve(database)
        (completion,) = self.undelivered(database)
        assert completion.type is MessageType.INTERRUPTION_COMPLETED
        assert completion.id != receipt.id
        self.confirm(database, completion)
        assert self.undelivered(database) == []
        (row,) = database.rows(tables.spot_interruption_events)
        assert row["metadata"] == {
            "kept": [1, 2],
            "emergency_complete": True,
            "reason": "cleared",
            "receipt_told_at": NOON.isoformat(),
            "completion_told_at": NOON.isoformat(),
        }

    def test_one_that_is_over_at_once_is_told_twice(self, database: SqlStore) -> None:
        database.put(a_client(), an_agent(), a_notice(failover_completed=True))

        assert [message.type for message in self.undelivered(database)] == [
            MessageType.INTERRUPTION_RECEIVED,
            MessageType.INTERRUPTION_COMPLETED,
        ]

    def test_all_of_it_is_delivered_by_one_run(self, database: SqlStore) -> None:
        database.put(a_client(), an_agent(), a_notice(), a_notice(failover_completed=True))
        receiver, clock = FakeReceiver(), FixedClock()
        deliver = DeliverMessages(
            works_of(database.engine),
            clock,
            SqlUndeliveredMessages(database.engine),
            [receiver],
            InMemoryCache(clock),
        )

        assert deliver().updated == 3
        assert deliver().processed == 0

    def resolve(self, store: SqlStore) -> None:
        with store.work() as work:
            (notice,) = work.interruptions.list_of(AGENT, NOON - DAY)
            work.interruptions.save(notice.resolved(Resolution.CLEARED))
            work.commit()


class Listener:
    """An HTTP server that answers as it is told and keeps what it got."""

    def __init__(self) -> None:
        self.status, self.headers = 204, dict[str, str]()
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.got.append((self.path, dict(self.headers.items()), body))
                self.send_response(outer.status)
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/T000/B000/XXXX"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    found = Listener()
    yield found
    found.close()


class TestOverHttp:
    def test_a_receiver_can_check_the_signature(self, listener: Listener) -> None:
        StandardWebhook(listener.url, SECRET).deliver(a_message(), NOON)

        ((path, headers, body),) = listener.got
        sent = {name.lower(): value for name, value in headers.items()}
        signed = f"{sent['webhook-id']}.{sent['webhook-timestamp']}.".encode() + body
        version, signature = sent["webhook-signature"].split(",")
        assert (path, version) == ("/T000/B000/XXXX", "v1")
        assert hmac.new(b64decode(SECRET[6:]), signed, sha256).digest() == b64decode(signature)
        assert sent["webhook-timestamp"] == str(int(NOON.timestamp()))
        assert json.loads(body) == {
            "type": "notification.created",
            "timestamp": NOON.isoformat(),
            "data": {"number": 1},
        }

    def test_slack_is_told_in_words(self, listener: Listener) -> None:
        SlackWebhook(listener.url).deliver(a_message(), NOON)

        ((_, headers, body),) = listener.got
        assert json.loads(body) == {"text": "&lt;hello&gt; &amp; goodbye"}
        assert "webhook-signature" not in {name.lower() for name in headers}

    @pytest.mark.parametrize(
        ("status", "failure"),
        [
            (500, NotDelivered),
            (503, NotDelivered),
            (429, NotDelivered),
            (404, NotDelivered),
            (302, NotDelivered),
            (400, Refused),
            (413, Refused),
        ],
    )
    def test_what_is_not_confirmed_is_not_delivered(
        self, listener: Listener, status: int, failure: type[Exception]
    ) -> None:
        listener.status = status
        with pytest.raises(NotDelivered, match=f"it answers {status}") as raised:
            StandardWebhook(listener.url, SECRET).deliver(a_message(), NOON)
        assert type(raised.value) is failure

    def test_nobody_is_redirected(self, listener: Listener) -> None:
        other = Listener()
        listener.status, listener.headers = 307, {"location": other.url}

        with pytest.raises(NotDelivered):
            SlackWebhook(listener.url).deliver(a_message(), NOON)

        assert other.got == []
        other.close()

    def test_no_secret_is_said(self, listener: Listener, caplog: pytest.LogCaptureFixture) -> None:
        """Neither the key nor the address, which for Slack is as good as one."""
        caplog.set_level(logging.WARNING)
        listener.close()
        receivers: list[Receiver] = [
            SlackWebhook(listener.url),
            StandardWebhook(listener.url, SECRET),
        ]
        said = []
        for receiver in receivers:
            with pytest.raises(NotDelivered) as raised:
                receiver.deliver(a_message(), NOON)
            said.append(f"{receiver.name} {raised.value} {raised.value.__cause__}")

        text = " ".join([*said, caplog.text])
        assert "ConnectError" in text
        assert "XXXX" not in text
        assert SECRET[6:] not in text
