"""Where the agents of a fleet start, and which program each of them is."""

from collections.abc import Iterator
from itertools import count as count_from
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
    programs = (program for program in _programs() for _ in range(alike))
    agents: list[LogicalAgent] = []
    for number, program in zip(range(1, count + 1), programs, strict=False):
        first_alike = number - (number - 1) % alike
        draws = chance(seed, _name(first_alike))
        agents.append(_seated(cloud, groups, _name(number), program, draws))
    return agents


def _programs() -> Iterator[Program]:
    """One program after another in their shares, so that a small fleet has them, too."""
    dealt = dict.fromkeys(PROGRAM_SHARES, 0)
    for so_far in count_from(1):
        lacking = {it: share * so_far - dealt[it] for it, share in PROGRAM_SHARES.items()}
        program = max(lacking, key=lacking.__getitem__)
        dealt[program] += 1
        yield program


def _name(number: int) -> str:
    return f"sim-{number:04d}"


def _groups(cloud: Cloud) -> list[list[Pool]]:
    groups: dict[tuple[str, str], list[Pool]] = {}
    for pool in cloud.market.pools:
        groups.setdefault(pool.group, []).append(pool)
    return [groups[group] for group in sorted(groups)]


def _seated(
    cloud: Cloud, groups: list[list[Pool]], logical_id: str, program: Program, draws: Random
) -> LogicalAgent:
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
