"""Where an agent's workload runs, and for how long it ran nowhere."""

from datetime import timedelta

from spot_optimizer.simulation.machines import Machine


class Workload:
    """Runs on one machine at a time; times are simulated, since the start of the fleet."""

    def __init__(self, machine: Machine) -> None:
        self.machine: Machine | None = machine
        """None while it is down."""
        self._down_since: timedelta | None = None
        self._lost = timedelta(0)

    def run_on(self, machine: Machine, at: timedelta) -> None:
        """It goes on there; if it was down, what it has lost is known now."""
        self._lost = self.lost(at)
        self._down_since = None
        self.machine = machine

    def lose(self, machine: Machine, at: timedelta) -> None:
        """A machine is gone; the workload is down if it ran there."""
        if self.machine is machine:
            self.machine = None
            self._down_since = at

    def lost(self, at: timedelta) -> timedelta:
        """For how long it was down in all, an outage that still lasts among it."""
        return self._lost + (
            at - self._down_since if self._down_since is not None else timedelta(0)
        )
