"""The commands of the simulated fleet and their options."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer()

Agents = Annotated[int, typer.Option(min=1, help="How many agents.")]
Speedup = Annotated[float, typer.Option(min=0.01, help="Simulated seconds per real second.")]
Prices = Annotated[
    Path | None, typer.Option(help="Recorded prices; otherwise they wander from packaged ones.")
]
Interruptions = Annotated[
    Path | None, typer.Option(help="Recorded interruptions; otherwise nobody is interrupted.")
]
InterruptionsFrom = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%dT%H:%M:%SZ"],
        help="The instant of the recorded interruptions (UTC) at which the fleet starts.",
    ),
]
StormKind = Annotated[
    Literal["zone", "type", "region", "rebalance"] | None,
    typer.Option(help="Reclaim the spot instances of one zone, type or region at once."),
]
StormAfter = Annotated[
    float, typer.Option(min=0, help="Real seconds from when all agents have registered.")
]
StormShare = Annotated[
    float, typer.Option(min=0.001, max=1, help="How many of them the storm reclaims.")
]
Replicas = Annotated[
    Literal["none", "automatic", "manual", "compare"] | None,
    typer.Option(
        help="The agents' replica mode, or all three side by side; default: compare with "
        "--interruptions, else as the server has them."
    ),
]
Seed = Annotated[int, typer.Option(help="Chance repeats itself for the same seed.")]
Duration = Annotated[
    float | None, typer.Option(min=0, help="Real seconds to run; otherwise until Ctrl-C.")
]


@app.command()
def demo(
    port: Annotated[
        int | None, typer.Option(help="Port of the server; default: PORT, else 5000.")
    ] = None,
    agents: Agents = 25,
    speedup: Speedup = 20.0,
    seed: Seed = 1,
    duration: Duration = None,
) -> None:
    """Serve on this machine and let a simulated fleet use it, until Ctrl-C.

    The demo keeps its data in DATA_DIR and needs no other service.
    """
    from spot_optimizer.cli.demo import demo
    from spot_optimizer.cli.fleets import Fleet

    demo(port, Fleet(agents=agents, speedup=speedup, seed=seed, duration_s=duration))


@app.command()
def simulate(
    url: Annotated[str, typer.Option(help="Where the server is.")] = "http://127.0.0.1:5000",
    token: Annotated[str | None, typer.Option(help="Token of the fleet's client.")] = None,
    admin_token: Annotated[
        str | None,
        typer.Option(
            envvar="ADMIN_API_TOKEN",
            help="Without --token: creates the fleet's client; default: the one in DATA_DIR.",
        ),
    ] = None,
    agents: Agents = 25,
    speedup: Speedup = 20.0,
    prices: Prices = None,
    interruptions: Interruptions = None,
    interruptions_from: InterruptionsFrom = None,
    storm: StormKind = None,
    storm_after: StormAfter = 30.0,
    storm_share: StormShare = 1.0,
    replicas: Replicas = None,
    seed: Seed = 1,
    duration: Duration = None,
) -> None:
    """Run a simulated fleet against a server, until Ctrl-C."""
    from spot_optimizer.cli.fleets import Fleet
    from spot_optimizer.cli.simulate import simulate
    from spot_optimizer.simulation import replica_modes, storms

    modes = tuple(replica_modes.ReplicaMode)
    if replicas is None and interruptions is None:
        modes = ()
    elif replicas not in (None, "compare"):
        modes = (replica_modes.ReplicaMode(replicas),)
    fleet = Fleet(
        agents=agents,
        speedup=speedup,
        seed=seed,
        duration_s=duration,
        prices=prices,
        interruptions=interruptions,
        interruptions_begin=interruptions_from and interruptions_from.replace(tzinfo=UTC),
        replica_modes=modes,
        storm=storm and storms.Storm(storms.StormKind(storm), storm_after, storm_share),
    )
    simulate(fleet, url, token, admin_token)
