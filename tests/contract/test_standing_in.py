"""Where a route does not exist yet, its recorded effects happen all the same."""

from __future__ import annotations

from tests.contract.clock import ReplayClock
from tests.contract.database import ReplayDatabase
from tests.contract.made_up import SilentServer, a_step
from tests.contract.recording import Recording, Step
from tests.contract.replay import Outcome, Replay, Report

CLIENT = {
    "id": "{{client_id}}",
    "name": "Orbit Labs",
    "email": "ops@orbit.test",
    "client_token": "{{token}}",
    "created_at": "<mysql-datetime:now-60>",
}
EVENT = {
    "id": "<int>",
    "event_type": "client_created",
    "severity": "info",
    "client_id": "<uuid>",
    "message": "Client {{client_id}}",
    "metadata": {"at": "<iso-naive:now>"},
    "created_at": "<mysql-datetime:now>",
}


class TestStandingIn:
    def test_the_effects_of_a_missing_route_happen(self, database: ReplayDatabase) -> None:
        effects = {"inserted": {"system_events": [EVENT], "clients": [CLIENT]}}
        later = a_step("later", request={"method": "POST", "path": "/{{client_id}}/{{token}}"})
        server = SilentServer("POST /later")

        report = self.replay([a_step("create", effects=effects), later], server, database)

        assert [it.outcome for it in report.steps] == [Outcome.STOOD_IN, Outcome.AS_RECORDED]
        rows = database.snapshot()
        (event,) = rows["system_events"].values()
        client = rows["clients"][event["client_id"],]
        assert server.asked == [f"/{client['id']}/{client['client_token']}"]
        assert client["created_at"] == "2025-06-17 11:59:00"
        assert client["client_token"].startswith("token-")
        assert event["message"] == f"Client {client['id']}"
        assert event["metadata"] == {"at": "2025-06-17T12:00:00"}

    def test_rows_change_and_go(self, database: ReplayDatabase) -> None:
        rename = {"key": {"id": "<uuid>"}, "set": {"name": "Renamed"}}
        steps = [
            a_step("create", effects={"inserted": {"clients": [CLIENT]}}),
            a_step("rename", effects={"updated": {"clients": [rename]}}),
            a_step("delete", effects={"deleted": {"clients": [{"id": "{{client_id}}"}]}}),
        ]

        self.replay(steps[:2], SilentServer(), database)
        names = {row["name"] for row in database.snapshot()["clients"].values()}
        assert len(names) == 2
        assert "Renamed" in names

        self.replay([steps[0], steps[2]], SilentServer(), database)
        assert [row["name"] for row in database.snapshot()["clients"].values()] == ["Demo Client"]

    def test_what_a_correct_server_leaves_alone_stays(self, database: ReplayDatabase) -> None:
        intended = {"status": 400, "db": {"unchanged": ["clients"]}}
        effects = {"inserted": {"clients": [CLIENT]}}
        step = a_step("create", effects=effects, defect=True, intended=intended)

        self.replay([step], SilentServer(), database)

        assert len(database.snapshot()["clients"]) == 1

    def test_what_cannot_happen_is_told(self, database: ReplayDatabase) -> None:
        effects = {"deleted": {"clients": [{"id": "nobody"}]}}

        report = self.replay([a_step("delete", effects=effects)], SilentServer(), database)

        assert "no row of clients" in str(report)
        assert not report.different

    def test_a_step_that_needs_an_unknown_value_is_left_out(self, database: ReplayDatabase) -> None:
        step = a_step("later", request={"method": "POST", "path": "/{{unknown}}"})

        report = self.replay([step], SilentServer("POST /later"), database)

        assert [it.outcome for it in report.steps] == [Outcome.LEFT_OUT]

    def replay(self, steps: list[Step], server: SilentServer, database: ReplayDatabase) -> Report:
        recording = Recording(scenario="made-up", title="", steps=steps)
        return Replay(server, database, ReplayClock()).run(recording)
