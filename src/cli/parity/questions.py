"""What both servers are asked: what recordings ask, or the reads that the old one has ids for."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

READS: Final = frozenset({"GET", "HEAD"})

# Routes without an id; then those of what was found.
_OVERVIEW: Final = (
    "/health",
    "/api/admin/stats",
    "/api/admin/clients",
    "/api/admin/clients/growth",
    "/api/admin/instances",
    "/api/admin/agents",
    "/api/admin/activity",
    "/api/admin/ml-models/sessions",
    "/api/notifications",
)
_OF_CLIENT: Final = (
    "/api/admin/clients/{id}",
    "/api/client/{id}",
    "/api/client/{id}/agents",
    "/api/client/{id}/agents/decisions",
    "/api/client/{id}/agents/history",
    "/api/client/{id}/instances",
    "/api/client/{id}/replicas",
    "/api/client/{id}/savings",
    "/api/client/{id}/stats/charts",
    "/api/client/{id}/switch-history",
    "/api/client/{id}/export/savings",
    "/api/client/{id}/export/switch-history",
)
# Pending commands are left out: reading them hands them out.
_OF_AGENT: Final = (
    "/api/agents/{id}/config",
    "/api/agents/{id}/replica-config",
    "/api/agents/{id}/replicas",
    "/api/agents/{id}/switch-recommendation",
    "/api/client/agents/{id}",
)
_OF_INSTANCE: Final = (
    "/api/client/instances/{id}/pricing",
    "/api/client/instances/{id}/metrics",
    "/api/client/instances/{id}/price-history",
    "/api/client/instances/{id}/available-options",
    "/api/client/instances/{id}/logs",
)
_FOUND_IN: Final = (
    ("/api/admin/clients", _OF_CLIENT),
    ("/api/admin/agents", _OF_AGENT),
    ("/api/admin/instances", _OF_INSTANCE),
)


@dataclass(frozen=True, slots=True)
class Question:
    method: str
    path: str
    route: str
    """The path without ids, to sum up by."""
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None

    @property
    def is_read(self) -> bool:
        return self.method in READS and not self.path.endswith("/pending-commands")


def overview() -> list[Question]:
    return [Question("GET", path, path) for path in _OVERVIEW]


def about(path: str, document: object, at_most: int) -> list[Question]:
    """Questions about the first of those that an overview lists."""
    return [
        Question("GET", route.replace("{id}", found), route)
        for listing, routes in _FOUND_IN
        if path == listing
        for found in _ids(document)[:at_most]
        for route in routes
    ]


def _ids(document: object) -> list[str]:
    listed = document
    if isinstance(document, dict):
        listed = next((value for value in document.values() if isinstance(value, list)), [])
    if not isinstance(listed, list):
        return []
    return [str(item["id"]) for item in listed if isinstance(item, dict) and item.get("id")]


def recorded(folder: Path) -> Iterator[Question]:
    """The requests of recordings: JSON files with `steps` that have a `request` each. Those that
    name something which only their own database has are left out.

    Raises:
        OSError: the folder cannot be read.
        ValueError: a file in it is no recording.
    """
    for file in sorted(folder.glob("*.json")):
        recording = json.loads(file.read_text(encoding="utf-8"))
        steps: Sequence[dict[str, Any]] = recording.get("steps", ())
        for step in steps:
            request = step["request"]
            question = Question(
                method=request["method"],
                path=request["path"],
                route=step.get("route") or f"{request['method']} {request['path']}",
                query={name: str(value) for name, value in request.get("query", {}).items()},
                headers=_without_credentials(request.get("headers", {})),
                body=request.get("json"),
            )
            if not _names_what_was_bound(request):
                yield question


def _without_credentials(headers: dict[str, str]) -> dict[str, str]:
    """Those of a recording are of its own database."""
    return {
        name: value
        for name, value in headers.items()
        if name.lower() not in {"authorization", "cookie"} and "<" not in value
    }


def _names_what_was_bound(request: dict[str, Any]) -> bool:
    written = json.dumps(request)
    return "{" in request["path"] or "<" in request["path"] or "multipart" in written
