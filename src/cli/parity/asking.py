"""Asking two servers the same, and keeping what came of it."""

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import httpx

from spot_optimizer.cli.failures import FAILED, WRONG_SETTING, Failure
from spot_optimizer.cli.parity import questions
from spot_optimizer.cli.parity.comparing import Answer, Verdict, compare
from spot_optimizer.cli.parity.questions import Question

_PATIENCE_S: Final = 60
# The fleet goes on while the two are asked one after the other.
_TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class Pair:
    question: Question
    verdict: Verdict
    old_ms: float
    new_ms: float


@dataclass(slots=True)
class Findings:
    old: str
    new: str
    pairs: list[Pair] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    """Why how many questions were not asked."""

    @property
    def is_same(self) -> bool:
        return bool(self.pairs) and all(pair.verdict.is_same for pair in self.pairs)


class Servers:
    def __init__(
        self,
        old: str,
        new: str,
        *,
        old_token: str | None,
        new_token: str | None,
        agent_token: str | None,
    ) -> None:
        self._old, self._new = _client(old, old_token), _client(new, new_token)
        self._agent_token = agent_token
        self.findings = Findings(old, new)

    def __enter__(self) -> "Servers":
        return self

    def __exit__(self, *_: object) -> None:
        self._old.close()
        self._new.close()

    def replay(self, folder: Path, *, writes: bool) -> None:
        """Raises:
        Failure: there are no recordings there.
        """
        try:
            found = list(questions.recorded(folder))
        except (OSError, ValueError, KeyError) as error:
            raise Failure(f"--recordings {folder}: {error}", WRONG_SETTING) from error
        if not found:
            raise Failure(f"--recordings {folder}: there are none", WRONG_SETTING)
        for question in found:
            if question.is_read or writes:
                self._ask_both(question, repeatable=question.is_read)
            else:
                self.findings.left_out["it would change something (see --writes)"] += 1

    def shadow(self, at_most: int) -> None:
        """Every read of an overview, then of each of so many that it lists."""
        for question in questions.overview():
            answer = self._ask_both(question)
            document = None if answer is None else answer.document
            for further in questions.about(question.path, document, at_most):
                self._ask_both(further)

    def _ask_both(self, question: Question, *, repeatable: bool = True) -> Answer | None:
        if question.path.startswith("/api/agents/"):
            if self._agent_token is None:
                self.findings.left_out["agents' routes need --agent-token"] += 1
                return None
            own = {"Authorization": f"Bearer {self._agent_token}"}
            question = replace(question, headers={**question.headers, **own})
        for _ in range(_TRIES if repeatable else 1):
            old, old_ms = _asked(self._old, question)
            new, new_ms = _asked(self._new, question)
            pair = Pair(question, compare(old, new), old_ms, new_ms)
            if pair.verdict.is_same:
                break
        self.findings.pairs.append(pair)
        return old


def _client(url: str, token: str | None) -> httpx.Client:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=url, headers=headers, timeout=_PATIENCE_S, trust_env=False)


def _asked(client: httpx.Client, question: Question) -> tuple[Answer, float]:
    try:
        response = client.request(
            question.method,
            question.path,
            params=question.query or None,
            headers=question.headers,
            json=question.body,
        )
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise Failure(f"{client.base_url}: {error}", WRONG_SETTING) from error
    except httpx.HTTPError as error:
        raise Failure(f"{client.base_url} does not answer: {error}", FAILED) from error
    answer = Answer(
        response.status_code, response.headers.get("content-type", ""), None, response.text
    )
    if answer.is_json:
        try:
            answer = replace(answer, document=response.json())
        except ValueError:
            answer = replace(answer, content_type="broken")
    return answer, response.elapsed.total_seconds() * 1000
