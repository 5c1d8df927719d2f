"""Documents to take away (contract/clients-and-notifications.md 7.1, 7.2)."""

from __future__ import annotations

import csv
from decimal import Decimal
from io import BytesIO, StringIO

import msgspec
import pytest
from pyarrow import parquet

from tests.application_under_test import (
    OPERATOR_TOKEN,
    OWNER,
    STRANGER_TOKEN,
    Answer,
    Api,
    Json,
    Store,
)

NAMES = ("savings", "switch-history", "history", "instances", "agents", "prices")
PARQUET = "application/vnd.apache.parquet"


@pytest.fixture
def agent(api: Api) -> str:
    return api.register()


def export(api: Api, name: str, query: str = "", **options: Json) -> Answer:
    answer = api.get(f"/api/client/{OWNER}/export/{name}{query}", **options)
    assert answer.status_code == 200, answer.text
    return answer


def csv_rows(answer: Answer) -> list[list[str]]:
    return list(csv.reader(StringIO(answer.text, newline="")))


def parquet_rows(answer: Answer) -> list[dict[str, Json]]:
    rows: list[dict[str, Json]] = parquet.read_table(BytesIO(answer.content)).to_pylist()
    return rows


def json_rows(answer: Answer) -> list[dict[str, Json]]:
    decoder = msgspec.json.Decoder(list[dict[str, Json]], float_hook=Decimal)
    return decoder.decode(answer.content)


def a_switch(switch_id: str, agent_id: str, **columns: Json) -> dict[str, Json]:
    return {"id": switch_id, "client_id": OWNER, "agent_id": agent_id, **columns}


class TestSavings:
    MONTHS = (("2025", 4, "10.1250", "2.005"), ("2024", 12, "999.9999", "0.0001"))

    @pytest.fixture(autouse=True)
    def months(self, api: Api, store: Store) -> None:
        rows = [
            {
                "client_id": OWNER,
                "year": int(year),
                "month": month,
                "baseline_cost": float(baseline),
                "actual_cost": None,
                "savings": float(savings),
            }
            for year, month, baseline, savings in self.MONTHS
        ]
        store.add({"client_savings_monthly": rows})

    def test_as_csv_to_the_letter(self, api: Api) -> None:
        answer = export(api, "savings")

        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert answer.headers["content-disposition"] == (
            f"attachment; filename=client_{OWNER}_savings.csv"
        )
        assert answer.text == (
            "Year,Month,Month Name,On-Demand Cost ($),Actual Cost ($),Savings ($)\r\n"
            "2025,4,April,10.12,0.00,2.00\r\n"
            "2024,12,December,1000.00,0.00,0.01\r\n"
        )

    @pytest.mark.parametrize("form", ["parquet", "json"])
    def test_add_up_to_what_the_api_says_exactly(self, api: Api, form: str) -> None:
        answer = export(api, "savings", f"?format={form}")
        rows = parquet_rows(answer) if form == "parquet" else json_rows(answer)
        shown = api.get(f"/api/client/{OWNER}/savings").json()

        for name in ("savings", "onDemandCost", "modelCost"):
            total = sum(Decimal(str(month[name])) for month in shown)
            assert sum(Decimal(row[name]) for row in rows) == total
        assert [row["name"] for row in rows] == ["April", "December"]

    def test_as_csv_add_up_to_what_the_api_says_to_the_cent(self, api: Api, store: Store) -> None:
        store.add(
            {
                "client_savings_monthly": [
                    {
                        "client_id": OWNER,
                        "year": 2023,
                        "month": month,
                        "baseline_cost": 10.0049,
                        "actual_cost": 3.0351,
                        "savings": 6.9698,
                    }
                    for month in range(3, 13)
                ]
            }
        )
        shown = api.get(f"/api/client/{OWNER}/savings").json()
        exported = csv_rows(export(api, "savings"))[1:]

        assert len(shown) == len(exported) == 12
        for place, name in ((3, "onDemandCost"), (4, "modelCost"), (5, "savings")):
            exact = sum((Decimal(str(month[name])) for month in shown), Decimal())
            told = sum((Decimal(row[place]) for row in exported), Decimal())
            assert abs(told - exact) <= Decimal("0.005")
            for row, month in zip(exported, reversed(shown), strict=True):
                assert abs(Decimal(row[place]) - Decimal(str(month[name]))) <= Decimal("0.01")


class TestSwitches:
    def test_as_csv_to_the_letter(self, api: Api, store: Store, agent: str) -> None:
        store.add(
            {
                "switches": [
                    a_switch(
                        "s1",
                        agent,
                        old_instance_id="i-1",
                        new_mode="spot",
                        new_pool_id="t3.medium.us-east-1a",
                        new_spot_price=0.0125,
                        on_demand_price=0.0416,
                        savings_impact=-0.0306,
                        event_trigger="model",
                        initiated_at="2025-06-01 10:00:00",
                    ),
                    a_switch("s2", agent, new_mode="ondemand", on_demand_price=0.0416),
                ]
            }
        )

        answer = export(api, "switch-history")

        assert answer.text == (
            "Timestamp,Old Instance ID,New Instance ID,From Mode,To Mode,From Pool,To Pool,"
            "Trigger,Price ($),Savings Impact ($/hr)\r\n"
            "2025-06-01T10:00:00,i-1,N/A,N/A,spot,N/A,t3.medium.us-east-1a,model,"
            "0.012500,-0.030600\r\n"
            ",N/A,N/A,N/A,ondemand,N/A,N/A,manual,0.041600,0.000000\r\n"
        )
        assert export(api, "history").text == answer.text
        assert "switch_history.csv" in answer.headers["content-disposition"]

    def test_are_all_there_and_add_up(self, api: Api, store: Store, agent: str) -> None:
        switches = [
            a_switch(
                f"s{number}",
                agent,
                savings_impact=number / 1_000_000,
                initiated_at=api.ago(minutes=number),
            )
            for number in range(4321)
        ]
        store.add({"switches": switches})
        total = Decimal(sum(range(4321))) / 1_000_000

        rows = csv_rows(export(api, "switch-history"))[1:]

        assert sum(Decimal(row[9]) for row in rows) == total
        for form, read in (("parquet", parquet_rows), ("json", json_rows)):
            exported = read(export(api, "switch-history", f"?format={form}"))
            assert sum(Decimal(row["savingsImpact"]) for row in exported) == total

    @pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff20"])
    def test_carry_no_formula(self, api: Api, store: Store, agent: str, start: str) -> None:
        evil = f'{start}cmd|"/C calc",1'
        switch = a_switch("s", agent, old_instance_id=evil, savings_impact=-0.5)
        store.add({"switches": [switch]})

        (row,) = csv_rows(export(api, "switch-history"))[1:]

        assert row[1] == f"'{evil}"
        assert row[9] == "-0.500000"
        (exported,) = json_rows(export(api, "switch-history", "?format=json"))
        assert exported["oldInstanceId"] == evil


class TestOthers:
    def test_instances_and_agents_are_those_of_the_api(self, api: Api, agent: str) -> None:
        api.register(logical_agent_id="b", instance_id="i-2")

        for name, view in (("instances", "instances"), ("agents", "agents/history")):
            shown = api.get(f"/api/client/{OWNER}/{view}").json()
            for form, read in (("parquet", parquet_rows), ("json", json_rows)):
                rows = read(export(api, name, f"?format={form}"))
                assert {row["id"] for row in rows} == {one["id"] for one in shown}
            assert len(csv_rows(export(api, name))) == 3

    def test_prices_are_those_of_the_pools_it_could_use(
        self, api: Api, store: Store, agent: str
    ) -> None:
        def a_bucket(pool_id: str, price: float, at: str) -> dict[str, Json]:
            instance_type, _, zone = pool_id.rpartition(".")
            return {
                "pool_id": pool_id,
                "instance_type": instance_type,
                "region": "us-east-1",
                "az": zone,
                "spot_price": price,
                "time_bucket": at,
                "bucket_start": at,
                "bucket_end": at,
                "source_type": "primary",
            }

        store.add(
            {
                "pricing_snapshots_clean": [
                    a_bucket("t3.medium.us-east-1b", 0.0125, "2025-06-16 10:00:00"),
                    a_bucket("t3.medium.us-east-1a", 0.02, "2025-06-15 10:00:00"),
                    a_bucket("t3.medium.us-east-1a", 0.03, "2025-05-15 10:00:00"),
                    a_bucket("m5.large.us-east-1a", 0.04, "2025-06-15 10:00:00"),
                ]
            }
        )

        rows = csv_rows(export(api, "prices"))[1:]

        assert [(row[0], row[1], row[5]) for row in rows] == [
            ("2025-06-15T10:00:00", "t3.medium.us-east-1a", "0.020000"),
            ("2025-06-16T10:00:00", "t3.medium.us-east-1b", "0.012500"),
        ]
        assert len(csv_rows(export(api, "prices", "?days=90"))) == 4
        assert len(csv_rows(export(api, "prices", "?days=0"))) == 1


@pytest.mark.parametrize("name", NAMES)
class TestEveryExport:
    @pytest.mark.parametrize(
        ("asked", "accept", "kind"),
        [
            ("", None, "text/csv; charset=utf-8"),
            ("", "text/html,application/xhtml+xml,*/*;q=0.8", "text/csv; charset=utf-8"),
            ("", PARQUET, PARQUET),
            ("", "application/json", "application/json"),
            ("?format=csv", PARQUET, "text/csv; charset=utf-8"),
            ("?format=parquet", "application/json", PARQUET),
            ("?format=json", None, "application/json"),
        ],
    )
    def test_comes_in_the_form_that_is_asked_for(
        self, api: Api, name: str, asked: str, accept: str | None, kind: str
    ) -> None:
        headers = {} if accept is None else {"Accept": accept}

        answer = export(api, name, asked, headers=headers)

        assert answer.headers["content-type"] == kind
        if kind == PARQUET:
            assert parquet_rows(answer) == []
        elif kind == "application/json":
            assert answer.json() == []
        else:
            assert len(csv_rows(answer)) == 1

    def test_comes_in_no_other_form(self, api: Api, name: str) -> None:
        answer = api.get(f"/api/client/{OWNER}/export/{name}?format=xls")

        assert (answer.status_code, answer.json()) == (
            400,
            {
                "error": "Validation failed",
                "details": {"format": ["Must be one of: csv, parquet, json."]},
            },
        )

    def test_of_a_client_that_does_not_exist_has_only_its_head(self, api: Api, name: str) -> None:
        answer = api.get(f"/api/client/nobody/export/{name}", token=OPERATOR_TOKEN)

        assert (answer.status_code, answer.text.count("\r\n")) == (200, 1)

    def test_is_not_for_other_clients(self, api: Api, name: str) -> None:
        answer = api.get(f"/api/client/{OWNER}/export/{name}", token=STRANGER_TOKEN)

        assert (answer.status_code, answer.json()) == (404, {"error": "Client not found"})

    def test_can_be_asked_for_its_head_alone(self, api: Api, name: str) -> None:
        answer = api.send("HEAD", f"/api/client/{OWNER}/export/{name}")

        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["content-type"].startswith("text/csv")


def test_a_name_cannot_break_out_of_the_header(api: Api) -> None:
    answer = api.get("/api/client/a%22%0d%0ax;..%5c/export/savings", token=OPERATOR_TOKEN)

    assert "\r" not in answer.headers.get("content-disposition", "")
    assert '"' not in answer.headers.get("content-disposition", "")
