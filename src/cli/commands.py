"""The commands and their options. What a command needs is imported when it is given."""

from pathlib import Path
from typing import Annotated, Final

import typer

from spot_optimizer.cli.learning_commands import app as learnt
from spot_optimizer.cli.settings_help import ToldWithSettings
from spot_optimizer.cli.simulation_commands import app as simulated

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
jobs = typer.Typer(help="Background jobs.", no_args_is_help=True)
app.add_typer(simulated)
app.add_typer(learnt)
app.add_typer(database, name="db")
app.add_typer(jobs, name="jobs")
app.add_typer(admin, name="admin")
admin.add_typer(admin_token, name="token")


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
