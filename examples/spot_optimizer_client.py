"""A typed client for the API, in one file that needs nothing but httpx.

Written after the documentation of the API, which every server has at /docs: copy it and go on from
here. A test holds each path, field and type in it against that documentation.

    with Agent.register("http://127.0.0.1:5000", token, me) as agent:
        agent.heartbeat()
        advice = agent.decide(spot_price=0.031, on_demand_price=0.0416)
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NotRequired, Self, TypedDict, cast

import httpx

TIMEOUT_S: Final = 30


class Refused(Exception):
    """The server's own words, and what it adds to them."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(f"{status}: {body.get('error', 'no reason given')}")
        self.status = status
        self.body = body


class Instance(TypedDict):
    """Who registers: the workload, and the machine that it runs on."""

    logical_agent_id: str
    instance_id: str
    instance_type: str
    region: str
    az: str
    mode: NotRequired[Literal["spot", "ondemand", "unknown"]]
    hostname: NotRequired[str]
    ami_id: NotRequired[str]
    agent_version: NotRequired[str]


class RegistrationConfig(TypedDict):
    enabled: bool
    auto_switch_enabled: bool
    auto_terminate_enabled: bool
    terminate_wait_seconds: int | None
    replica_enabled: bool
    replica_count: int
    min_savings_percent: float
    risk_threshold: float
    max_switches_per_week: int
    min_pool_duration_hours: int


class Registered(TypedDict):
    agent_id: str
    client_id: str
    config: RegistrationConfig


class PoolPrice(TypedDict):
    pool_id: str
    price: float
    az: NotRequired[str]


class Decided(TypedDict):
    """What to do; carry a switch out only if it is allowed."""

    instance_id: str | None
    recommended_action: str
    recommended_mode: str | None
    recommended_pool_id: str | None
    risk_score: float
    expected_savings_per_hour: float
    allowed: bool
    reason: str


class PendingCommand(TypedDict):
    id: str
    instance_id: str | None
    target_mode: str | None
    target_pool_id: str | None


class Stats(TypedDict):
    totalAccounts: int
    agentsOnline: int
    agentsTotal: int
    totalSavings: float
    totalSwitches: int


class Client(TypedDict):
    id: str
    name: str
    token: str


class _Api:
    def __init__(self, base_url: str, token: str) -> None:
        self._http = httpx.Client(
            base_url=base_url, headers={"Authorization": f"Bearer {token}"}, timeout=TIMEOUT_S
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def _ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        answer = self._http.request(method, path, json=body)
        document = answer.json()
        if answer.is_error:
            raise Refused(answer.status_code, document)
        return document


class Agent(_Api):
    """What a program on an instance does. Each report may be sent again: it counts once."""

    def __init__(self, base_url: str, token: str, agent_id: str, me: Instance) -> None:
        super().__init__(base_url, token)
        self.agent_id = agent_id
        self.me = me

    @classmethod
    def register(cls, base_url: str, token: str, me: Instance) -> Self:
        with _Api(base_url, token) as api:
            body: dict[str, object] = {"client_token": token, **me}
            registered = cast(Registered, api._ask("POST", "/api/agents/register", body))
        return cls(base_url, token, registered["agent_id"], me)

    def heartbeat(self) -> None:
        body = {"status": "online", "instance_id": self.me["instance_id"]}
        self._ask("POST", f"/api/agents/{self.agent_id}/heartbeat", body)

    def report_prices(self, on_demand_price: float, pools: Sequence[PoolPrice]) -> None:
        """Prices in USD per hour."""
        names = ("instance_id", "instance_type", "region", "az")
        instance = {name: value for name, value in self.me.items() if name in names}
        pricing = {"on_demand_price": on_demand_price, "spot_pools": list(pools)}
        body = {"instance": instance, "pricing": pricing}
        self._ask("POST", f"/api/agents/{self.agent_id}/pricing-report", body)

    def decide(self, *, spot_price: float, on_demand_price: float) -> Decided:
        """Prices in USD per hour."""
        instance = {
            "instance_id": self.me["instance_id"],
            "current_mode": self.me.get("mode", "unknown"),
        }
        pricing = {"current_spot_price": spot_price, "on_demand_price": on_demand_price}
        body = {"instance": instance, "pricing": pricing}
        return cast(Decided, self._ask("POST", f"/api/agents/{self.agent_id}/decide", body))

    def pending_commands(self) -> list[PendingCommand]:
        path = f"/api/agents/{self.agent_id}/pending-commands"
        return cast(list[PendingCommand], self._ask("GET", path))

    def command_executed(self, command_id: str, *, success: bool, message: str = "") -> None:
        path = f"/api/agents/{self.agent_id}/commands/{command_id}/executed"
        self._ask("POST", path, {"success": success, "message": message})


class Operator(_Api):
    """What the admin token opens."""

    def create_client(self, name: str) -> Client:
        answer = self._ask("POST", "/api/admin/clients/create", {"name": name})
        return cast(Client, answer["client"])

    def stats(self) -> Stats:
        return cast(Stats, self._ask("GET", "/api/admin/stats"))
