"""A server that answers exactly as recorded, to try the replay itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.contract.database import ReplayDatabase
from tests.contract.examples import example_of
from tests.contract.matchers import Matcher
from tests.contract.recording import Json, Recording, Request, Step
from tests.contract.reply import Reply
from tests.contract.stand_in import stand_in
from tests.contract.templates import Scope


class EveryRoute:
    def serve(self, step: Step) -> bool:
        return True


class EchoServer:
    """Makes the recorded effects happen and says the recorded words; `spoil` changes these."""

    routes = EveryRoute()

    def __init__(
        self,
        recording: Recording,
        database: ReplayDatabase,
        spoil: Callable[[Step, Reply], Reply] = lambda step, reply: reply,
    ) -> None:
        self._steps = iter(recording.steps)
        self._database = database
        self._spoil = spoil

    def coordinate(self) -> None:
        pass

    def send(self, request: Request, scope: Scope) -> Reply:
        step = next(self._steps)
        known = scope.fork()
        stand_in(step, self._database, known)
        recorded = step.response
        reply = Reply(
            status=recorded.status,
            content_type=recorded.content_type,
            kind=recorded.body_kind,
            body=_say(recorded.body, known),
            headers=_say(recorded.headers, known),
        )
        return self._spoil(step, reply)


def _say(value: Json, scope: Scope) -> Json:
    if isinstance(value, Mapping):
        if "$each" in value:
            return [_say(value["$each"], scope)] * value.get("$min", 1)
        if "$contains" in value:
            return [_say(value["$contains"], scope)]
        return {key: _say(item, scope) for key, item in value.items()}
    if isinstance(value, list):
        return [_say(item, scope) for item in value]
    if isinstance(value, str) and (name := scope.unbound_name(value)):
        scope.names[name] = f"made-up-{name}"
    matcher = Matcher.read(value)
    return example_of(matcher, scope) if matcher else scope.expand(value)
