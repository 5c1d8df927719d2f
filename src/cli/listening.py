"""The port of the server: taken before anything is started, so that a conflict costs nothing."""

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from spot_optimizer.cli.configuration import wrong_setting
from spot_optimizer.cli.failures import PORT_IN_USE, Failure

BACKLOG: Final = 2048


@contextmanager
def taken_port(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that has the address and does not listen yet.

    Raises:
        Failure: the address is in use, not one of this machine, or not for this user.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise wrong_setting("HOST", f"{host!r} is no address") from error
    with socket.socket(family, kind, protocol) as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with _told(host, port):
            taken.bind(address)
        yield taken


def listen(taken: socket.socket, host: str, port: int) -> None:
    """From now on callers wait for an answer instead of being refused.

    Raises:
        Failure: somebody else took the same address at the same time and was faster.
    """
    with _told(host, port):
        taken.listen(BACKLOG)


def check_port_is_free(host: str, port: int) -> None:
    """Raises:
    Failure: as for taking it.
    """
    with taken_port(host, port) as taken:
        listen(taken, host, port)


def url_of(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def _told(host: str, port: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise Failure(f"Port {port} on {host} is in use", PORT_IN_USE) from error
        if error.errno == errno.EACCES:
            raise wrong_setting("PORT", f"this user may not listen on {port}") from error
        raise wrong_setting("HOST", f"{host!r} cannot be listened on: {error.strerror}") from error
