"""A wire between a client and a service that a test may cut and mend."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock, Thread


class TcpProxy:
    """Passes everything on, until it is cut: then it refuses whoever comes."""

    def __init__(self, host: str, port: int) -> None:
        self._service = (host, port)
        self._lock = Lock()
        self._ends: list[socket.socket] = []
        self._threads: list[Thread] = []
        self._listener: socket.socket | None = None
        self.port = 0
        self.mend()

    def mend(self) -> None:
        """Let everybody through again, at the same port."""
        if self._listener is not None:
            return
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(64)
        self.port = listener.getsockname()[1]
        self._listener = listener
        self._start(self._accept, listener)

    def cut(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.drop()

    def drop(self) -> None:
        """End the connections there are; new ones come through."""
        with self._lock:
            ends, self._ends = self._ends, []
        for end in ends:
            _end(end)

    def close(self) -> None:
        self.cut()
        for thread in self._threads:
            thread.join(10)

    def _start(self, function: object, *arguments: socket.socket) -> None:
        thread = Thread(target=function, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            service = socket.create_connection(self._service)
            with self._lock:
                if self._listener is not listener:
                    _end(caller)
                    _end(service)
                    return
                self._ends += [caller, service]
            self._start(_pump, caller, service)
            self._start(_pump, service, caller)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    _end(source)
    _end(target)


def _end(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


@contextmanager
def a_proxy_to(host: str, port: int) -> Iterator[TcpProxy]:
    proxy = TcpProxy(host, port)
    try:
        yield proxy
    finally:
        proxy.close()
