"""The commands and their options. What a command needs is imported when it is given."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from spot_optimizer.cli.settings_help import ToldWithSettings

_FORM: Final = {"help_option_names": ["-h", "--help"]}

app = typer.Typer(
    help="Self-hosted control plane for AWS EC2 spot fleets.",
    epilog=(
        "Everything else is set by environment variables: see `settings`.\n\n"
        "Exit codes: 0 done, 1 failed, 2 wrong option or setting, 3 port in use, "
        "4 database unusable."
    ),
    context_settings=_FORM,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
database = typer.Typer(help="The schema of the database.", no_args_is_help=True)
admin = typer.Typer(help="Access for operators.", no_args_is_help=True)
admin_token = typer.Typer(help="The operator's token.", no_args_is_help=True)
decisions = typer.Typer(help="Decisions on record.", no_args_is_help=True)
jobs = typer.Typer(help="Background jobs.", no_args_is_help=True)
models = typer.Typer(help="Uploaded models on trial.", no_args_is_help=True)
app.add_typer(database, name="db")
app.add_typer(decisions, name="decisions")
app.add_typer(jobs, name="jobs")
app.add_typer(models, name="models")
app.add_typer(admin, name="admin")
admin.add_typer(admin_token, name="token")

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


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"spot-optimizer {version('spot-optimizer')}")
        raise typer.Exit


@app.callback()
def _options(
    show_version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    pass


@app.command(cls=ToldWithSettings)
def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; default: HOST, else 127.0.0.1.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; default: PORT, else 5000.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="How many processes.")] = 1,
    dashboard_dir: Annotated[
        Path | None,
        typer.Option(help="A built dashboard to serve beside the API; default: DASHBOARD_DIR."),
    ] = None,
) -> None:
    """Serve the API until Ctrl-C.

    Log lines go to standard output and to LOG_FILE.

    Requests have a line each with LOG_LEVEL=DEBUG only: such lines cost speed.
    """
    from spot_optimizer.cli.serve import serve

    serve(host, port, workers, dashboard_dir)


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


@app.command(cls=ToldWithSettings)
def worker(
    threads: Annotated[
        int | None, typer.Option(min=1, help="Jobs at a time; default: all of them.")
    ] = None,
) -> None:
    """Run the background jobs that schedulers send by REDIS_URL, until Ctrl-C."""
    from spot_optimizer.cli.jobs import work

    work(threads)


@app.command(cls=ToldWithSettings)
def scheduler() -> None:
    """Send background jobs to the workers when they are due, until Ctrl-C.

    Any number of schedulers may run: each slot is sent once.
    """
    from spot_optimizer.cli.jobs import schedule

    schedule()


@jobs.command("list")
def list_jobs() -> None:
    """Show the jobs with their last and next runs."""
    from spot_optimizer.cli.jobs import show

    show()


@jobs.command("run")
def run_job(name: Annotated[str, typer.Argument(help="Of `jobs list`.")]) -> None:
    """Run a job here and now, whenever it is due."""
    from spot_optimizer.cli.jobs import run

    run(name)


@jobs.command("history")
def job_history(
    name: Annotated[str | None, typer.Argument(help="Of `jobs list`; default: all.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many runs.")] = 20,
) -> None:
    """Show the runs that have ended, the newest first."""
    from spot_optimizer.cli.jobs import history

    history(name, limit)


@app.command()
def settings(
    environment: Annotated[
        bool, typer.Option("--environment", help="As a file of variables, all commented out.")
    ] = False,
    chart: Annotated[bool, typer.Option("--chart", help="As values of the Helm chart.")] = False,
) -> None:
    """Print everything that can be set, all of it by environment variables."""
    from spot_optimizer.cli.settings_reference import chart_values, environment_file, plain_text

    if chart:
        typer.echo(chart_values(), nl=False)
    else:
        typer.echo(environment_file() if environment else plain_text())


@app.command()
def parity(
    old: Annotated[str, typer.Option(help="Where the monolith is.")],
    new: Annotated[str, typer.Option(help="Where this server is.")],
    old_token: Annotated[
        str | None,
        typer.Option(envvar="OLD_TOKEN", help="For the old one; it may be open."),
    ] = None,
    new_token: Annotated[
        str | None,
        typer.Option(envvar="NEW_TOKEN", help="For the new one: an operator's."),
    ] = None,
    agent_token: Annotated[
        str | None, typer.Option(envvar="AGENT_TOKEN", help="A client's, for its agents' routes.")
    ] = None,
    recordings: Annotated[
        Path | None,
        typer.Option(help="Ask what these recordings ask; otherwise what the old server lists."),
    ] = None,
    sample: Annotated[int, typer.Option(min=1, help="Of each kind, ask about so many.")] = 20,
    writes: Annotated[
        bool,
        typer.Option("--writes", help="Also send what changes something."),
    ] = False,
    report: Annotated[Path, typer.Option(help="Where the report goes.")] = Path("parity.md"),
) -> None:
    """Ask two servers the same and compare their answers; changes nothing unless --writes.

    Exit code 0 when they answer alike, apart from documented fixes, else 1.
    """
    from spot_optimizer.cli.parity import parity

    told = parity(
        old,
        new,
        old_token=old_token,
        new_token=new_token,
        agent_token=agent_token,
        recordings=recordings,
        sample=sample,
        report=report,
        writes=writes,
    )
    typer.echo(told)


@database.command()
def init() -> None:
    """Create what is missing of the schema; what is there stays as it is."""
    from spot_optimizer.cli.database_commands import init

    init()


@database.command()
def check() -> None:
    """Say whether the database can carry the server: exit code 0, else 1."""
    from spot_optimizer.cli.database_commands import check

    check()


Archive = Annotated[Path, typer.Argument(metavar="FILE", help="A .tar.gz archive.")]


@database.command()
def backup(target: Archive) -> None:
    """Put the database and the model files into an archive; the server may go on meanwhile."""
    from spot_optimizer.cli.backups import backup

    typer.echo(backup(target))


@database.command()
def restore(source: Archive) -> None:
    """Put an archive back, into a database and folders that hold nothing yet."""
    from spot_optimizer.cli.backups import restore

    typer.echo(restore(source))


@admin_token.command()
def show() -> None:
    """Print the token."""
    from spot_optimizer.cli.admin_token import show

    show()


@admin_token.command()
def rotate() -> None:
    """Replace the token and print the new one; a running server knows it at once."""
    from spot_optimizer.cli.admin_token import rotate

    rotate()


@decisions.command()
def replay(
    decision_id: Annotated[int, typer.Argument(metavar="ID", help="Of decision_engine_log.")],
) -> None:
    """Make a decision again from what is on record of it, and print it.

    Exit code 0 when it comes out as it did, byte for byte, else 1.
    """
    from spot_optimizer.cli.decisions import replay

    replay(decision_id)


@app.command()
def backtest(
    data: Annotated[
        Path | None, typer.Option(help="A folder of recordings, with agents.json in it.")
    ] = None,
    from_server: Annotated[
        bool, typer.Option("--from-server", help="Judge on what this server has on record.")
    ] = False,
    policy: Annotated[
        list[str] | None,
        typer.Option(
            help="Who takes part, by name, or `baselines`; as often as wanted; otherwise all."
        ),
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="For the placement policy; default: the packaged one.")
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Results; what is finished there is not computed again.")
    ] = Path("backtest"),
    profile: Annotated[
        Literal["light", "heavy", "both"], typer.Option(help="What moving costs an agent.")
    ] = "both",
    processes: Annotated[
        int | None, typer.Option(min=1, help="At a time; default: one per processor.")
    ] = None,
) -> None:
    """Judge the placement policy and simpler ones on recorded time.

    Writes results.csv, results.parquet and report.html.
    """
    from spot_optimizer.cli.backtest import backtest

    backtest(
        data,
        from_server=from_server,
        policies=policy or [],
        model=model,
        out=out,
        profiles=["light", "heavy"] if profile == "both" else [profile],
        processes=processes,
    )


@app.command()
def train(
    data: Annotated[
        Path | None, typer.Option(help="A folder of recordings, with agents.json in it.")
    ] = None,
    from_server: Annotated[
        bool, typer.Option("--from-server", help="Learn from what this server has on record.")
    ] = False,
    until: Annotated[
        str | None,
        typer.Option(help="Learn from what was before, as ISO 8601, and leave the rest to judge."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Where the model and its card go.")] = Path("model"),
) -> None:
    """Train the model of interruption risk and prices that placement is decided by.

    Writes placement_model.skops, for uploading, and placement_model.json with figures and card.
    """
    from spot_optimizer.cli.train import train

    train(data, from_server=from_server, until=until, out=out)


AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


@models.command()
def judge(
    session_id: Annotated[str, typer.Argument(metavar="SESSION", help="Of an upload.")],
    against: Annotated[
        str | None, typer.Option(help="The session in service; default: the packaged model.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say whether models may go into service, and by which figures."""
    from spot_optimizer.cli.judging import judge

    judge(session_id, against, as_json=as_json)


@models.command()
def drift(
    session_id: Annotated[str, typer.Argument(metavar="SESSION", help="Of an upload.")],
    since: Annotated[str, typer.Option(help="When they went into service, as ISO 8601.")],
    as_json: AsJson = False,
) -> None:
    """Say how forecasts have done since models went into service."""
    from spot_optimizer.cli.judging import drift

    drift(session_id, since, as_json=as_json)


@app.command("openapi", hidden=True)
def openapi() -> None:
    """Print the documentation of the API, which is packaged."""
    from spot_optimizer.cli.openapi import document

    typer.echo(document(), nl=False)


@app.command("state-machines", hidden=True)
def state_machines() -> None:
    """Print the diagrams of the documentation."""
    from spot_optimizer.cli.state_machines import document

    typer.echo(document(), nl=False)
