"""Finished pieces of a backtest, kept so that none is computed twice."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from spot_optimizer.backtest.contestants import code_fingerprint
from spot_optimizer.backtest.profiles import Profile
from spot_optimizer.backtest.results import Outcome
from spot_optimizer.backtest.traces import Trace

_FILE: Final = "pieces.jsonl"


class _Line(msgspec.Struct):
    key: str
    outcome: Outcome


def trace_fingerprint(trace: Trace) -> str:
    """Of all that a result depends on."""
    place = (trace.agent, trace.track, trace.number, trace.pools)
    frame = (trace.tick_s, trace.on_demand_price, trace.start, trace.prices.shape)
    hashed = sha256(repr((place, frame)).encode())
    for part in (trace.times, trace.prices, trace.up, trace.bands):
        hashed.update(part.tobytes())
    return hashed.hexdigest()


def key_of(trace_print: str, profile: Profile, contestant_print: str) -> str:
    told = f"{code_fingerprint()} {trace_print} {profile!r} {contestant_print}"
    return sha256(told.encode()).hexdigest()


class Pieces:
    """One line each, appended as they are finished: what a killed run has left behind counts, but
    for the line it was writing."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / _FILE
        self._known = dict(self._read())

    @property
    def known(self) -> Mapping[str, Outcome]:
        return self._known

    def keep(self, finished: Mapping[str, Outcome]) -> None:
        with self._path.open("ab") as file:
            for key, outcome in finished.items():
                file.write(msgspec.json.encode(_Line(key, outcome)) + b"\n")
        self._known.update(finished)

    def _read(self) -> Iterable[tuple[str, Outcome]]:
        if not self._path.exists():
            return
        content = self._path.read_bytes()
        whole, _, torn = content.rpartition(b"\n")
        if torn:
            self._path.write_bytes(whole + b"\n" if whole else b"")
        decode = msgspec.json.Decoder(_Line).decode
        for line in whole.splitlines():
            try:
                kept = decode(line)
            except msgspec.MsgspecError:  # of another version, or damaged: computed anew
                continue
            yield kept.key, kept.outcome
