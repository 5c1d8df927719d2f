"""The calls of the three agent programs, compared word for word."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from spot_optimizer.simulation.commands import Order, read_orders
from spot_optimizer.simulation.machines import Machine, Mode
from spot_optimizer.simulation.payloads import (
    Program,
    Quotes,
    SwitchCourse,
    cleanup_report,
    heartbeat,
    last_heartbeat,
    pricing_report,
    rebalance_recommendation,
    registration,
    switch_report,
    termination_imminent,
)
from spot_optimizer.simulation.pools import Pool

POOL_A = Pool("us-east-1", "t3.medium", "us-east-1a")
POOL_B = Pool("us-east-1", "t3.medium", "us-east-1b")
AT = datetime(2026, 11, 20, 9, 31, 9, 927104, tzinfo=UTC)
QUOTES = Quotes(Decimal("0.0416"), ((POOL_A, Decimal("0.0125")), (POOL_B, Decimal("0.0110"))))


def a_machine(
    instance_id: str = "i-1", pool: Pool = POOL_A, mode: Mode = "spot", ami_id: str = "ami-1"
) -> Machine:
    return Machine(
        instance_id=instance_id,
        pool=pool,
        mode=mode,
        ami_id=ami_id,
        hostname="ip-10-0-0-1",
        private_ip="10.0.0.1",
        public_ip=None,
    )


class TestRegistration:
    COMMON = {  # noqa: RUF012 - a literal to compare with
        "client_token": "token-x",
        "hostname": "ip-10-0-0-1",
        "instance_id": "i-1",
        "instance_type": "t3.medium",
        "region": "us-east-1",
        "az": "us-east-1a",
        "ami_id": "ami-1",
        "logical_agent_id": "sim-0001",
    }

    @pytest.mark.parametrize("program", [Program.A, Program.C])
    def test_a_and_c_say_mode_and_addresses(self, program: Program) -> None:
        assert registration(program, "token-x", "sim-0001", a_machine()) == {
            **self.COMMON,
            "agent_version": "4.0.0",
            "mode": "spot",
            "private_ip": "10.0.0.1",
            "public_ip": None,
        }

    def test_b_does_not(self) -> None:
        assert registration(Program.B, "token-x", "sim-0001", a_machine()) == {
            **self.COMMON,
            "agent_version": "3.2.0",
        }


class TestHeartbeat:
    @pytest.mark.parametrize("program", [Program.A, Program.C])
    def test_a_and_c_name_their_instance(self, program: Program) -> None:
        assert heartbeat(program, a_machine(), enabled=True, facts_known=True) == {
            "status": "online",
            "monitored_instances": ["i-1"],
            "instance_id": "i-1",
            "instance_type": "t3.medium",
            "mode": "spot",
            "az": "us-east-1a",
        }

    def test_type_and_zone_are_null_when_the_metadata_is_slow(self) -> None:
        sent = heartbeat(Program.A, a_machine(), enabled=True, facts_known=False)

        assert (sent["instance_type"], sent["az"], sent["mode"]) == (None, None, "spot")

    def test_b_only_lists_it(self) -> None:
        assert heartbeat(Program.B, a_machine(), enabled=False, facts_known=True) == {
            "status": "disabled",
            "monitored_instances": ["i-1"],
        }

    def test_the_last_one_names_no_instance(self) -> None:
        assert last_heartbeat() == {"status": "offline", "monitored_instances": []}


SPOT_POOLS = [
    {
        "pool_id": "t3.medium.us-east-1a",
        "instance_type": "t3.medium",
        "az": "us-east-1a",
        "price": 0.0125,
    },
    {
        "pool_id": "t3.medium.us-east-1b",
        "instance_type": "t3.medium",
        "az": "us-east-1b",
        "price": 0.011,
    },
]


class TestPricingReport:
    @pytest.mark.parametrize(
        ("program", "collected_at"),
        [
            (Program.A, "2026-11-20T09:31:09.927104"),
            (Program.C, "2026-11-20T09:31:09.927104+00:00"),
        ],
    )
    def test_a_and_c_nest_the_prices(self, program: Program, collected_at: str) -> None:
        assert pricing_report(program, a_machine(), QUOTES, AT) == {
            "instance": {
                "instance_id": "i-1",
                "instance_type": "t3.medium",
                "region": "us-east-1",
                "az": "us-east-1a",
                "mode": "spot",
                "pool_id": "t3.medium.us-east-1a",
            },
            "pricing": {
                "on_demand_price": 0.0416,
                "current_spot_price": 0.0125,
                "cheapest_pool": {"pool_id": "t3.medium.us-east-1b", "price": 0.011},
                "spot_pools": SPOT_POOLS,
                "collected_at": collected_at,
            },
        }

    def test_on_demand_there_is_no_current_pool(self) -> None:
        sent = pricing_report(Program.A, a_machine(mode="ondemand"), QUOTES, AT)

        assert sent["instance"] == {
            "instance_id": "i-1",
            "instance_type": "t3.medium",
            "region": "us-east-1",
            "az": "us-east-1a",
            "mode": "ondemand",
            "pool_id": None,
        }
        assert sent["pricing"] == {
            "on_demand_price": 0.0416,
            "current_spot_price": None,
            "cheapest_pool": None,
            "spot_pools": SPOT_POOLS,
            "collected_at": "2026-11-20T09:31:09.927104",
        }

    def test_b_has_its_own_shape_and_no_time(self) -> None:
        assert pricing_report(Program.B, a_machine(), QUOTES, AT) == {
            "instance": {
                "instance_id": "i-1",
                "instance_type": "t3.medium",
                "region": "us-east-1",
                "az": "us-east-1a",
                "current_mode": "spot",
                "current_pool_id": "t3.medium.us-east-1a",
            },
            "on_demand_price": {"price": 0.0416},
            "spot_pools": SPOT_POOLS,
        }


class TestCleanupReport:
    def test_a_writes_times_without_zone(self) -> None:
        assert cleanup_report(Program.A, AT, has_something_to_remove=True) == {
            "timestamp": "2026-11-20T09:31:09.927104",
            "snapshots": {
                "type": "snapshots",
                "deleted": [],
                "failed": [],
                "cutoff_date": "2026-11-13T09:31:09.927104",
            },
            "amis": {
                "type": "amis",
                "deleted_amis": [],
                "deleted_snapshots": [],
                "failed": [],
                "cutoff_date": "2026-11-13T09:31:09.927104",
            },
        }

    def test_c_fails_as_soon_as_there_is_something_to_remove(self) -> None:
        error = "can't compare offset-naive and offset-aware datetimes"

        assert cleanup_report(Program.C, AT, has_something_to_remove=True) == {
            "timestamp": "2026-11-20T09:31:09.927104+00:00",
            "snapshots": {"type": "snapshots", "deleted": [], "failed": [], "error": error},
            "amis": {
                "type": "amis",
                "deleted_amis": [],
                "deleted_snapshots": [],
                "failed": [],
                "error": error,
            },
        }


class TestSignals:
    def test_a_rebalance_recommendation(self) -> None:
        assert rebalance_recommendation(Program.C, a_machine(), AT) == {
            "instance_id": "i-1",
            "detected_at": "2026-11-20T09:31:09.927104+00:00",
        }

    def test_a_termination_notice_repeats_the_text_of_aws(self) -> None:
        assert termination_imminent(Program.A, a_machine(), AT + timedelta(minutes=2), AT) == {
            "instance_id": "i-1",
            "termination_time": "2026-11-20T09:33:09Z",
            "detected_at": "2026-11-20T09:31:09.927104",
        }


class TestSwitchReport:
    COURSE = SwitchCourse(
        initiated_at=datetime(2026, 11, 20, 8, 0, 0, tzinfo=UTC),
        image_at=datetime(2026, 11, 20, 8, 0, 10, tzinfo=UTC),
        launched_at=datetime(2026, 11, 20, 8, 0, 20, tzinfo=UTC),
        ready_at=datetime(2026, 11, 20, 8, 0, 30, tzinfo=UTC),
        traffic_at=datetime(2026, 11, 20, 8, 0, 32, tzinfo=UTC),
        old_ended_at=datetime(2026, 11, 20, 8, 5, 32, tzinfo=UTC),
    )
    NEW = a_machine("i-0abcdef12", POOL_B, ami_id="ami-2")

    def report(self, program: Program, course: SwitchCourse = COURSE) -> dict[str, object]:
        return switch_report(
            program, a_machine(), self.NEW, QUOTES, course, target_mode="spot", trigger="manual"
        )

    def test_a_names_its_image(self) -> None:
        assert self.report(Program.A) == {
            "old_instance": {
                "instance_id": "i-1",
                "instance_type": "t3.medium",
                "region": "us-east-1",
                "az": "us-east-1a",
                "ami_id": "ami-1",
                "mode": "spot",
                "pool_id": "t3.medium.us-east-1a",
            },
            "new_instance": {
                "instance_id": "i-0abcdef12",
                "instance_type": "t3.medium",
                "region": "us-east-1",
                "az": "us-east-1b",
                "ami_id": "ami-2",
                "mode": "spot",
                "pool_id": "t3.medium.us-east-1b",
            },
            "snapshot": {"used": True, "ami_id": "ami-2", "ami_name": "spot-optimizer-0abcdef1"},
            "prices": {"on_demand": 0.0416, "old_spot": 0.0125, "new_spot": 0.011},
            "timing": {
                "switch_initiated_at": "2026-11-20T08:00:00Z",
                "snapshot_created_at": "2026-11-20T08:00:10Z",
                "ami_created_at": "2026-11-20T08:00:10Z",
                "new_instance_launched_at": "2026-11-20T08:00:20Z",
                "new_instance_ready_at": "2026-11-20T08:00:30Z",
                "traffic_switched_at": "2026-11-20T08:00:32Z",
                "old_instance_terminated_at": "2026-11-20T08:05:32Z",
            },
            "trigger": "manual",
        }

    def test_b_names_its_snapshot_and_four_times(self) -> None:
        sent = self.report(Program.B)

        assert sent["snapshot"] == {
            "used": True,
            "snapshot_id": "snap-0abcdef12",
            "volume_id": "vol-0abcdef12",
        }
        assert sent["timing"] == {
            "switch_initiated_at": "2026-11-20T08:00:00Z",
            "new_instance_ready_at": "2026-11-20T08:00:30Z",
            "traffic_switched_at": "2026-11-20T08:00:32Z",
            "old_instance_terminated_at": "2026-11-20T08:05:32Z",
        }

    def test_c_writes_offsets(self) -> None:
        sent = self.report(Program.C)

        assert sent["snapshot"] == {"used": False}
        assert sent["timing"] == {
            "switch_initiated_at": "2026-11-20T08:00:00+00:00",
            "new_instance_launched_at": "2026-11-20T08:00:20+00:00",
            "new_instance_ready_at": "2026-11-20T08:00:30+00:00",
            "traffic_switched_at": "2026-11-20T08:00:32+00:00",
            "old_instance_terminated_at": "2026-11-20T08:05:32+00:00",
        }

    def test_c_names_no_end_of_an_instance_it_keeps(self) -> None:
        kept = SwitchCourse(
            initiated_at=AT, launched_at=AT, ready_at=AT, traffic_at=AT, old_ended_at=None
        )

        assert "old_instance_terminated_at" not in str(self.report(Program.C, kept))

    @pytest.mark.parametrize(
        ("program", "prices"),
        [
            (Program.A, {"on_demand": 0.0416, "old_spot": None, "new_spot": 0.011}),
            (Program.B, {"on_demand": 0.0416, "new_spot": 0.011}),
            (Program.C, {"on_demand": 0.0416, "old_spot": None, "new_spot": 0.011}),
        ],
    )
    def test_an_old_on_demand_instance_had_no_spot_price(
        self, program: Program, prices: dict[str, object]
    ) -> None:
        old = a_machine(mode="ondemand")
        sent = switch_report(
            program, old, self.NEW, QUOTES, self.COURSE, target_mode="spot", trigger="model"
        )

        assert sent["prices"] == prices


class TestOrders:
    ITEM = {  # noqa: RUF012 - a literal to read
        "id": "c-1",
        "instance_id": "i-1",
        "target_mode": "spot",
        "target_pool_id": "t3.medium.us-east-1b",
        "priority": 75,
        "terminate_wait_seconds": 300,
        "created_at": "2026-01-01T00:00:03",
    }
    ORDER = Order(
        command_id="c-1",
        command_type="switch",
        target_mode="spot",
        target_pool_id="t3.medium.us-east-1b",
        priority=75,
        terminate_wait_s=300.0,
    )

    @pytest.mark.parametrize("envelope", [None, "commands", "pending_commands", "data"])
    def test_a_list_is_read_bare_or_wrapped(self, envelope: str | None) -> None:
        body: object = [self.ITEM] if envelope is None else {envelope: [self.ITEM]}

        assert list(read_orders(body)) == [self.ORDER]

    @pytest.mark.parametrize("body", [None, {}, [], "x", [None], [{}], {"commands": 3}])
    def test_what_is_no_command_is_none(self, body: object) -> None:
        assert list(read_orders(body)) == []

    @pytest.mark.parametrize(("priority", "trigger"), [(49, "model"), (50, "manual")])
    def test_the_priority_tells_who_ordered_it(self, priority: int, trigger: str) -> None:
        (order,) = read_orders([{**self.ITEM, "priority": priority}])

        assert order.trigger == trigger
