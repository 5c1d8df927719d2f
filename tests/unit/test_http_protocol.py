"""An answer goes onto the wire in one piece."""

import asyncio
from collections.abc import Callable

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from spot_optimizer.cli.http_protocol import HeadHeldBack, WholeAnswers


class Wire(asyncio.Transport):
    """Keeps what is sent, packet by packet."""

    def __init__(self) -> None:
        super().__init__()
        self.packets: list[bytes] = []
        self.closed = False
        self.reading = True

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.packets.append(bytes(data))

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def get_extra_info(self, name: str, default: object = None) -> object:
        return ("10.0.0.7", 4000) if name == "peername" else default

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


async def _turns_of_the_loop() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def _served(app: Callable[..., object], request: bytes) -> Wire:
    config = Config(app, http=WholeAnswers, lifespan="off", log_config=None)
    config.load()
    protocol = WholeAnswers(config, ServerState(), {}, asyncio.get_running_loop())
    wire = Wire()
    protocol.connection_made(wire)
    protocol.data_received(request)
    await _turns_of_the_loop()
    return wire


async def _hello(scope: object, receive: object, send: Callable[..., object]) -> None:
    headers = [(b"content-length", b"5")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})  # type: ignore[misc]
    await send({"type": "http.response.body", "body": b"hello"})  # type: ignore[misc]


async def _in_pieces(scope: object, receive: object, send: Callable[..., object]) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[misc]
    for piece in (b"one", b"two", b"three"):
        await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": piece, "more_body": True})  # type: ignore[misc]
    await send({"type": "http.response.body", "body": b""})  # type: ignore[misc]


def test_head_and_body_are_one_packet() -> None:
    wire = asyncio.run(_served(_hello, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"))

    assert len(wire.packets) == 1
    assert wire.packets[0].startswith(b"HTTP/1.1 200 OK\r\n")
    assert wire.packets[0].endswith(b"\r\n\r\nhello")


def test_answers_to_two_requests_at_once_stay_in_order() -> None:
    twice = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n" * 2

    wire = asyncio.run(_served(_hello, twice))

    assert b"".join(wire.packets).count(b"\r\n\r\nhello") == 2


def test_a_stream_arrives_whole_and_in_order() -> None:
    wire = asyncio.run(_served(_in_pieces, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"))

    _, _, body = b"".join(wire.packets).partition(b"\r\n\r\n")
    assert body == b"3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n"


def test_a_last_word_is_said_before_the_line_is_closed() -> None:
    request = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"

    wire = asyncio.run(_served(_hello, request))

    assert b"".join(wire.packets).endswith(b"hello")
    assert wire.closed


def test_what_is_written_alone_is_not_kept_back_for_long() -> None:
    async def write() -> tuple[list[bytes], list[bytes]]:
        wire = Wire()
        transport = HeadHeldBack(wire, asyncio.get_running_loop())
        transport.write(b"alone")
        at_once = list(wire.packets)
        await _turns_of_the_loop()
        return at_once, wire.packets

    assert asyncio.run(write()) == ([], [b"alone"])


def test_closing_sends_what_was_held() -> None:
    async def write() -> Wire:
        wire = Wire()
        transport = HeadHeldBack(wire, asyncio.get_running_loop())
        transport.write(b"bye")
        transport.close()
        assert transport.is_closing()
        await _turns_of_the_loop()
        return wire

    wire = asyncio.run(write())
    assert (wire.packets, wire.closed) == ([b"bye"], True)


@pytest.mark.parametrize("reading", [True, False])
def test_the_rest_is_the_transports_own(reading: bool) -> None:
    async def steer() -> bool:
        wire = Wire()
        transport = HeadHeldBack(wire, asyncio.get_running_loop())
        assert transport.get_extra_info("peername") == ("10.0.0.7", 4000)
        transport.pause_reading()
        if reading:
            transport.resume_reading()
        return wire.reading

    assert asyncio.run(steer()) is reading
