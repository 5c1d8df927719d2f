"""Simulated instances, and the cloud that launches, ends and charges for them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Final, Literal

from spot_optimizer.simulation.interruptions import InterruptionTrace
from spot_optimizer.simulation.market import Market
from spot_optimizer.simulation.pools import Pool
from spot_optimizer.simulation.simulated_time import SimulatedTime

Mode = Literal["spot", "ondemand"]

_SECONDS_PER_HOUR: Final = Decimal(3600)


class NoCapacity(Exception):
    """The pool has no room for another spot instance now, or does not exist."""


@dataclass(frozen=True, slots=True)
class Machine:
    """One simulated instance. An on-demand one stands in a zone, too, but in no spot pool."""

    instance_id: str
    pool: Pool
    mode: Mode
    ami_id: str
    hostname: str
    private_ip: str
    public_ip: str | None

    @property
    def pool_id(self) -> str | None:
        return self.pool.id if self.mode == "spot" else None


@dataclass(slots=True)
class Spending:
    """What the machines of a fleet have cost, in simulated time; money in USD."""

    instance_hours: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)


class Cloud:
    """Launches and ends machines and keeps the bill."""

    def __init__(
        self,
        market: Market,
        trace: InterruptionTrace | None,
        time: SimulatedTime,
        identities: Random,
    ) -> None:
        self.market = market
        self.spending = Spending()
        self._trace = trace
        self._time = time
        self._identities = identities
        self._charged_until: dict[Machine, timedelta] = {}
        self._closed_until: dict[Pool, timedelta] = {}
        self._paid: dict[Machine, Decimal] = {}

    @property
    def running(self) -> tuple[Machine, ...]:
        return tuple(self._charged_until)

    def is_running(self, machine: Machine) -> bool:
        return machine in self._charged_until

    def paid_for(self, machine: Machine) -> Decimal:
        """USD, up to the last charge."""
        return self._paid.get(machine, Decimal(0))

    def spot_price(self, pool: Pool) -> Decimal:
        """USD per hour now."""
        return self.market.spot_price(pool, self._time.elapsed())

    def neighbours(self, pool: Pool) -> tuple[Pool, ...]:
        """Every pool of the same type and region, the pool itself among them."""
        return tuple(other for other in self.market.pools if other.group == pool.group)

    def find_pool(self, pool_id: str) -> Pool:
        for pool in self.market.pools:
            if pool.id == pool_id:
                return pool
        raise NoCapacity(f"no pool {pool_id}")

    def close(self, pool: Pool, length: timedelta) -> None:
        """Nothing more can be launched in a pool for so long."""
        self._closed_until[pool] = self._time.elapsed() + length

    def has_room(self, pool: Pool) -> bool:
        if self._time.elapsed() < self._closed_until.get(pool, timedelta(0)):
            return False
        return self._trace is None or self._trace.is_available(pool, self._time.elapsed())

    def launch(self, pool: Pool, mode: Mode, ami_id: str | None = None) -> Machine:
        """Start a machine, from a new image unless one is named. Raises NoCapacity."""
        if mode == "spot" and not self.has_room(pool):
            raise NoCapacity(f"no room in {pool.id}")
        return self.place(pool, mode, ami_id)

    def place(self, pool: Pool, mode: Mode, ami_id: str | None = None) -> Machine:
        """A machine that runs already, whether there is room for another or not; it costs now."""
        draw = self._identities
        a, b, c = draw.randrange(256), draw.randrange(256), draw.randrange(1, 255)
        has_public_address = draw.random() < 0.5
        machine = Machine(
            instance_id=f"i-{draw.getrandbits(68):017x}",
            pool=pool,
            mode=mode,
            ami_id=ami_id or self.new_image(),
            hostname=f"ip-10-{a}-{b}-{c}",
            private_ip=f"10.{a}.{b}.{c}",
            public_ip=f"198.51.100.{c}" if has_public_address else None,
        )
        self._charged_until[machine] = self._time.elapsed()
        return machine

    def new_image(self) -> str:
        return f"ami-{self._identities.getrandbits(68):017x}"

    def end(self, machine: Machine) -> None:
        """End a machine and charge it; ending it twice changes nothing."""
        self.charge([machine])
        self._charged_until.pop(machine, None)

    def charge(self, machines: Iterable[Machine] | None = None) -> None:
        """Bill the time since the last charge at the price that held when it began."""
        now = self._time.elapsed()
        for machine in self.running if machines is None else machines:
            since = self._charged_until.get(machine)
            if since is None:
                continue
            hours = Decimal((now - since).total_seconds()) / _SECONDS_PER_HOUR
            price = (
                self.market.spot_price(machine.pool, since)
                if machine.mode == "spot"
                else self.market.on_demand_price(machine.pool)
            )
            self.spending.instance_hours += hours
            self.spending.paid += hours * price
            self._paid[machine] = self.paid_for(machine) + hours * price
            self._charged_until[machine] = now
