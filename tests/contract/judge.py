"""Whether an answer and its effects are what a recording asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import UNSET

from tests.contract.comparison import differences
from tests.contract.json_path import NotThere, look_up
from tests.contract.matchers import short
from tests.contract.recording import Alternative, Catalogue, Effects, Step
from tests.contract.reply import Reply, mime
from tests.contract.shapes import shape_differences, shape_of
from tests.contract.snapshots import (
    Snapshot,
    comparable,
    count_differences,
    effect_differences,
    effects_between,
    rule_differences,
)
from tests.contract.templates import Scope


@dataclass(frozen=True, slots=True)
class Judge:
    """Level "exact": defects by what was intended, effects included, true equals 1."""

    catalogue: Catalogue

    def judge(
        self, step: Step, reply: Reply, before: Snapshot, after: Snapshot, scope: Scope
    ) -> list[str]:
        """Everything wrong with one step; names that the step binds are added to the scope."""
        missing = _bind(step.bind, reply, scope)
        effects = comparable(effects_between(before, after, self.catalogue), step.effects)
        if step.defect:
            return _against_intentions(step, reply, effects, scope) + missing
        found = _against_recording(step, reply, scope)
        if found and _is_also_ok(step, reply, scope):
            return missing
        if step.level == "shape":
            found += count_differences(step.effects, effects)
        else:
            found += effect_differences(step.effects, effects, after, self.catalogue, scope)
        return found + missing


def _bind(paths: Mapping[str, str], reply: Reply, scope: Scope) -> list[str]:
    missing = []
    for name, path in paths.items():
        try:
            scope.names[name] = look_up(reply.body, path)
        except NotThere:
            missing.append(f"bind {name}: {path} is not in the answer")
    return missing


def _against_recording(step: Step, reply: Reply, scope: Scope) -> list[str]:
    wanted, found = step.response, list[str]()
    if reply.status != wanted.status:
        return [_wrong_status(str(wanted.status), reply)]
    if reply.mime != mime(wanted.content_type):
        found.append(f"content type: expected {wanted.content_type}, got {reply.content_type}")
    for name, value in wanted.headers.items():
        found += differences(value, reply.headers.get(name), scope, f"header {name}")
    if wanted.body_kind != reply.kind:
        found.append(f"body: expected {wanted.body_kind}, got {reply.kind}")
    elif wanted.body_kind == "json" and step.level == "shape":
        found += shape_differences(shape_of(wanted.body), reply.body)
    elif wanted.body_kind == "json":
        found += differences(wanted.body, reply.body, scope, unordered=step.unordered)
    return found


def _against_intentions(step: Step, reply: Reply, effects: Effects, scope: Scope) -> list[str]:
    """The old server was wrong here: what counts is what it should have done."""
    tries = [
        _against_alternative(intention, reply, scope.fork())
        + rule_differences(intention.db, effects)
        for intention in step.intentions
    ]
    found = min(tries, key=len)
    if found and _is_empty_report(step) and _is_an_answer(reply):
        return []  # ruling R3: it is answered as {} is
    if found and _repeats_the_defect(step, reply):
        return [f"repeats a known defect: {step.why}", *found]
    return found


def _against_alternative(wanted: Alternative, reply: Reply, scope: Scope) -> list[str]:
    if reply.status not in wanted.statuses:
        return [_wrong_status(" or ".join(map(str, wanted.statuses)), reply)]
    found = list[str]()
    if wanted.shape is not UNSET:
        if reply.kind != "json":
            return [f"body: expected json, got {reply.kind}"]
        found += shape_differences(wanted.shape, reply.body)
    for path, value in wanted.values.items():
        try:
            found += differences(value, look_up(reply.body, path), scope, path)
        except NotThere:
            found.append(f"{path}: missing")
    return found


def _is_also_ok(step: Step, reply: Reply, scope: Scope) -> bool:
    return any(not _against_alternative(it, reply, scope.fork()) for it in step.also_ok)


def _repeats_the_defect(step: Step, reply: Reply) -> bool:
    wanted = step.response
    if (reply.status, reply.kind) != (wanted.status, wanted.body_kind):
        return False
    return reply.kind != "json" or not shape_differences(shape_of(wanted.body), reply.body)


def _is_empty_report(step: Step) -> bool:
    """An agent's report without a body."""
    request = step.request
    if not request.path.startswith("/api/agents/") or request.method not in ("POST", "PUT"):
        return False
    if request.multipart is not UNSET or (request.json is not UNSET and request.json is not None):
        return False
    return request.raw is UNSET or request.raw.strip() in ("", "null")


def _is_an_answer(reply: Reply) -> bool:
    return reply.status < 500 and isinstance(reply.body, dict | list)


def _wrong_status(wanted: str, reply: Reply) -> str:
    said = "no body" if reply.body is None else short(reply.body, 300)
    return f"status: expected {wanted}, got {reply.status} ({said})"
