"""Plays the part of routes that the application does not have yet: only their effects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from sqlalchemy.exc import IntegrityError

from tests.contract.comparison import differences
from tests.contract.database import ReplayDatabase
from tests.contract.examples import example_of, new_id, new_token
from tests.contract.matchers import Matcher, short
from tests.contract.recording import Change, Effects, Json, Row, Rows, Step
from tests.contract.snapshots import Snapshot
from tests.contract.templates import Scope

# Where <uuid> means the row that the same step inserts there.
_REFERENCES: Final[Mapping[str, str]] = {
    "agent_id": "agents",
    "client_id": "clients",
    "current_replica_id": "replica_instances",
}


def stand_in(step: Step, database: ReplayDatabase, scope: Scope) -> list[str]:
    """Makes the step's recorded effects happen, and says which could not be."""
    effects = _wanted_effects(step)
    for rows in effects.inserted.values():
        _bind_new_names(rows, scope)
    for changes in effects.updated.values():
        _bind_new_names([change.columns for change in changes], scope)
    part = _Part(database, scope, database.snapshot())
    part.insert(effects.inserted)  # before the end of other rows, whose ids are not to be reused
    part.update(effects.updated)
    part.delete(effects.deleted)
    return part.omissions


def _wanted_effects(step: Step) -> Effects:
    """What a correct server would do, as far as the recording of a defect tells."""
    unchanged = {table for intention in step.intentions for table in intention.db.unchanged}
    return Effects(
        inserted={t: rows for t, rows in step.effects.inserted.items() if t not in unchanged},
        updated={t: rows for t, rows in step.effects.updated.items() if t not in unchanged},
        deleted={t: rows for t, rows in step.effects.deleted.items() if t not in unchanged},
    )


def _bind_new_names(rows: list[Row], scope: Scope) -> None:
    for row in rows:
        for column, value in row.items():
            name = scope.unbound_name(value) if isinstance(value, str) else None
            if name:
                scope.names[name] = new_token() if column.endswith("token") else new_id()


class _Part:
    def __init__(self, database: ReplayDatabase, scope: Scope, before: Snapshot) -> None:
        self.omissions: list[str] = []
        self._database, self._scope, self._before = database, scope, before
        self._new_ids: dict[str, str] = {}
        self._taken: list[tuple[str, Row]] = []

    def delete(self, rows: Rows) -> None:
        for table, keys in rows.items():
            for wanted in keys:
                for key in self._find(table, wanted, newest=False):
                    self._database.remove(table, key)

    def insert(self, rows: Rows) -> None:
        parents_first = sorted(rows, key=lambda table: table not in _REFERENCES.values())
        for table in parents_first:
            known = self._database.catalogue.tables[table]
            nulls: Row = {column: None for column in known.columns if column not in known.auto}
            invented = [nulls | self._invent_row(row, known.auto) for row in rows[table]]
            if table in _REFERENCES.values():
                self._new_ids[table] = invented[-1]["id"]
            try:
                self._database.prepare(clear=(), rows={table: invented})
            except IntegrityError as error:
                self.omissions.append(f"no new rows of {table}: {error.orig}")

    def update(self, changes: Mapping[str, list[Change]]) -> None:
        for table, items in changes.items():
            for change in items:
                columns = self._invent_row(change.columns, automatic=())
                for key in self._find(table, change.key, newest=True):
                    self._database.change(table, Change(key=key, columns=columns))

    def _find(self, table: str, wanted: Row, *, newest: bool) -> Iterator[Row]:
        """The row of this key; where only its form is known, the newest or the oldest such."""
        key_columns = self._database.catalogue.tables[table].pk
        rows = sorted(
            self._before[table].values(), key=lambda row: str(row.get("created_at") or "")
        )
        keys = [{c: row[c] for c in key_columns} for row in rows]
        for key in reversed(keys) if newest else keys:
            free = (table, key) not in self._taken
            if free and not differences(wanted, key, self._scope.fork()):
                self._taken.append((table, key))
                yield key
                return
        self.omissions.append(f"no row of {table} to play with: {short(wanted)}")

    def _invent_row(self, row: Row, automatic: list[str] | tuple[()]) -> Row:
        return {
            column: self._invent(value, column)
            for column, value in row.items()
            if column not in automatic or Matcher.read(value) is None
        }

    def _invent(self, value: Json, column: str = "") -> Json:
        if isinstance(value, dict):
            return {key: self._invent(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._invent(item) for item in value]
        matcher = Matcher.read(value)
        if matcher is None:
            return self._scope.expand(value)
        parent = self._new_ids.get(_REFERENCES.get(column, ""))
        if matcher.kind == "uuid" and parent is not None:
            return parent
        return example_of(matcher, self._scope)
