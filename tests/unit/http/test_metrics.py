"""Figures for Prometheus: what is counted, who may read it, and that no label grows."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from spot_optimizer.cli.logs import OneObject
from tests.application_under_test import (
    OPEN_PATHS,
    OPERATOR_TOKEN,
    OWNER_TOKEN,
    Api,
    Store,
    a_registration,
    a_store_in,
    an_api,
    routes_of,
)
from tests.contract.clock import ReplayClock
from tests.unit.http.test_failover import Endangered

SCRAPER = "scraper-of-the-tests"
DECIDE = {
    "instance": {"current_mode": "spot", "current_pool_id": "p"},
    "pricing": {"current_spot_price": 0.09, "on_demand_price": 0.1},
}


class Scrape:
    """What `/metrics` says at one moment."""

    def __init__(self, text: str) -> None:
        self.families = {one.name: one for one in text_string_to_metric_families(text)}

    def value(self, sample: str, **labels: str) -> float:
        """The sum of the samples that have these labels."""
        return sum(
            one.value
            for family in self.families.values()
            for one in family.samples
            if one.name == f"spot_optimizer_{sample}" and labels.items() <= one.labels.items()
        )

    def label_values(self, label: str) -> set[str]:
        return {
            one.labels[label]
            for family in self.families.values()
            for one in family.samples
            if label in one.labels
        }


def scrape(api: Api) -> Scrape:
    answer = api.get("/metrics", token=OPERATOR_TOKEN)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return Scrape(answer.text)


@pytest.fixture(scope="module")
def with_token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with (
        a_store_in(tmp_path_factory.mktemp("store")) as store,
        an_api(store.url, tmp_path_factory.mktemp("data"), METRICS_TOKEN=SCRAPER) as api,
    ):
        store.empty()
        yield api


class TestWhoMayRead:
    @pytest.mark.parametrize(
        ("token", "status"),
        [(OPERATOR_TOKEN, 200), (SCRAPER, 200), (OWNER_TOKEN, 401), ("x", 401), (None, 401)],
    )
    def test_the_operator_and_who_has_the_token(
        self, with_token: Api, token: str | None, status: int
    ) -> None:
        assert with_token.get("/metrics", token=token).status_code == status

    def test_that_token_opens_nothing_else(self, with_token: Api) -> None:
        others = [path for method, path in routes_of(with_token.app) if method == "GET"]

        opened = [
            path
            for path in others
            if with_token.get(path, token=SCRAPER).status_code == 200 and path != "/metrics"
        ]

        assert set(opened) == OPEN_PATHS

    def test_without_a_token_of_its_own_the_operator_alone(self, api: Api) -> None:
        assert api.get("/metrics", token="").status_code == 401
        assert api.get("/metrics", token=SCRAPER).status_code == 401


class TestRequests:
    def test_are_counted_by_the_template_of_their_path(self, api: Api) -> None:
        before = scrape(api)
        agent_id = api.register()
        for _ in range(3):
            api.post(f"/api/agents/{agent_id}/heartbeat", {"status": "online"})
        api.post("/api/agents/nobody/heartbeat", {"status": "online"})
        after = scrape(api)

        def more(**labels: str) -> float:
            name = "http_request_duration_seconds_count"
            return after.value(name, **labels) - before.value(name, **labels)

        template = "/api/agents/{agent_id}/heartbeat"
        assert more(route=template, method="POST", status="200") == 3
        assert more(route=template, method="POST", status="404") == 1
        assert more(route="/api/agents/register", status="200") == 1

    def test_nobody_makes_up_a_label(self, api: Api) -> None:
        for number in range(20):
            api.get(f"/nowhere/{number}", token=None)
            api.send(f"METHOD{number}", "/health", token=None)
            api.get(f"/api/agents/{number}/config")
        seen = scrape(api)

        templates = {route.path_format for route in api.app.routes}
        assert seen.label_values("route") <= templates | {"none"}
        assert seen.value("http_request_duration_seconds_count", route="none", status="404") >= 20
        methods = {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "other"}
        assert seen.label_values("method") <= methods


class TestTheFleet:
    def test_is_told_by_state(self, api: Api, store: Store) -> None:
        assert scrape(api).value("agents") == 0
        api.register()
        api.register(logical_agent_id="db", instance_id="i-2")

        seen = scrape(api)

        assert seen.value("agents", state="online", mode="spot") == 2
        assert seen.value("agents") == 2
        assert seen.value("agents_enabled") == 2
        assert seen.value("agents_heard_within", seconds="30") == 2
        api.clock.advance(seconds=100)
        later = scrape(api)
        assert later.value("agents_heard_within", seconds="30") == 0
        assert later.value("agents_heard_within", seconds="120") == 2

    def test_prices_have_an_age(self, api: Api) -> None:
        assert "spot_optimizer_newest_price_age_seconds" not in scrape(api).families
        agent_id = api.register()
        report = {
            "instance": {"instance_id": "i-1", "instance_type": "t3.medium"},
            "pricing": {
                "on_demand_price": 0.1,
                "spot_pools": [
                    {"pool_id": "t3.medium.us-east-1a", "az": "us-east-1a", "price": 0.03}
                ],
            },
        }
        answer = api.post(f"/api/agents/{agent_id}/pricing-report", report)
        assert answer.status_code == 200, answer.text

        seen = scrape(api)

        assert 0 <= seen.value("newest_price_age_seconds") < 600
        assert seen.value("pools_priced_within", seconds="3600") == 1

    def test_jobs_are_told_of_wherever_they_run(self, api: Api, store: Store) -> None:
        """A worker's runs are on record alone."""
        now = api.clock.now()
        for job, status in (("tidy", "failed"), ("sweep", "completed"), ("sweep", "failed")):
            began, ended = now - timedelta(minutes=2), now - timedelta(seconds=30)
            more = {
                "job": job,
                "status": status,
                "slot": began.isoformat(),
                "started_at": began.isoformat(),
                "ended_at": ended.isoformat(),
            }
            row = {"job_type": "cleanup", "status": status, "metadata": more, "start_time": began}
            store.add({"data_processing_jobs": [row]})

        seen = scrape(api)

        assert seen.value("job_last_run_failed", task="tidy") == 1
        assert seen.value("job_last_run_failed", task="sweep") == 1
        assert seen.value("job_last_run_seconds", task="tidy") == 90
        ended_at = seen.value("job_last_run_timestamp_seconds", task="tidy")
        assert ended_at == (now - timedelta(seconds=30)).timestamp()
        store.add(
            {
                "data_processing_jobs": [
                    {**row, "metadata": {**more, "status": "completed"}, "status": "completed"}
                ]
            }
        )
        assert scrape(api).value("job_last_run_failed", task="sweep") == 0

    def test_savings_are_those_of_all_clients(self, api: Api, store: Store) -> None:
        with store.writing() as connection:
            connection.exec_driver_sql("UPDATE clients SET total_savings = 12.5")

        assert scrape(api).value("savings_usd") == 3 * 12.5

    def test_is_left_out_while_the_database_is_away(self, tmp_path: Path) -> None:
        with an_api("mysql+pymysql://u:p@127.0.0.1:1/x", tmp_path) as api:
            seen = scrape(api)

        assert seen.value("database_up") == 0
        assert "spot_optimizer_agents" not in seen.families
        assert "spot_optimizer_http_request_duration_seconds" in seen.families


class TestWhatHappens:
    def test_decisions_by_action_and_reason(self, api: Api) -> None:
        before = scrape(api)
        agent_id = api.register()
        api.post(f"/api/agents/{agent_id}/decide", DECIDE)
        api.post("/api/agents/nobody/decide", DECIDE)
        after = scrape(api)

        def more(**labels: str) -> float:
            return after.value("decisions_total", **labels) - before.value(
                "decisions_total", **labels
            )

        assert more(action="switch_ondemand", reason="allowed") == 1
        assert more(action="stay", reason="agent_disabled") == 1
        judged = "decision_duration_seconds_count"
        assert after.value(judged) - before.value(judged) == 2

    def test_notices_and_failovers(self, api: Api, store: Store) -> None:
        before = scrape(api)
        fleet = Endangered(api, store)
        fleet.launch(fleet.emergency()["replica_id"])
        fleet.notice()
        fleet.notice("i-2")
        after = scrape(api)

        def more(name: str, **labels: str) -> float:
            return after.value(name, **labels) - before.value(name, **labels)

        assert more("termination_notices_total", outcome="nobody_ready") == 1
        assert more("termination_notices_total", outcome="failed_over") == 1
        assert more("notice_answer_seconds_count") == 2
        assert more("failover_seconds_count") == 1
        assert more("interruption_signals_total", signal="termination-notice") == 2
        assert more("interruption_signals_total", signal="rebalance-recommendation") == 1
        assert after.value("replicas", state="promoted") == 1

    def test_events_are_counted_when_they_are_committed(self, api: Api) -> None:
        before = scrape(api).value("events_total", event_type="agent_registered")
        api.register()
        refused = api.post("/api/agents/register", a_registration(instance_type=None))

        assert refused.status_code == 400
        after = scrape(api)
        assert after.value("events_total", event_type="agent_registered") - before == 1


class TestTheIdOfARequest:
    @pytest.mark.parametrize("given", ["abc-123", "0/1@x=y.z:_+", "a" * 128])
    def test_is_the_one_it_came_with(self, api: Api, given: str) -> None:
        answer = api.get("/livez", headers={"X-Request-ID": given})

        assert answer.headers["X-Request-ID"] == given

    @pytest.mark.parametrize("given", ["", "a" * 129, "a b", "a\tb", 'a"b', "a;b", "é"])
    def test_is_ours_when_that_could_do_harm(self, api: Api, given: str) -> None:
        answer = api.http.get("/livez", headers=[(b"X-Request-ID", given.encode())])

        assert answer.headers["X-Request-ID"] != given
        assert len(answer.headers["X-Request-ID"]) < 40

    def test_is_another_each_time(self, api: Api) -> None:
        ids = [api.get("/livez").headers["X-Request-ID"] for _ in range(50)]

        assert len(set(ids)) == 50

    def test_is_in_refusals_of_the_framework_too(self, api: Api) -> None:
        answers: list[httpx.Response] = [
            api.get("/nowhere"),
            api.send("PATCH", "/health"),
            api.post("/api/agents/register", b"{"),
        ]

        assert [one.status_code for one in answers] == [404, 405, 400]
        assert all(one.headers["X-Request-ID"] for one in answers)

    def test_is_in_log_lines_with_the_agent(self, tmp_path: Path) -> None:
        lines: list[dict[str, object]] = []
        logger = logging.getLogger("spot_optimizer.tests")

        class Listener(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                lines.append(json.loads(OneObject().format(record)))

        class Talkative(ReplayClock):
            def now(self) -> datetime:
                logger.warning("asked for the time")
                return super().now()

        with a_store_in(tmp_path) as store, an_api(store.url, tmp_path, Talkative()) as api:
            store.empty()
            logger.addHandler(listener := Listener())
            path, given = "/api/agents/a-1/rebalance-recommendation", {"X-Request-ID": "r-1"}
            api.post(path, {}, headers=given)
            logger.removeHandler(listener)

        assert lines
        for line in lines:
            assert (line["request_id"], line["agent_id"]) == ("r-1", "a-1")
            assert (line["level"], line["message"]) == ("WARNING", "asked for the time")
