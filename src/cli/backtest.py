"""`spot-optimizer backtest`: what decisions would have cost on recorded time."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from spot_optimizer.adapters.ml.predictors import NotAModel
from spot_optimizer.backtest.baselines import BASELINES
from spot_optimizer.backtest.contestants import Contestant, baselines
from spot_optimizer.backtest.exports import write_tables
from spot_optimizer.backtest.forecasts import Forecast, answered, counted, labelled
from spot_optimizer.backtest.pieces import Pieces
from spot_optimizer.backtest.placing import Models, PlacementPolicy
from spot_optimizer.backtest.profiles import PROFILES
from spot_optimizer.backtest.recorded_files import Recording, RecordingUnusable
from spot_optimizer.backtest.report.page import Report, page
from spot_optimizer.backtest.results import ORACLE, Mean, Outcome, by_place, means
from spot_optimizer.backtest.running import run
from spot_optimizer.backtest.scenarios import Scenarios
from spot_optimizer.backtest.session_models import models_in, prior
from spot_optimizer.backtest.traces import Trace, Track
from spot_optimizer.cli.failures import FAILED, WRONG_SETTING, Failure
from spot_optimizer.cli.server_record import traces_of_server
from spot_optimizer.domain.placement.count_table import CountTable

_ALL_BASELINES: Final = "baselines"
_WITHOUT_MODEL: Final = "placement, no model"
_REPORT: Final = "report.html"
_TOLD_INTERRUPTIONS: Final = (Track.AVAILABILITY, Track.PREEMPTION, Track.SERVER)


def backtest(
    data: Path | None,
    *,
    from_server: bool,
    policies: Sequence[str],
    model: Path | None,
    out: Path,
    profiles: Sequence[str],
    processes: int | None,
) -> None:
    """Prints the means; tables, report and finished pieces are in the folder `out`.

    Raises:
        Failure: there is nothing usable to judge on, or the folder cannot be written.
    """
    if from_server == (data is not None):
        raise Failure("One of --data and --from-server is needed", WRONG_SETTING)
    console = Console()
    models = prior() if model is None else _opened(model)
    contestants = _contestants(policies, models)
    try:
        traces = _recorded(data) if data is not None else traces_of_server()
        outcomes = _outcomes(traces, contestants, out, profiles, processes, console)
        report = Report(
            source=f"the recordings in {data.name}" if data is not None else "this server's record",
            notes=_notes(model, models),
            outcomes=outcomes,
            forecasts=_forecasts(traces, models),
            candidates=frozenset({PlacementPolicy().name}),
        )
        written = [*write_tables(outcomes, out), out / _REPORT]
        written[-1].write_text(page(report), encoding="utf-8")
    except RecordingUnusable as error:
        raise Failure(str(error), FAILED) from error
    except OSError as error:
        raise Failure(f"{out}: {error.strerror or error}", FAILED) from error
    console.print(_table(means(outcomes)))
    console.print("Written: " + ", ".join(str(path) for path in written), soft_wrap=True)


def _opened(model: Path) -> Models:
    try:
        return models_in(model.read_bytes())
    except OSError as error:
        raise Failure(f"{model}: {error.strerror or error}", FAILED) from error
    except NotAModel as error:
        raise Failure(f"{model}: {error}", FAILED) from error


def _notes(model: Path | None, models: Models) -> Sequence[str]:
    name = "the one that comes with the server" if model is None else model.name
    return [f"The placement policy's model is {name}, SHA-256 {models.fingerprint}."]


def _contestants(policies: Sequence[str], models: Models) -> Sequence[Contestant]:
    everyone: dict[str, Contestant] = {one.name: one for one in baselines()}
    for placement in (PlacementPolicy(_WITHOUT_MODEL), PlacementPolicy(models=models)):
        everyone[placement.name] = placement
    chosen = {
        name for given in policies for name in (BASELINES if given == _ALL_BASELINES else (given,))
    }
    unknown = sorted(chosen - set(everyone))
    if unknown:
        known = ", ".join((_ALL_BASELINES, *everyone))
        raise Failure(f"--policy {unknown[0]}: there is none; known are {known}", WRONG_SETTING)
    return [one for name, one in everyone.items() if not chosen or name in chosen]


def _recorded(folder: Path) -> Sequence[Trace]:
    return list(Scenarios(Recording(folder)))


def _forecasts(traces: Sequence[Trace], models: Models) -> Sequence[Forecast]:
    """Of the model and of counting, on what no model was needed to make up."""
    forecasts: list[Forecast] = []
    probed = [trace for trace in traces if trace.track in _TOLD_INTERRUPTIONS]
    counting = counted(
        [one for trace in probed for one in labelled(trace, first=0, last=trace.start)]
    )
    for trace in probed:
        questions = labelled(trace, first=trace.start, last=trace.ticks)
        forecasts += answered("model", models.risk or CountTable(), trace.track, questions)
        forecasts += answered("count table", counting, trace.track, questions)
    return forecasts


def _outcomes(
    traces: Sequence[Trace],
    contestants: Sequence[Contestant],
    out: Path,
    profiles: Sequence[str],
    processes: int | None,
    console: Console,
) -> Sequence[Outcome]:
    with Progress(
        TextColumn("[progress.description]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
    ) as progress:
        task = progress.add_task("traces", total=None)
        return run(
            traces,
            [PROFILES[name] for name in profiles],
            contestants,
            Pieces(out),
            processes=processes or len(os.sched_getaffinity(0)),
            progress=lambda done, of: progress.update(task, completed=done, total=of),
        )


def _table(found: Sequence[Mean]) -> Table:
    places = by_place(found)
    table = Table(title="Mean regret against the oracle, %", title_justify="left")
    table.add_column("Contestant", overflow="fold")
    for track, profile in places:
        table.add_column(f"{track}\n{profile}", justify="right")
    rows: dict[str, list[str]] = {}
    for means_there in places.values():
        for one in means_there:
            rows.setdefault(one.decider, []).append(f"{one.regret * 100:.2f}")
    for decider, cells in rows.items():
        if decider != ORACLE:
            table.add_row(decider, *cells)
    return table
