"""Views, triggers, procedures and events: what the catalogue of tables cannot express."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from typing import Final
from uuid import uuid4

from sqlalchemy import Connection, insert, inspect, select, text
from sqlalchemy.exc import DBAPIError

from spot_optimizer.adapters.persistence.tables import spot_pools

_NAME: Final = re.compile(r"^CREATE (?P<kind>VIEW|TRIGGER|PROCEDURE|EVENT) (?P<name>\w+)", re.M)

# Views are the same everywhere except for the arithmetic of dates.
_MYSQL_TIMES: Final = {
    "days_ago_1": "NOW() - INTERVAL 1 DAY",
    "days_ago_30": "NOW() - INTERVAL 30 DAY",
    "date_7_days_ago": "CURRENT_DATE - INTERVAL 7 DAY",
    "date_30_days_ago": "CURRENT_DATE - INTERVAL 30 DAY",
}
_SQLITE_TIMES: Final = {
    "days_ago_1": "datetime('now', '-1 day')",
    "days_ago_30": "datetime('now', '-30 days')",
    "date_7_days_ago": "date('now', '-7 days')",
    "date_30_days_ago": "date('now', '-30 days')",
}


class Kind(StrEnum):
    VIEW = "view"
    TRIGGER = "trigger"
    PROCEDURE = "procedure"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class Routine:
    kind: Kind
    name: str
    statement: str

    @property
    def is_required(self) -> bool:
        """Only the triggers are relied upon: pools are inserted without a name."""
        return self.kind is Kind.TRIGGER


def all_routines(dialect: str) -> list[Routine]:
    """In the order of their creation: events call procedures."""
    if dialect == "sqlite":
        return [*_read("views.sql", _SQLITE_TIMES), *_read("sqlite_triggers.sql")]
    return [
        *_read("mysql_triggers.sql"),
        *_read("views.sql", _MYSQL_TIMES),
        *_read("mysql_procedures.sql"),
        *_read("mysql_events.sql"),
    ]


def missing_routines(connection: Connection) -> list[Routine]:
    present = _present(connection)
    missing = [
        routine
        for routine in all_routines(connection.dialect.name)
        if (routine.kind, routine.name) not in present
    ]
    sees_triggers = any(kind is Kind.TRIGGER for kind, _ in present)
    if not sees_triggers and _has_unseen_triggers(connection):
        return [routine for routine in missing if routine.kind is not Kind.TRIGGER]
    return missing


def _has_unseen_triggers(connection: Connection) -> bool:
    """Who may not make triggers does not see them either: tried on a pool, then undone."""
    if connection.dialect.name == "sqlite" or not inspect(connection).has_table(spot_pools.name):
        return False
    probe = uuid4().hex
    try:
        with connection.begin_nested() as attempt:
            connection.execute(
                insert(spot_pools).values(id=probe, instance_type=probe, region=probe, az=probe)
            )
            name = connection.scalar(select(spot_pools.c.pool_name).where(spot_pools.c.id == probe))
            attempt.rollback()
    except DBAPIError:
        return False
    return name is not None


def _read(resource: str, times: Mapping[str, str] | None = None) -> list[Routine]:
    content = files(__package__).joinpath(resource).read_text(encoding="utf-8")
    for placeholder, expression in (times or {}).items():
        content = content.replace(f"{{{placeholder}}}", expression)
    return [_routine(statement.strip()) for statement in content.split("\n$$\n")]


def _routine(statement: str) -> Routine:
    found = _NAME.search(statement)
    if found is None:
        raise ValueError(f"not a view, trigger, procedure or event: {statement[:60]}")
    return Routine(Kind(found["kind"].lower()), found["name"], statement)


def _present(connection: Connection) -> set[tuple[Kind, str]]:
    queries = _PRESENT_IN_SQLITE if connection.dialect.name == "sqlite" else _PRESENT_IN_MYSQL
    return {
        (kind, name) for kind, query in queries.items() for name in connection.scalars(text(query))
    }


_PRESENT_IN_SQLITE: Final = {
    Kind.VIEW: "SELECT name FROM sqlite_master WHERE type = 'view'",
    Kind.TRIGGER: "SELECT name FROM sqlite_master WHERE type = 'trigger'",
}
# One by one: MySQL does not unite names of different collations.
_PRESENT_IN_MYSQL: Final = {
    Kind.VIEW: ("SELECT table_name FROM information_schema.views WHERE table_schema = DATABASE()"),
    Kind.TRIGGER: (
        "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = DATABASE()"
    ),
    Kind.PROCEDURE: (
        "SELECT routine_name FROM information_schema.routines"
        " WHERE routine_schema = DATABASE() AND routine_type = 'PROCEDURE'"
    ),
    Kind.EVENT: (
        "SELECT event_name FROM information_schema.events WHERE event_schema = DATABASE()"
    ),
}
