"""The life of models of two servers that share a place for them: a directory, or a bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import pytest

from spot_optimizer.adapters.persistence.exclusion import DatabaseExclusion
from spot_optimizer.adapters.system import SystemClock
from spot_optimizer.application.ports.exclusion import Busy
from spot_optimizer.application.ports.model_files import IncomingFile
from tests.application_under_test import OPERATOR_TOKEN, Answer, Api, Store, an_api, at_once
from tests.model_files import onnx_of, skops_risk
from tests.object_store import a_bucket
from tests.unit.http.test_models import a_file, activate, health, post, session_of, sessions, upload

ServerMade = Callable[[], Api]


@pytest.fixture(params=["directory", "s3"])
def place(request: pytest.FixtureRequest) -> str:
    """The setting that leads there."""
    if request.param == "directory":
        return ""
    request.getfixturevalue("object_store")
    return f"{a_bucket()}/kept"


@pytest.fixture
def a_server(store: Store, tmp_path: Path, place: str) -> Iterator[ServerMade]:
    store.empty()
    with ExitStack() as stack:
        yield lambda: stack.enter_context(an_api(store.url, tmp_path, MODEL_STORE_URL=place))


def folders(api: Api) -> set[str]:
    return set(api.container.model_files().folders())


def serves(api: Api) -> object:
    """The risk that its models see."""
    agent_id = api.register(mode="ondemand")
    asked = {
        "instance": {"instance_id": "i-1", "current_mode": "ondemand"},
        "pricing": {"current_spot_price": 0.0125, "on_demand_price": 0.0416},
    }
    return round(api.post(f"/api/agents/{agent_id}/decide", asked).json()["risk_score"], 4)


def test_a_server_goes_on_with_what_another_has_put_into_service(a_server: ServerMade) -> None:
    one = a_server()
    first = session_of(one, a_file("risk_predictor.skops", skops_risk(0.125)))
    activate(one, first)
    other = a_server()
    seen = [serves(other)]

    second = session_of(other, a_file("risk_predictor.onnx", onnx_of(0.0625)))
    activate(other, second)
    seen.append(serves(a_server()))
    assert post(one, "fallback", {}).status_code == 200
    seen += [serves(one), serves(a_server())]

    assert seen == [0.125, 0.0625, 0.125, 0.125]
    assert folders(one) == {first, second}
    shown = health(other)["modelStatus"]["files"]
    assert {file["name"] for file in shown} == {"risk_predictor.skops", "risk_predictor.onnx"}


def test_files_go_with_their_sessions_whichever_server_replaces_them(a_server: ServerMade) -> None:
    one, other = a_server(), a_server()
    waiting = session_of(one, a_file("a.onnx", onnx_of()))
    assert folders(other) == {waiting}

    instead = session_of(other, a_file("b.onnx", onnx_of()))

    assert folders(one) == {instead}


def test_what_an_interrupted_upload_has_left_is_removed_after_a_day(a_server: ServerMade) -> None:
    api = a_server()
    orphan, by_hand = str(uuid4()), "kept-by-hand"
    for folder in (orphan, by_hand, ""):
        file = IncomingFile("a.onnx", BytesIO(b"x"))
        api.container.model_files().put(folder, [file])
    real = SystemClock().now()
    api.clock.advance((real - api.clock.now()).total_seconds())
    first = session_of(api, a_file("a.onnx"))
    assert folders(api) == {orphan, by_hand, first}

    api.clock.advance(timedelta(hours=25).total_seconds())
    second = session_of(api, a_file("a.onnx"))

    assert folders(api) == {by_hand, second}
    assert api.container.model_files().read("", "a.onnx") == b"x"


def test_an_upload_waits_for_whoever_is_at_it(a_server: ServerMade, store: Store) -> None:
    one, other = a_server(), a_server()
    held = one.container.one_upload_at_a_time()
    impatient = DatabaseExclusion(other.container.engine(), "models", patience_s=0)

    with held(), pytest.raises(Busy), impatient():
        pytest.fail("both are at it")
    with impatient():
        before = folders(one)

    assert before == set()
    assert upload(other, a_file("a.onnx")).status_code == 200


def test_many_at_once_leave_the_files_of_those_on_record(a_server: ServerMade) -> None:
    apis = [a_server(), a_server()]

    def come_and_go(api: Api) -> Answer:
        uploaded = upload(api, a_file("risk_predictor.onnx", onnx_of()))
        body = {"sessionId": uploaded.json()["sessionId"]}
        return api.post("/api/admin/ml-models/activate", body, token=OPERATOR_TOKEN)

    answers = at_once(*[partial(come_and_go, apis[number % 2]) for number in range(6)])

    # Another upload may come between and take the place of what waits.
    assert {answer.status_code for answer in answers} <= {200, 404}
    known = sessions(apis[0])
    assert [state for _, state in known].count("live") <= 1
    assert folders(apis[0]) == {session_id for session_id, _ in known}
    live = [session_id for session_id, state in known if state == "live"]
    for session_id in live:
        assert apis[1].container.model_files().read(session_id, "risk_predictor.onnx") == onnx_of()


def test_without_the_bucket_nothing_changes(
    object_store: None, store: Store, tmp_path: Path
) -> None:
    store.empty()
    with an_api(store.url, tmp_path, MODEL_STORE_URL="s3://there-is-none/kept") as api:
        before = store.contents()
        answer = upload(api, a_file("a.onnx"))

    assert (answer.status_code, answer.json()) == (500, {"error": "Model storage unavailable"})
    assert store.contents() == before
