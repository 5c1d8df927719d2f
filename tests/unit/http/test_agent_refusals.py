"""The error tables of the routes that agents call (contract A2 to A14), answer by answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.application_under_test import Api, Json, Store, a_store_in, an_api

NO_OBJECT = {"error": "Validation failed", "details": {"_schema": ["Invalid input type."]}}
REPORTS = (
    "heartbeat",
    "commands/nothing/executed",
    "mark-command-executed",
    "pricing-report",
    "switch-report",
    "termination",
    "cleanup-report",
    "rebalance-recommendation",
    "decide",
    "issue-switch-command",
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with a_store_in(tmp_path_factory.mktemp("refusals")) as store:
        yield store


@pytest.fixture(scope="module")
def running(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with an_api(store.url, tmp_path_factory.mktemp("data")) as api:
        yield api


@pytest.fixture
def api(store: Store, running: Api) -> Api:
    store.empty()
    return running


def invalid(details: Json) -> Json:
    return {"error": "Validation failed", "details": details}


def refused(api: Api, store: Store, path: str, body: Json, **options: str) -> tuple[int, Json]:
    """The answer, after a look at the database that must not have changed."""
    before = store.contents()
    answer = api.post(path, body, **options)
    assert store.contents() == before
    return answer.status_code, answer.json()


@pytest.mark.parametrize("route", REPORTS)
@pytest.mark.parametrize("body", [b"{", b"{'a':1}", b"\xff", b"nul", b'{"a":NaN}', b"[" * 100_000])
def test_a_body_that_is_no_json(api: Api, store: Store, route: str, body: bytes) -> None:
    path = f"/api/agents/{api.register()}/{route}"

    assert refused(api, store, path, body) == (400, {"error": "Invalid JSON body"})


@pytest.mark.parametrize("route", REPORTS)
@pytest.mark.parametrize("body", [[], [{}], "text", 5, 1.5, True])
def test_a_body_that_is_no_object(api: Api, store: Store, route: str, body: Json) -> None:
    path = f"/api/agents/{api.register()}/{route}"

    assert refused(api, store, path, body) == (400, NO_OBJECT)


@pytest.mark.parametrize("route", REPORTS)
def test_null_and_no_body_at_all_are_an_empty_object(api: Api, route: str) -> None:
    path = f"/api/agents/{api.register()}/{route}"

    answers = [api.post(path, body) for body in (b"{}", b"null", b"", b" \n")]

    # Some reports are answered differently when they are repeated, but none is refused for it.
    assert len({answer.status_code for answer in answers}) == 1
    assert {answer.json().get("error") for answer in answers} == {answers[0].json().get("error")}


class TestAHeartbeat:
    @pytest.mark.parametrize("status", ["Online", "gone", "", "x" * 30, 5, ["online"]])
    def test_has_one_of_six_statuses(self, api: Api, store: Store, status: Json) -> None:
        path = f"/api/agents/{api.register()}/heartbeat"

        assert refused(api, store, path, {"status": status}) == (
            400,
            invalid(
                {
                    "status": [
                        "Must be one of: online, offline, disabled, switching, error, deleted."
                    ]
                }
            ),
        )

    @pytest.mark.parametrize("name", ["instance_id", "instance_type", "az", "mode", "pool_id"])
    def test_names_things_by_text(self, api: Api, store: Store, name: str) -> None:
        path = f"/api/agents/{api.register()}/heartbeat"

        assert refused(api, store, path, {name: {"a": 1}}) == (
            400,
            invalid({name: ["Not a valid string."]}),
        )

    @pytest.mark.parametrize("status", ["online", "offline", "disabled", "switching", "error"])
    def test_is_taken(self, api: Api, store: Store, status: str) -> None:
        answer = api.post(f"/api/agents/{api.register()}/heartbeat", {"status": status})

        assert (answer.status_code, answer.json()) == (200, {"success": True})
        assert store.row("agents")["status"] == status

    def test_with_a_status_of_null_means_online(self, api: Api, store: Store) -> None:
        path = f"/api/agents/{api.register()}/heartbeat"
        api.post(path, {"status": "offline"})

        api.post(path, {"status": None})

        assert store.row("agents")["status"] == "online"


class TestAnExecutionReport:
    @pytest.mark.parametrize("success", ["yes", 1, 0, [], {}])
    def test_says_yes_or_no(self, api: Api, store: Store, success: Json) -> None:
        agent_id = api.register()
        path = f"/api/agents/{agent_id}/commands/{api.order_switch(agent_id)}/executed"

        assert refused(api, store, path, {"success": success}) == (
            400,
            invalid({"success": ["Not a valid boolean."]}),
        )

    def test_of_an_unknown_command_is_acknowledged(self, api: Api, store: Store) -> None:
        path = f"/api/agents/{api.register()}/commands/unknown/executed"

        assert refused(api, store, path, {"success": True}) == (200, {"success": True})

    @pytest.mark.parametrize("command_id", [None, "", True, [], {"id": 1}])
    def test_of_the_older_kind_names_its_command(
        self, api: Api, store: Store, command_id: Json
    ) -> None:
        path = f"/api/agents/{api.register()}/mark-command-executed"

        assert refused(api, store, path, {"command_id": command_id}) == (
            400,
            {"error": "command_id is required"},
        )

    @pytest.mark.parametrize(("success", "status"), [(None, "failed"), (..., "completed")])
    def test_null_is_a_failure_and_silence_a_success(
        self, api: Api, store: Store, success: Json, status: str
    ) -> None:
        agent_id = api.register()
        path = f"/api/agents/{agent_id}/commands/{api.order_switch(agent_id)}/executed"

        api.post(path, {} if success is ... else {"success": success})

        assert store.row("commands")["status"] == status


class TestAPricingReport:
    @pytest.mark.parametrize("name", ["instance", "pricing"])
    @pytest.mark.parametrize("value", [5, "text", [], True])
    def test_is_made_of_objects(self, api: Api, store: Store, name: str, value: Json) -> None:
        path = f"/api/agents/{api.register()}/pricing-report"

        assert refused(api, store, path, {name: value}) == (
            400,
            invalid({name: ["Not a valid mapping type."]}),
        )


class TestASwitchReport:
    @pytest.mark.parametrize(
        "body", [{}, {"new_instance": None}, {"new_instance": {}}, {"new_instance": {"a": 1}}]
    )
    def test_names_the_new_instance(self, api: Api, store: Store, body: Json) -> None:
        path = f"/api/agents/{api.register()}/switch-report"

        assert refused(api, store, path, body) == (
            400,
            invalid({"new_instance": {"instance_id": ["Missing data for required field."]}}),
        )


class TestADecision:
    @pytest.mark.parametrize("name", ["instance", "pricing"])
    @pytest.mark.parametrize(
        ("value", "message"),
        [
            (None, "Missing data for required field."),
            (5, "Not a valid mapping type."),
            ([], "Not a valid mapping type."),
        ],
    )
    def test_needs_both_parts(
        self, api: Api, store: Store, name: str, value: Json, message: str
    ) -> None:
        path = f"/api/agents/{api.register()}/decide"
        body = {"instance": {}, "pricing": {}, name: value}

        assert refused(api, store, path, body) == (400, invalid({name: [message]}))

    def test_is_to_stay_when_nobody_knows_the_agent(self, api: Api, store: Store) -> None:
        body = {"instance": {"mode": "spot", "pool_id": "p"}, "pricing": {"spot_price": 1}}

        assert refused(api, store, "/api/agents/nobody/decide", body) == (
            200,
            {
                "instance_id": None,
                "recommended_action": "stay",
                "recommended_mode": "spot",
                "recommended_pool_id": "p",
                "risk_score": 0.0,
                "expected_savings_per_hour": 0.0,
                "allowed": False,
                "reason": "Agent disabled",
            },
        )


class TestARecommendation:
    def test_needs_the_instance_of_the_agent(self, api: Api, store: Store) -> None:
        agent_id = api.register()
        with store.writing() as connection:
            connection.exec_driver_sql("DELETE FROM instances")

        answer = api.get(f"/api/agents/{agent_id}/switch-recommendation")

        assert (answer.status_code, answer.json()) == (404, {"error": "Agent not found"})
