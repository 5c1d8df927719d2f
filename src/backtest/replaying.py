"""One decider against one trace: what AWS would have charged, and how long nothing ran."""

from spot_optimizer.backtest.agents import Decider, Observation
from spot_optimizer.backtest.charging import Bill
from spot_optimizer.backtest.profiles import RETRY_S, Profile
from spot_optimizer.backtest.traces import ON_DEMAND, Trace


class Replay:
    """Starts on demand at the first tick that is judged."""

    def __init__(self, trace: Trace, profile: Profile, decider: Decider) -> None:
        self._trace = trace
        self._profile = profile
        self._decider = decider
        self._boots: list[float] = profile.boots(trace.ticks, trace.number).tolist()
        self._seen = Observation(trace, profile)
        self.moves: list[tuple[int, int]] = []
        """Seconds since 1970, and where to."""
        self.bill = Bill(hours=trace.hours, on_demand_cost=trace.on_demand_price * trace.hours)

    def run(self) -> Bill:
        seen, trace, bill = self._seen, self._trace, self.bill
        hours = trace.tick_s / 3600
        spot = 0.0
        for tick in range(trace.start, trace.ticks):
            seen.tick = tick
            seen.now = trace.second_of[tick]
            seen.boot_s = self._boots[tick]
            seen.prices, seen.up = trace.price_rows[tick], trace.up_rows[tick]
            if seen.replica is not None and not seen.up[seen.replica]:
                seen.replica = None
                bill.replicas_lost += 1
            if seen.current != ON_DEMAND and not seen.up[seen.current]:
                self._reclaim()
            target, replica = self._decider(seen)
            if target != seen.current:
                self._move(target)
            if replica != seen.replica:
                self._hold(replica)
            if seen.current == ON_DEMAND:
                bill.on_demand_s += trace.tick_s
            else:
                spot += seen.prices[seen.current] * hours
            if seen.replica is not None:
                bill.replica += seen.prices[seen.replica] * hours
        on_demand = trace.on_demand_price * bill.on_demand_s / 3600
        bill.cost = spot + on_demand + bill.overlap + bill.replica
        return bill

    def _reclaim(self) -> None:
        seen, bill = self._seen, self.bill
        bill.interruptions += 1
        seen.interruptions.append((seen.now, seen.current))
        if seen.replica is not None and seen.replica_is_ready:
            bill.failovers += 1
            bill.down_s += self._profile.cut_over_s
            self._arrive(seen.replica)
            return
        seen.interrupted = True
        target = self._decider(seen).target
        seen.interrupted = False
        if target != ON_DEMAND and not seen.up[target]:
            bill.failed_launches += 1
            bill.down_s += RETRY_S
            target = ON_DEMAND
        bill.down_s += self._profile.reclaim_s(seen.boot_s)
        self._arrive(target)

    def _move(self, target: int) -> None:
        seen, bill, profile = self._seen, self.bill, self._profile
        if target != ON_DEMAND and not seen.up[target]:
            bill.failed_launches += 1
            return
        on_demand = seen.current == ON_DEMAND
        price = seen.on_demand_price if on_demand else seen.prices[seen.current]
        is_ready = target == seen.replica and seen.replica_is_ready
        bill.overlap += price * profile.move_hours(0.0 if is_ready else seen.boot_s)
        bill.down_s += profile.cut_over_s
        bill.planned += 1
        self._arrive(target, seen.replica if not is_ready else None)

    def _arrive(self, target: int, replica: int | None = None) -> None:
        seen = self._seen
        seen.current, seen.since, seen.replica = target, seen.tick, replica
        seen.switched_at.append(seen.now)
        self.moves.append((seen.now, target))
        self.bill.to_on_demand += target == ON_DEMAND

    def _hold(self, replica: int | None) -> None:
        seen = self._seen
        if replica is None:
            seen.replica = None
        elif replica not in (seen.current, ON_DEMAND):
            if seen.up[replica]:
                seen.replica = replica
                seen.replica_ready_at = seen.now + seen.boot_s
            else:
                self.bill.failed_launches += 1
