"""Where the agents of a fleet start, and which program each of them is."""

from random import Random
from typing import Final

from spot_optimizer.simulation.chance import chance
from spot_optimizer.simulation.machines import Cloud, Machine, Mode
from spot_optimizer.simulation.payloads import Program
from spot_optimizer.simulation.pools import Pool
from spot_optimizer.simulation.world import LogicalAgent

PROGRAM_SHARES: Final = {Program.A: 0.45, Program.B: 0.15, Program.C: 0.40}

ON_DEMAND_SHARE: Final = 0.1
"""Share of the agents that start on demand and have yet to be moved to spot."""

LEFTOVERS_SHARE: Final = 0.25
"""Share of the agents whose account holds old images."""


def seat(cloud: Cloud, count: int, seed: int, alike: int = 1) -> list[LogicalAgent]:
    """Launch the first machine of each agent: one type per agent, its zone by chance.

    So many in a row are `alike`: they have the same program, pool and mode, and the same draws for
    whatever is left to chance later. Pools with room come first; a trace may begin with none.
    """
    groups = _groups(cloud)
    return [_seated(cloud, groups, number, alike, seed) for number in range(1, count + 1)]


def _groups(cloud: Cloud) -> list[list[Pool]]:
    groups: dict[tuple[str, str], list[Pool]] = {}
    for pool in cloud.market.pools:
        groups.setdefault(pool.group, []).append(pool)
    return [groups[group] for group in sorted(groups)]


def _seated(
    cloud: Cloud, groups: list[list[Pool]], number: int, alike: int, seed: int
) -> LogicalAgent:
    logical_id = f"sim-{number:04d}"
    first_alike = number - (number - 1) % alike
    draws = chance(seed, f"sim-{first_alike:04d}")
    program = draws.choices(list(PROGRAM_SHARES), list(PROGRAM_SHARES.values()))[0]
    return LogicalAgent(
        logical_id=logical_id,
        program=program,
        draws=draws,
        machine=_first_machine(cloud, groups, draws),
        has_leftovers=draws.random() < LEFTOVERS_SHARE,
    )


def _first_machine(cloud: Cloud, groups: list[list[Pool]], draws: Random) -> Machine:
    pools = draws.choice(groups)
    open_pools = [pool for pool in pools if cloud.has_room(pool)]
    pool = draws.choice(open_pools or pools)
    mode: Mode = "ondemand" if draws.random() < ON_DEMAND_SHARE else "spot"
    return cloud.place(pool, mode)
