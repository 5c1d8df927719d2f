"""What happened to the database between two looks at it, and whether that is what should."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, TypeAlias

from tests.contract.comparison import bag_differences, differences
from tests.contract.matchers import Matcher, short
from tests.contract.recording import Catalogue, Change, Effects, Row, RowCounts, Rows
from tests.contract.templates import Scope

Key: TypeAlias = tuple[str, ...]
Snapshot: TypeAlias = dict[str, dict[Key, Row]]

# Tables that only the new server fills: audit, clean prices, decision log, jobs.
OWN_TABLES: Final = frozenset(
    {
        "agent_health_metrics",
        "audit_logs",
        "cost_records",
        "data_processing_jobs",
        "decision_engine_log",
        "model_predictions",
        "model_registry",
        "pricing_snapshots_clean",
        "pricing_snapshots_interpolated",
        "pricing_submissions_raw",
    }
)


def key_of(row: Row, key_columns: Collection[str]) -> Key:
    return tuple(str(row.get(column)) for column in key_columns)


def effects_between(before: Snapshot, after: Snapshot, catalogue: Catalogue) -> Effects:
    inserted, updated, deleted = Rows(), dict[str, list[Change]](), Rows()
    for name, rows in after.items():
        pk, old_rows = catalogue.tables[name].pk, before.get(name, {})
        inserted[name] = [_without_nulls(row) for key, row in rows.items() if key not in old_rows]
        deleted[name] = [_only(row, pk) for key, row in old_rows.items() if key not in rows]
        updated[name] = [
            Change(key=_only(row, pk), columns=_changed(old_rows[key], row))
            for key, row in rows.items()
            if key in old_rows and old_rows[key] != row
        ]
    return Effects(
        inserted={table: items for table, items in inserted.items() if items},
        updated={table: changes for table, changes in updated.items() if changes},
        deleted={table: items for table, items in deleted.items() if items},
    )


def comparable(actual: Effects, recorded: Effects) -> Effects:
    """Leaves out the server's own tables, unless the recording says something about them."""

    def keep(table: str, mentioned: Collection[str]) -> bool:
        return table not in OWN_TABLES or table in mentioned

    return Effects(
        inserted={t: rows for t, rows in actual.inserted.items() if keep(t, recorded.inserted)},
        updated={t: rows for t, rows in actual.updated.items() if keep(t, recorded.updated)},
        deleted={t: rows for t, rows in actual.deleted.items() if keep(t, recorded.deleted)},
    )


def effect_differences(
    expected: Effects, actual: Effects, after: Snapshot, catalogue: Catalogue, scope: Scope
) -> list[str]:
    """Every row and column in which the effects are not the recorded ones."""
    found = _row_differences("inserted", expected.inserted, actual.inserted, scope)
    found += _row_differences("deleted", expected.deleted, actual.deleted, scope)
    for table in sorted({*expected.updated, *actual.updated}):
        left = list(actual.updated.get(table, []))
        rows = after.get(table, {})
        for change in expected.updated.get(table, []):
            judged = _ExpectedChange(table, change, rows, catalogue.tables[table].pk, scope)
            found += judged.differences_from(left)
        found += [
            f"db updated {table} {short(change.key)}: unexpected {short(change.columns, 300)}"
            for change in left
        ]
    return found


def count_differences(expected: Effects, actual: Effects) -> list[str]:
    """The coarse comparison: how many rows came and went."""
    found = []
    for what in ("inserted", "deleted"):
        wanted, got = _counts(getattr(expected, what)), _counts(getattr(actual, what))
        if wanted != got:
            found.append(f"db {what}: expected {wanted}, got {got}")
    return found


def rule_differences(rule: RowCounts, actual: Effects) -> list[str]:
    """Whether the effects keep to what an alternative answer allows."""
    found = []
    for what in ("inserted", "updated", "deleted"):
        counts = _counts(getattr(actual, what))
        found += [
            f"db: {table} must not change, but {counts[table]} row(s) were {what}"
            for table in rule.unchanged
            if table in counts
        ]
        for table, wanted in getattr(rule, what).items():
            got = counts.get(table, 0)
            at_least = isinstance(wanted, str) and wanted.startswith(">=")
            if not (got >= int(wanted[2:]) if at_least else got == wanted):
                found.append(f"db: expected {wanted} {table} row(s) {what}, got {got}")
    return found


class _ExpectedChange:
    """One recorded change of a row, to be found among the changes that happened."""

    def __init__(
        self,
        table: str,
        change: Change,
        rows: Mapping[Key, Row],
        key_columns: Collection[str],
        scope: Scope,
    ) -> None:
        self._table, self._change, self._rows = table, change, rows
        self._key_columns, self._scope = key_columns, scope
        # Columns that record the time of the change look unchanged when two steps fall into one
        # second: these are checked against the row itself.
        self._clocks = {
            column
            for column, value in change.columns.items()
            if (matcher := Matcher.read(value)) and matcher.is_clock_of_row
        }

    def differences_from(self, left: list[Change]) -> list[str]:
        """Takes the change that fits best out of `left` and says what is wrong with it."""
        best, least, names = 0, None, self._scope
        for position, candidate in enumerate(left):
            trial = self._scope.fork()
            if differences(self._change.key, candidate.key, trial):
                continue
            got = self._with_clocks(candidate)
            differing = differences(self._change.columns, got, trial, self._table)
            if least is None or len(differing) < len(least):
                best, least, names = position, differing, trial
        if least is None:
            return [] if self._only_touches_a_fresh_row() else [self._no_such_change()]
        left.pop(best)
        if not least:
            self._scope.adopt(names)
        return [f"db updated {difference}" for difference in least]

    def _with_clocks(self, candidate: Change) -> Row:
        row = self._rows.get(key_of(candidate.key, self._key_columns), {})
        clocks = {column: row.get(column) for column in self._clocks}
        got = {**clocks, **candidate.columns}
        if "updated_at" not in self._change.columns:
            got.pop("updated_at", None)
        return got

    def _only_touches_a_fresh_row(self) -> bool:
        if self._clocks != set(self._change.columns):
            return False
        return any(
            not differences(self._change.key, _only(row, self._key_columns), trial)
            and not differences(self._change.columns, _only(row, self._clocks), trial)
            for row in self._rows.values()
            for trial in [self._scope.fork()]
        )

    def _no_such_change(self) -> str:
        wanted = f"(expected {short(self._change.columns, 300)})"
        return f"db updated {self._table} {short(self._change.key)}: no such change {wanted}"


def _row_differences(what: str, expected: Rows, actual: Rows, scope: Scope) -> list[str]:
    found = []
    for table in sorted({*expected, *actual}):
        wanted, got = expected.get(table, []), actual.get(table, [])
        if len(wanted) != len(got):
            counts = f"expected {len(wanted)} rows, got {len(got)}"
            found.append(f"db {what} {table}: {counts}: {short(got, 400)}")
        else:
            found += [f"db {what} {one}" for one in bag_differences(wanted, got, scope, table)]
    return found


def _counts(tables: Mapping[str, Collection[object]]) -> dict[str, int]:
    return {table: len(rows) for table, rows in tables.items()}


def _without_nulls(row: Row) -> Row:
    return {column: value for column, value in row.items() if value is not None}


def _only(row: Row, columns: Collection[str]) -> Row:
    return {column: row.get(column) for column in columns}


def _changed(old: Row, new: Row) -> Row:
    return {column: value for column, value in new.items() if value != old.get(column)}
