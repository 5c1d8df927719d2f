"""What operators see of background jobs, and that the server runs them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from threading import Event

import pytest

from tests.application_under_test import (
    OPERATOR_TOKEN,
    OWNER_TOKEN,
    Api,
    Store,
    a_shared_store,
    an_api,
)

MONITORS = ["replica_monitor", "pricing_data_quality"]
HOUSEKEEPING = [
    "mark_stale_agents_offline",
    "monitor_agent_health",
    "detect_zombies",
    "roll_up_prices",
    "expire_commands",
    "watch_model_drift",
    "aggregate_pricing_hourly",
    "snapshot_client_growth",
    "snapshot_daily_savings",
    "calculate_monthly_savings",
    "cleanup_old_data",
    "aggregate_pricing_daily",
    "refresh_ml_dataset",
    "backfill_client_growth",
]
ON = {"ENABLE_BACKGROUND_JOBS": "True", "ENABLE_REPLICA_COORDINATOR": "True"}


@pytest.fixture(params=["sqlite", "mariadb"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with a_shared_store(request) as found:
        found.empty()
        yield found


@pytest.fixture
def api(store: Store, tmp_path: Path) -> Iterator[Api]:
    """Its jobs are run by hand here: nothing of it is started but what answers."""
    with an_api(store.url, tmp_path, None, None, **ON, REDIS_URL="redis://127.0.0.1:1/0") as found:
        yield found


def names(api: Api) -> list[str]:
    found = api.get("/api/admin/jobs", token=OPERATOR_TOKEN).json()["jobs"]
    return [job["name"] for job in found]


def test_all_jobs_are_listed_before_any_has_run(api: Api) -> None:
    answer = api.get("/api/admin/jobs", token=OPERATOR_TOKEN)

    assert answer.status_code == 200
    jobs = {job["name"]: job for job in answer.json()["jobs"]}
    assert list(jobs) == [*MONITORS, *HOUSEKEEPING]
    cleanup = jobs["cleanup_old_data"]
    assert cleanup["schedule"] == "0 2 * * *"
    assert (cleanup["status"], cleanup["lastRun"]) == ("waiting", None)
    following = datetime.fromisoformat(cleanup["nextRun"])
    assert (following.hour, following.minute) == (2, 0)
    assert following > api.clock.now()
    assert jobs["backfill_client_growth"]["nextRun"] is None


@pytest.mark.parametrize("name", [*MONITORS, *HOUSEKEEPING])
def test_every_job_can_be_run(api: Api, name: str) -> None:
    api.container.run_job().by_hand(name)

    (run,) = api.get(f"/api/admin/jobs/{name}/history", token=OPERATOR_TOKEN).json()["runs"]
    assert (run["job"], run["outcome"], run["error"], run["slot"]) == (
        name,
        "completed",
        None,
        None,
    )
    assert run["durationSeconds"] >= 0
    jobs = api.get("/api/admin/jobs", token=OPERATOR_TOKEN).json()["jobs"]
    assert [job["lastRun"] for job in jobs if job["name"] == name] == [run]


def test_a_run_is_in_the_job_log_of_the_schema(api: Api, store: Store) -> None:
    api.container.run_job().by_hand("aggregate_pricing_daily")

    row = store.row("data_processing_jobs")
    assert (row["job_type"], row["status"]) == ("gap-filling", "completed")


def test_what_jobs_tell_is_told(api: Api, store: Store) -> None:
    api.container.run_job().by_hand("cleanup_old_data")
    api.container.run_job().by_hand("calculate_monthly_savings")

    told = [row["message"] for row in store.rows("system_events")]
    assert "Cleaned up old time-series data" in told
    assert "Computed monthly savings for 2 clients" in told


@pytest.mark.parametrize("limit", ["1", "0", "-5", "many"])
def test_the_history_has_a_limit(api: Api, limit: str) -> None:
    for _ in range(3):
        api.container.run_job().by_hand("aggregate_pricing_hourly")
    path = f"/api/admin/jobs/aggregate_pricing_hourly/history?limit={limit}"

    runs = api.get(path, token=OPERATOR_TOKEN).json()["runs"]

    assert len(runs) == (3 if limit == "many" else 1)


def test_there_is_no_history_of_nothing(api: Api) -> None:
    answer = api.get("/api/admin/jobs/nope/history", token=OPERATOR_TOKEN)

    assert (answer.status_code, answer.json()) == (404, {"error": "There is no job nope"})


@pytest.mark.parametrize("path", ["/api/admin/jobs", "/api/admin/jobs/expire_commands/history"])
@pytest.mark.parametrize("token", [None, OWNER_TOKEN])
def test_it_is_for_operators(api: Api, path: str, token: str | None) -> None:
    assert api.get(path, token=token).status_code in (401, 403)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"ENABLE_REPLICA_COORDINATOR": "False"}, HOUSEKEEPING),
        ({"ENABLE_BACKGROUND_JOBS": "False"}, MONITORS),
        (
            {"GROWTH_BACKFILL_ON_EMPTY": "False"},
            [*MONITORS, *HOUSEKEEPING[:-1]],
        ),
    ],
)
def test_settings_say_which_jobs_there_are(
    store: Store, tmp_path: Path, settings: dict[str, str], expected: list[str]
) -> None:
    wanted = ON | settings | {"REDIS_URL": "redis://127.0.0.1:1/0"}
    with an_api(store.url, tmp_path, None, None, **wanted) as api:
        assert names(api) == expected


def test_the_server_runs_them_itself_without_redis(store: Store, tmp_path: Path) -> None:
    """From the thread that it starts to what is there when a job has ended."""
    with an_api(store.url, tmp_path, None, None, **ON) as api:
        queries, pause = api.container.job_run_queries(), Event()
        for _ in range(600):  # only a failing test looks so often
            if "backfill_client_growth" in queries.last_ended():
                break
            pause.wait(0.05)
    assert len(store.rows("clients_daily_snapshot")) == 31
