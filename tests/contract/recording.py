"""The recordings on disk: what was asked, what was answered, what changed in the database."""

from __future__ import annotations

import os
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
from msgspec import UNSET, Struct, UnsetType, field

HERE = Path(__file__).parent

Json: TypeAlias = Any
Row: TypeAlias = dict[str, Json]
Rows: TypeAlias = dict[str, list[Row]]


class _Recorded(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Change(_Recorded, frozen=True):
    """One changed row: its primary key, and the columns that got another value."""

    key: Row
    columns: Row = field(name="set")


class Effects(_Recorded, frozen=True):
    inserted: Rows = {}
    updated: dict[str, list[Change]] = {}
    deleted: Rows = {}


class Part(_Recorded, frozen=True):
    """One part of a multipart form."""

    field_name: str = field(name="field")
    filename: str | None = None
    content: str = ""
    base64: str | None = None


class Request(_Recorded, frozen=True):
    method: str
    path: str
    headers: dict[str, str] = {}
    query: dict[str, str | int] = {}
    json: Json = UNSET
    raw: str | UnsetType = UNSET
    multipart: list[Part] | UnsetType = UNSET


class Response(_Recorded, frozen=True):
    status: int
    content_type: str
    body_kind: str
    body: Json = None
    headers: dict[str, str] = {}


class RowCounts(_Recorded, frozen=True):
    """What an alternative answer may do to the database: row counts such as 2 or ">=1"."""

    unchanged: list[str] = []
    inserted: dict[str, int | str] = {}
    updated: dict[str, int | str] = {}
    deleted: dict[str, int | str] = {}


class Alternative(_Recorded, frozen=True):
    """Another acceptable answer, described by form and by single values."""

    status: int | list[int]
    shape: Json = UNSET
    values: dict[str, Json] = {}
    db: RowCounts = RowCounts()

    @property
    def statuses(self) -> Sequence[int]:
        return self.status if isinstance(self.status, list) else [self.status]


class Given(_Recorded, frozen=True):
    """Rows to put into the database; `state` names a set that several steps share."""

    state: str | None = None
    clear: list[str] = []
    rows: Rows = {}


class Step(_Recorded, frozen=True):
    name: str
    request: Request
    response: Response
    route: str | None = None
    given: Given | None = None
    effects: Effects = Effects()
    bind: dict[str, str] = {}
    unordered: list[str] = []
    level: str = "exact"
    new_second: bool = False
    wait_before_s: float = 0
    wait_after_s: float = 0
    watch: bool = False
    also_ok: list[Alternative] = []
    defect: bool = False
    intended: Alternative | list[Alternative] = []
    why: str = ""
    note: str = ""
    quirk: str = ""

    @property
    def intentions(self) -> Sequence[Alternative]:
        return self.intended if isinstance(self.intended, list) else [self.intended]


class Recording(_Recorded, frozen=True):
    scenario: str
    title: str
    steps: list[Step]
    about: str = ""
    needs: list[str] = []
    given: Rows = {}
    states: dict[str, Given] = {}

    def preparation(self, step: Step) -> Given | None:
        """The rows a step wants to find, with a shared state looked up."""
        if step.given is None or step.given.state is None:
            return step.given
        return self.states[step.given.state]


class Table(_Recorded, frozen=True):
    pk: list[str]
    columns: list[str]
    auto: list[str] = []


class Catalogue(_Recorded, frozen=True):
    """The tables that recordings speak of, and the rows that are there before every scenario."""

    about: str
    tables: dict[str, Table]
    seed: Rows


def read_recordings(wanted: str = os.environ.get("REPLAY_ONLY", "*")) -> list[Recording]:
    """All recordings whose scenario matches the glob."""
    every = (
        msgspec.json.decode(path.read_bytes(), type=Recording)
        for path in sorted((HERE / "recordings").glob("*.json"), key=lambda path: path.stem)
    )
    return [recording for recording in every if fnmatch(recording.scenario, wanted)]


def read_catalogue() -> Catalogue:
    return msgspec.json.decode((HERE / "tables.json").read_bytes(), type=Catalogue)
