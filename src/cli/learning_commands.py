"""The commands of decisions, models and backtests, and their options."""

from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer()
decisions = typer.Typer(help="Decisions on record.", no_args_is_help=True)
models = typer.Typer(help="Uploaded models on trial.", no_args_is_help=True)
app.add_typer(decisions, name="decisions")
app.add_typer(models, name="models")


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
