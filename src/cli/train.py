"""`spot-optimizer train`: a placement model from recorded files, or from the server's record."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from spot_optimizer.adapters.ml import placement_counts
from spot_optimizer.adapters.ml.placement_writing import as_json, as_skops
from spot_optimizer.adapters.ml.training import Recording, TooLittleToLearn
from spot_optimizer.adapters.ml.training_run import train as trained_on
from spot_optimizer.backtest.recorded_files import Recording as RecordedFiles
from spot_optimizer.backtest.recorded_files import RecordingUnusable
from spot_optimizer.backtest.scenarios import Scenarios
from spot_optimizer.backtest.traces import Trace, Track
from spot_optimizer.cli.failures import FAILED, WRONG_SETTING, Failure
from spot_optimizer.cli.server_record import too_little, traces_of_server
from spot_optimizer.domain.models.file_names import PLACEMENT_MODEL

_TRACKS: Final = (Track.PRICE, Track.AVAILABILITY, Track.PREEMPTION)
_TELLS_OF_LOSSES: Final = frozenset({Track.AVAILABILITY, Track.PREEMPTION, Track.SERVER})
_TELLS_OF_PRICES: Final = frozenset({Track.PRICE, Track.SERVER})
_COUNTS: Final = "placement_counts.json"
_RISK_COLUMNS: Final = {
    "n": "n",
    "auc": "AUC",
    "brier_skill": "Brier skill",
    "calibration_error": "ECE",
}
_PRICE_COLUMNS: Final = {
    "n": "n",
    "mae_skill": "MAE skill",
    "pinball": "pinball",
    "coverage_10_90": "coverage",
}


def train(data: Path | None, *, from_server: bool, until: str | None, out: Path) -> None:
    """Writes the model as .skops, to upload, and as .json with its card, to read, and a count
    table. What came after
    `until` is left out: on that the model can be judged.

    Raises:
        Failure: there is too little to learn from, or the folder cannot be written.
    """
    if from_server == (data is not None):
        raise Failure("One of --data and --from-server is needed", WRONG_SETTING)
    end = None if until is None else _moment(until)
    console = Console()
    try:
        with console.status("Reading") as status:
            traces = traces_of_server() if data is None else _recorded(data)
            if end is not None:
                traces = [part for one in traces if (part := one.before(end)) is not None]
            trained = trained_on(
                [_recording(trace) for trace in traces],
                lambda step: status.update(f"Training: {step}"),
            )
            model = trained.model
            files = {
                f"{PLACEMENT_MODEL}.skops": as_skops(model),
                f"{PLACEMENT_MODEL}.json": as_json(model),
                _COUNTS: placement_counts.as_json(trained.counts),
            }
        out.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (out / name).write_bytes(content)
    except TooLittleToLearn as error:
        raise (Failure(str(error), FAILED) if data else too_little(str(error))) from error
    except RecordingUnusable as error:
        raise Failure(str(error), FAILED) from error
    except OSError as error:
        raise Failure(f"{out}: {error.strerror or error}", FAILED) from error
    metrics = model.card["metrics_on_later_time"]
    console.print(_table("risk", metrics, _RISK_COLUMNS))
    console.print(_table("price", metrics, _PRICE_COLUMNS))
    console.print("Written: " + ", ".join(str(out / name) for name in files), soft_wrap=True)


def _moment(until: str) -> float:
    """Seconds since 1970; UTC where no zone is said."""
    try:
        moment = datetime.fromisoformat(until)
    except ValueError as error:
        raise Failure(f"--until {until}: is no ISO 8601 time", WRONG_SETTING) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _recorded(folder: Path) -> Sequence[Trace]:
    return list(Scenarios(RecordedFiles(folder), _TRACKS))


def _recording(trace: Trace) -> Recording:
    return Recording(
        trace.agent,
        trace.times.astype(float),
        trace.up if trace.track in _TELLS_OF_LOSSES else None,
        trace.prices if trace.track in _TELLS_OF_PRICES else None,
    )


def _table(about: str, metrics: object, columns: Mapping[str, str]) -> Table:
    table = Table("On later time", *columns.values())
    for name, measured in metrics.items() if isinstance(metrics, dict) else ():
        if name.startswith(about):
            table.add_row(name, *(str(measured.get(figure, "")) for figure in columns))
    return table
