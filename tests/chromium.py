"""A headless Chromium, driven over its DevTools protocol.

https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
from base64 import b64decode
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

import pytest
from websockets.sync.client import ClientConnection, connect

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
_OPTIONS: Final = (
    "--headless=new",
    "--remote-debugging-port=0",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--window-size=1000,700",
)
_ANNOUNCEMENT: Final = "DevTools listening on "

# Far longer than anything takes here; only a failing test waits for it.
_PATIENCE_S: Final = 60


class PageFailed(Exception):
    """What was evaluated in a page has thrown."""


class Page:
    """A page that a person looks at, in a browser profile of its own."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._session: str | None = None
        self._asked = 0
        self._happened: deque[dict[str, Any]] = deque()
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)
        attached = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        self.call("Page.enable")
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)

    def call(self, method: str, **parameters: object) -> Any:
        """A command of the protocol, and its result."""
        self._asked += 1
        message = {"id": self._asked, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        self._connection.send(json.dumps(message))
        while (answer := self._received()).get("id") != self._asked:
            self._happened.append(answer)
        if "error" in answer:
            raise PageFailed(f"{method}: {answer['error']}")
        return answer["result"]

    def open(self, url: str) -> None:
        """Returns when it, or what it leads on to, is there."""
        self._happened.clear()
        failed = self.call("Page.navigate", url=url).get("errorText")
        if failed:
            raise PageFailed(f"{url}: {failed}")
        self._wait_for("Page.loadEventFired")

    def type(self, selector: str, text: str) -> None:
        """Into that field, followed by the return key; then as `open`."""
        root = self.call("DOM.getDocument")["root"]
        field = self.call("DOM.querySelector", nodeId=root["nodeId"], selector=selector)
        self.call("DOM.focus", nodeId=field["nodeId"])
        self.call("Input.insertText", text=text)
        self._happened.clear()
        for kind in ("keyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent",
                type=kind,
                key="Enter",
                code="Enter",
                text="\r",
                windowsVirtualKeyCode=13,
            )
        self._wait_for("Page.loadEventFired")

    def click(self, selector: str) -> None:
        """As a person does it; then as `open`."""
        box = self.evaluate(f"{_MIDDLE}({json.dumps(selector)})")
        self._happened.clear()
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **box)
        self._wait_for("Page.loadEventFired")

    def evaluate(self, script: str) -> Any:
        """What the script, or the promise that it is, comes to.

        Raises:
            PageFailed: it throws; the message is that of the error.
        """
        done = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in done:
            thrown = done["exceptionDetails"].get("exception", {})
            raise PageFailed(thrown.get("description") or thrown.get("value"))
        return done["result"].get("value")

    @property
    def url(self) -> str:
        history = self.call("Page.getNavigationHistory")
        return str(history["entries"][history["currentIndex"]]["url"])

    @property
    def html(self) -> str:
        """Also where scripts are switched off."""
        root = self.call("DOM.getDocument")["root"]
        return str(self.call("DOM.getOuterHTML", nodeId=root["nodeId"])["outerHTML"])

    @property
    def cookies(self) -> list[dict[str, Any]]:
        cookies: list[dict[str, Any]] = self.call("Network.getCookies")["cookies"]
        return cookies

    def screenshot(self, file: Path) -> None:
        file.write_bytes(b64decode(self.call("Page.captureScreenshot")["data"]))

    def _wait_for(self, event: str) -> None:
        while not any(happened.get("method") == event for happened in self._happened):
            self._happened.append(self._received())

    def _received(self) -> dict[str, Any]:
        """The next message that is for this page."""
        while True:
            message: dict[str, Any] = json.loads(self._connection.recv(timeout=_PATIENCE_S))
            if message.get("sessionId") == self._session:
                return message


_MIDDLE: Final = """(selector => {
  const box = document.querySelector(selector).getBoundingClientRect();
  return {x: box.x + box.width / 2, y: box.y + box.height / 2};
})"""


@contextmanager
def a_chromium(profile: Path) -> Iterator[ClientConnection]:
    """Skips the test where there is none, unless REQUIRE_SERVICES=1."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        reason = f"none of {', '.join(_NAMES)} is installed"
        if os.environ.get("REQUIRE_SERVICES") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    # Chromium locks root out of its sandbox; these are only our own pages.
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()
    with subprocess.Popen(  # noqa: S603  our own browser
        [program, *_OPTIONS, *sandbox, f"--user-data-dir={profile}", "about:blank"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    ) as process:
        assert process.stderr is not None
        watchdog = threading.Timer(_PATIENCE_S, process.kill)
        watchdog.start()
        rest = threading.Thread(target=process.stderr.read)
        try:
            url = _announced(process.stderr)
            watchdog.cancel()
            rest.start()
            with connect(url, max_size=None, proxy=None, open_timeout=_PATIENCE_S) as connection:
                yield connection
        finally:
            watchdog.cancel()
            os.killpg(process.pid, signal.SIGTERM)
            if rest.ident is not None:
                rest.join()


def _announced(stderr: IO[str]) -> str:
    """Where it listens."""
    said = []
    for line in stderr:
        said.append(line)
        if line.startswith(_ANNOUNCEMENT):
            return line.removeprefix(_ANNOUNCEMENT).strip()
    raise AssertionError("Chromium did not start:\n" + "".join(said))
