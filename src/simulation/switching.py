"""How an agent moves to another instance, in the order the real programs keep to."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from spot_optimizer.simulation.commands import Order
from spot_optimizer.simulation.machines import Machine, Mode
from spot_optimizer.simulation.payloads import Payload, Program, SwitchCourse, switch_report
from spot_optimizer.simulation.world import LogicalAgent, World

TERMINATE_WAIT: Final = timedelta(seconds=300)
"""How long A and B keep the old instance beside the new one; they cannot be told otherwise."""

TRAFFIC_DELAY: Final = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Switched:
    """A switch that came to its end, ready to be reported."""

    report: Payload
    old_ended: bool
    took: timedelta
    """Simulated time since the order was taken up."""


async def switch(
    world: World, agent: LogicalAgent, old: Machine, order: Order, target_mode: Mode
) -> Switched:
    """Image, launch, wait until it runs, let both run, end the old one. Raises NoCapacity.

    The successor's own agent is up minutes before this ends. Program A bakes an image first, B
    snapshots the disk; B and C boot the image the old instance booted from.
    """
    time, begun = world.time, world.time.elapsed()
    initiated_at = time.now()
    image_at = await _prepare_image(world, agent)
    new = _launch(world, agent.program, old, order, target_mode)
    launched_at = time.now()
    agent.machine = new
    world.boot(agent, new, agent.between(30, 90))
    await time.wait(agent.between(15, 40))
    ready_at = time.now()
    await time.wait(TRAFFIC_DELAY)
    agent.comes_up(new, time.elapsed())
    traffic_at = time.now()
    old_ended_at = await _end(world, agent, old, _wait_before_end(agent.program, order))
    course = SwitchCourse(
        initiated_at=initiated_at,
        image_at=image_at,
        launched_at=launched_at,
        ready_at=ready_at,
        traffic_at=traffic_at,
        old_ended_at=old_ended_at,
    )
    report = switch_report(
        agent.program,
        old,
        new,
        world.quotes(old.pool),
        course,
        target_mode=target_mode,
        trigger=order.trigger,
    )
    return Switched(report, old_ended_at is not None, time.elapsed() - begun)


async def _prepare_image(world: World, agent: LogicalAgent) -> datetime | None:
    match agent.program:
        case Program.A:
            await world.time.wait(agent.between(60, 180))
        case Program.B:
            await world.time.wait(agent.between(20, 60))
        case Program.C:
            return None
    return world.time.now()


def _launch(
    world: World, program: Program, old: Machine, order: Order, target_mode: Mode
) -> Machine:
    ami_id = None if program is Program.A else old.ami_id
    if target_mode == "spot" and order.target_pool_id is not None:
        pool = world.cloud.find_pool(order.target_pool_id)
        return world.cloud.launch(pool, "spot", ami_id)
    # Spot without a pool: all three programs launch on demand, and report spot.
    return world.cloud.launch(old.pool, "ondemand", ami_id)


def _wait_before_end(program: Program, order: Order) -> timedelta | None:
    """None when the old instance is kept."""
    if program is not Program.C:
        return TERMINATE_WAIT
    return timedelta(seconds=order.terminate_wait_s) if order.terminate_wait_s > 0 else None


async def _end(
    world: World, agent: LogicalAgent, old: Machine, wait: timedelta | None
) -> datetime | None:
    """End the old instance and wait until it is terminated; the time it was, or None if kept."""
    if wait is None:
        return None
    await world.time.wait(wait)
    world.cloud.end(old)
    agent.standbys.pop(old.instance_id, None)
    await world.time.wait(agent.between(20, 45))
    return world.time.now()
