"""The client in `examples/` speaks as the documentation says, and a real server understands it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

import pytest

from tests.described_api import DOCUMENT
from tests.processes import LOCAL, a_command, a_free_port

SOURCE = Path(__file__).parents[2] / "examples" / "spot_optimizer_client.py"

ANSWERS = {
    "RegistrationConfig": "RegistrationConfig",
    "Registered": "Registered",
    "Decided": "Decided",
    "PendingCommand": "PendingCommand",
    "Stats": "Stats",
    "Client": "NewClient",
}
JSON_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean"}


def _loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location("spot_optimizer_client", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


example = _loaded()


def _kinds(schema: dict[str, Any]) -> set[str]:
    options = schema.get("anyOf", [schema])
    return {one["type"] for one in options if "type" in one}


@pytest.mark.parametrize(("name", "component"), ANSWERS.items())
def test_each_type_is_documented(name: str, component: str) -> None:
    schema = DOCUMENT["components"]["schemas"][component]
    hints = get_type_hints(getattr(example, name))

    for field, hint in hints.items():
        assert field in schema["required"], field
        if hint in JSON_TYPES:
            assert _kinds(schema["properties"][field]) == {JSON_TYPES[hint]}, field


def test_what_registers_is_documented() -> None:
    body = DOCUMENT["paths"]["/api/agents/register"]["post"]["requestBody"]
    schema = body["content"]["application/json"]["schema"]

    told = example.Instance.__required_keys__ | {"client_token"}
    assert told == set(schema["required"])
    assert example.Instance.__optional_keys__ <= schema["properties"].keys()


@pytest.mark.xdist_group("processes")
def test_a_server_understands_it(tmp_path: Path) -> None:
    port = a_free_port()
    url = f"http://{LOCAL}:{port}"
    me = {
        "logical_agent_id": "web",
        "instance_id": "i-1",
        "instance_type": "t3.medium",
        "region": "us-east-1",
        "az": "us-east-1a",
        "mode": "spot",
    }
    with a_command(tmp_path, "serve", "--port", str(port), ADMIN_API_TOKEN="t") as server:
        server.line_with("Listening on ")
        with example.Operator(url, "t") as operator:
            token = operator.create_client("First")["token"]
            with example.Agent.register(url, token, me) as agent:
                agent.heartbeat()
                agent.report_prices(0.0416, [{"pool_id": "p-1", "price": 0.04, "az": "us-east-1a"}])
                advice = agent.decide(spot_price=0.04, on_demand_price=0.0416)
                assert agent.pending_commands() == []
            with (
                example.Agent(url, token, "nobody", me) as nobody,
                pytest.raises(example.Refused, match="404: Agent not found"),
            ):
                nobody.heartbeat()
            stats = operator.stats()

    assert (advice["recommended_action"], advice["allowed"]) == ("switch_ondemand", True)
    assert (stats["agentsOnline"], stats["totalAccounts"]) == (1, 1)
