"""Savings, switches, decisions and replicas as dashboards show them
(contract/clients-and-notifications.md 4.5, 4.7 to 4.10)."""

from __future__ import annotations

import pytest

from tests.application_under_test import (
    OPERATOR_TOKEN,
    OWNER,
    OWNER_TOKEN,
    STRANGER_TOKEN,
    Api,
    Json,
    Store,
)

VIEWS = {
    "agents": [],
    "agents/history": [],
    "agents/decisions": [],
    "instances": [],
    "replicas": [],
    "savings": [],
    "switch-history": [],
    "switches": {"switches": []},
    "stats/charts": {"savingsTrend": [], "modeDistribution": [], "switchFrequency": []},
}


@pytest.fixture
def agent(api: Api) -> str:
    return api.register()


def a_month(year: int, month: int, **columns: Json) -> dict[str, Json]:
    return {"client_id": OWNER, "year": year, "month": month, **columns}


def a_switch(switch_id: str, agent_id: str, **columns: Json) -> dict[str, Json]:
    return {"id": switch_id, "client_id": OWNER, "agent_id": agent_id, **columns}


def view(api: Api, name: str) -> Json:
    answer = api.get(f"/api/client/{OWNER}/{name}")
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("name", sorted(VIEWS))
def test_a_client_that_does_not_exist_has_nothing_and_a_foreign_one_is_not_found(
    api: Api, name: str
) -> None:
    nobody = api.get(f"/api/client/nobody/{name}", token=OPERATOR_TOKEN)
    foreign = api.get(f"/api/client/{OWNER}/{name}", token=STRANGER_TOKEN)

    assert (nobody.status_code, nobody.json()) == (200, VIEWS[name])
    assert (foreign.status_code, foreign.json()) == (404, {"error": "Client not found"})


class TestSavings:
    def test_are_of_the_newest_twelve_months_oldest_first(self, api: Api, store: Store) -> None:
        months = [a_month(2024, month, savings=month) for month in range(1, 13)]
        newest = a_month(2025, 1, baseline_cost=10.1234, actual_cost=4, savings=6.1234)
        store.add({"client_savings_monthly": [*months, newest]})

        savings = view(api, "savings")
        trend = view(api, "stats/charts")["savingsTrend"]

        names = [month["name"] for month in savings]
        assert (len(names), names[0], names[-2:]) == (12, "February", ["December", "January"])
        assert savings[-1] == {
            "name": "January",
            "savings": 6.1234,
            "onDemandCost": 10.1234,
            "modelCost": 4.0,
        }
        assert trend[-1] == {
            "month": "January",
            "savings": 6.1234,
            "baseline": 10.1234,
            "actual": 4.0,
        }
        assert [month["month"] for month in trend] == [month["name"] for month in savings]

    def test_of_other_ranges_are_none(self, api: Api, store: Store) -> None:
        store.add({"client_savings_monthly": [a_month(2024, 1, savings=None)]})

        assert view(api, "savings?range=monthly")[0]["savings"] == 0
        assert view(api, "savings?range=") == view(api, "savings?range=daily") == []


class TestSwitches:
    def test_are_the_newest_hundred_with_their_best_known_time(
        self, api: Api, store: Store, agent: str
    ) -> None:
        many = [
            a_switch(f"s{number:03}", agent, initiated_at=api.ago(minutes=number))
            for number in range(1, 102)
        ]
        launched = a_switch(
            "launched",
            agent,
            initiated_at=api.ago(seconds=0),
            ami_created_at="2025-06-17 01:00:00",
            instance_launched_at="2025-06-17 02:00:00",
            new_mode="spot",
            new_spot_price=0.0125,
            on_demand_price=0.0416,
            savings_impact=-0.5,
            event_trigger="model",
        )
        store.add({"switches": [*many, launched]})

        history = view(api, "switch-history")

        assert len(history) == 100
        assert history[0] == {
            "id": "launched",
            "oldInstanceId": None,
            "newInstanceId": None,
            "timestamp": "2025-06-17T02:00:00",
            "fromMode": None,
            "toMode": "spot",
            "fromPool": "n/a",
            "toPool": "n/a",
            "trigger": "model",
            "price": 0.0125,
            "savingsImpact": -0.5,
        }
        assert history[1]["id"] == "s001"
        assert history[1]["trigger"] == "manual"

    def test_without_a_time_show_when_they_were_recorded_and_stand_last(
        self, api: Api, store: Store, agent: str
    ) -> None:
        recorded = "2025-06-01 00:00:00"
        store.add(
            {
                "switches": [
                    a_switch("timeless", agent, timestamp=recorded),
                    a_switch("other", agent, initiated_at="2025-05-01 00:00:00"),
                ]
            }
        )

        history = view(api, "switch-history")

        assert [switch["id"] for switch in history] == ["other", "timeless"]
        assert history[1]["timestamp"] == "2025-06-01T00:00:00"
        assert view(api, "switch-history") == history

    def test_of_one_instance_are_those_from_and_to_it(
        self, api: Api, store: Store, agent: str
    ) -> None:
        store.add(
            {
                "switches": [
                    a_switch("from", agent, old_instance_id="i-5", initiated_at=api.ago(days=1)),
                    a_switch("to", agent, new_instance_id="i-5", initiated_at=api.ago(days=2)),
                    a_switch("else", agent, new_instance_id="i-55", initiated_at=api.ago(days=3)),
                ]
            }
        )

        shown = view(api, "switch-history?instance_id=i-5")

        assert [switch["id"] for switch in shown] == ["from", "to"]
        assert len(view(api, "switch-history?instance_id=")) == 3

    def test_are_shown_to_the_customers_dashboard_in_its_words(
        self, api: Api, store: Store, agent: str
    ) -> None:
        store.add({"switches": [a_switch("s", agent, old_mode="spot", initiated_at=api.ago())]})

        (switch,) = view(api, "switches")["switches"]

        assert (switch["id"], switch["old_mode"], switch["new_pool_id"]) == ("s", "spot", None)

    def test_are_counted_by_day(self, api: Api, store: Store, agent: str) -> None:
        store.add(
            {
                "switches": [
                    a_switch("a", agent, initiated_at="2025-06-10 23:59:59"),
                    a_switch("b", agent, initiated_at="2025-06-11 00:00:00"),
                    a_switch("c", agent, initiated_at="2025-06-11 10:00:00"),
                    a_switch("d", agent, initiated_at=api.ago(days=30, seconds=1)),
                    a_switch("e", agent, timestamp="2025-06-11 10:00:00"),
                ]
            }
        )

        charts = view(api, "stats/charts")

        assert charts["switchFrequency"] == [
            {"date": "2025-06-10", "switches": 1},
            {"date": "2025-06-11", "switches": 2},
        ]
        assert charts["modeDistribution"] == [{"mode": "spot", "count": 1}]


class TestDecisions:
    def test_tell_how_an_agent_is(self, api: Api, store: Store, agent: str) -> None:
        other = api.register(logical_agent_id="Alpha", instance_id="i-2")
        gone = api.register(logical_agent_id="a", instance_id="i-3")
        api.send("DELETE", f"/api/client/agents/{gone}")
        store.add(
            {
                "agent_decision_history": [
                    {
                        "agent_id": agent,
                        "client_id": OWNER,
                        "decision_type": f"d{number}",
                        "risk_score": 0.0 if number == 1 else 0.25,
                        "expected_savings": 0,
                        "decision_time": api.ago(minutes=61 * number),
                    }
                    for number in range(1, 8)
                ],
                "pricing_reports": [
                    {
                        "id": f"r{number}",
                        "agent_id": agent,
                        "on_demand_price": 0.0416,
                        "received_at": api.ago(minutes=3 * number),
                    }
                    for number in range(1, 8)
                ],
            }
        )
        api.clock.advance(5 * 60 + 59)

        shown = view(api, "agents/decisions")

        assert [(one["agentId"], one["agentName"]) for one in shown] == [
            (other, "Alpha"),
            (agent, "web"),
            (gone, "a"),
        ]
        mine = shown[1]
        assert (mine["isHealthy"], mine["lastHeartbeat"]) == (True, "5 min ago")
        assert mine["lastDecision"] == {
            "type": "d1",
            "time": mine["decisionHistory"][0]["time"],
            "elapsed": {"minutes": 66, "formatted": "1h ago"},
        }
        assert [one["type"] for one in mine["decisionHistory"]] == ["d1", "d2", "d3", "d4", "d5"]
        assert [one["riskScore"] for one in mine["decisionHistory"][:2]] == [None, 0.25]
        assert mine["decisionHistory"][0]["expectedSavings"] is None
        recent = mine["recentActivity"]
        assert recent["healthStatus"] == {
            "overall": "healthy",
            "heartbeat": "active",
            "activity": "active",
            "recentReportsCount": 1,
            "decisionCount": 5,
        }
        assert [report["onDemandPrice"] for report in recent["pricingReports"]] == [0.0416] * 5
        assert recent["pricingReports"][0]["spotPrice"] == 0
        assert [event["type"] for event in recent["systemEvents"]] == ["agent_registered"]
        assert (shown[0]["isHealthy"], shown[0]["lastDecision"]["elapsed"]) == (False, None)

        api.clock.advance(60)
        assert view(api, "agents/decisions")[1]["isHealthy"] is False

    def test_are_never_shown_without_a_token(self, api: Api) -> None:
        answer = api.get(f"/api/client/{OWNER}/agents/decisions", token=None)

        assert (answer.status_code, answer.json()) == (401, {"error": "Missing client token"})


class TestReplicas:
    def test_are_shown_beside_what_they_stand_by_for(
        self, api: Api, store: Store, agent: str
    ) -> None:
        replica = {"agent_id": agent, "instance_id": "i-5", "replica_type": "manual"}
        store.add(
            {
                "replica_instances": [
                    {"id": "ready", "status": "ready", "pool_id": "unknown", **replica},
                    {"id": "failed", "status": "failed", "hourly_cost": 0, **replica},
                    {"id": "promoted", "status": "promoted", **replica},
                    {"id": "inactive", "status": "ready", "is_active": 0, **replica},
                ]
            }
        )

        shown = {one["replica"]["id"]: one for one in view(api, "replicas")}

        assert set(shown) == {"ready", "failed"}
        assert shown["ready"]["agentId"] == agent
        assert shown["ready"]["primary"] == {
            "instanceId": "i-1",
            "instanceType": "t3.medium",
            "region": "us-east-1",
            "az": "us-east-1a",
            "mode": "spot",
        }
        assert shown["ready"]["replica"]["pool"] == {
            "id": "unknown",
            "name": None,
            "instance_type": None,
            "region": None,
            "az": None,
        }
        assert shown["failed"]["replica"]["pool"] is None
        assert shown["failed"]["replica"]["cost"] == {"hourly": None, "total": 0.0}
        assert shown["ready"]["replica"]["is_active"] is True
        assert OWNER_TOKEN not in str(shown)
