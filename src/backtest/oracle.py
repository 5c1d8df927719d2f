"""The cheapest course that anybody could have taken who knew the whole trace."""

from typing import Final

import numpy

from spot_optimizer.backtest.agents import Observation, Placement
from spot_optimizer.backtest.charging import Bill
from spot_optimizer.backtest.profiles import DOWNTIME_HOURS, NOTICE_S, Profile
from spot_optimizer.backtest.replaying import Replay
from spot_optimizer.backtest.traces import ON_DEMAND, Counts, Trace

_NEVER: Final = 1e18


def best_course(trace: Trace, profile: Profile) -> list[int]:
    """The place at each tick that is judged: least objective over all plans without replicas.

    An exact dynamic programme over (tick, place): on arrival at a tick one stays, or pays for a
    move from wherever leaving is cheapest; a place that is gone cannot be stayed in.
    """
    places = len(trace.pools) + 1
    on_demand = places - 1
    prices = numpy.column_stack([trace.prices, numpy.full(trace.ticks, trace.on_demand_price)])
    up = numpy.column_stack([trace.up, numpy.ones(trace.ticks, bool)])
    boots = profile.boots(trace.ticks, trace.number)
    second = DOWNTIME_HOURS * trace.on_demand_price / 3600
    least = numpy.full(places, _NEVER)
    least[on_demand] = 0.0
    came_from = numpy.empty((trace.ticks - trace.start, places), numpy.int64)
    everywhere = numpy.arange(places)
    running = prices * (trace.tick_s / 3600)
    moving = prices * ((boots + profile.cut_over_s + profile.drain_s) / 3600)[:, None]
    moving += second * profile.cut_over_s
    lost = second * (numpy.maximum(0.0, boots - NOTICE_S) + profile.cut_over_s)
    leaving = numpy.where(up, moving, lost[:, None])
    for row, tick in enumerate(range(trace.start, trace.ticks)):
        left = least + leaving[tick]
        origin = int(left.argmin())
        arrived = left[origin]
        stayed = numpy.where(up[tick], least, _NEVER)
        stays = stayed <= arrived
        came_from[row] = numpy.where(stays, everywhere, origin)
        least = numpy.where(up[tick], numpy.where(stays, stayed, arrived) + running[tick], _NEVER)
    return _walked_back(came_from, int(least.argmin()), on_demand)


def _walked_back(came_from: Counts, place: int, on_demand: int) -> list[int]:
    course = []
    for origins in came_from[::-1]:
        course.append(ON_DEMAND if place == on_demand else place)
        place = int(origins[place])
    return course[::-1]


def bill_of(course: list[int], trace: Trace, profile: Profile) -> Bill:
    """What that course is charged; it never chooses a place that is not up."""

    def follow(seen: Observation) -> Placement:
        return Placement(course[seen.tick - trace.start])

    return Replay(trace, profile, follow).run()
