"""The bill of one agent over one trace."""

from dataclasses import dataclass

from spot_optimizer.backtest.profiles import DOWNTIME_HOURS


@dataclass(slots=True, kw_only=True)
class Bill:
    """USD, seconds and counts."""

    hours: float
    on_demand_cost: float
    """What it would have cost never to leave on demand."""
    cost: float = 0.0
    overlap: float = 0.0
    """Of `cost`: two instances at once during planned moves."""
    replica: float = 0.0
    """Of `cost`: warm replicas."""
    down_s: float = 0.0
    on_demand_s: float = 0.0
    planned: int = 0
    to_on_demand: int = 0
    interruptions: int = 0
    failovers: int = 0
    """Reclaims that a warm replica took over from."""
    failed_launches: int = 0
    replicas_lost: int = 0

    @property
    def on_demand_price(self) -> float:
        return self.on_demand_cost / self.hours

    @property
    def objective(self) -> float:
        """What counts: dollars, and downtime at its value."""
        return self.cost + DOWNTIME_HOURS * self.on_demand_price * self.down_s / 3600
