"""Training a placement model on recorded pools: logistic regressions of risk, quantile regressions
of prices. Deterministic: the same recordings give the same model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, QuantileRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from spot_optimizer.adapters.ml.feature_matrix import Floats, feature_matrix
from spot_optimizer.adapters.ml.placement_model import (
    PRICE_HOURS,
    QUANTILES,
    Linear,
)
from spot_optimizer.domain.placement.features import FEATURES

RISK_FEATURES: Final[dict[int, tuple[str, ...]]] = {
    1: (
        "log_hours_up",
        "share_up_1h",
        "share_up_6h",
        "drops_1h",
        "log_hours_per_drop_24h",
        "log_hours_per_drop_72h",
        "others_up_now",
        "others_up_24h",
        "same_time_lost_1h",
        "weekend",
    ),
    6: (
        "log_hours_up",
        "share_up_1h",
        "drops_1h",
        "log_hours_per_drop_24h",
        "log_hours_per_drop_72h",
        "others_up_now",
        "same_time_up_6h",
        "weekend",
    ),
}
"""What each regression looks at, by hours. There are few pools to learn from: with more features,
and with boosted trees, forecasts of other pools and later time were worse; chosen on the
second half of what training_run.LEARNT_SHARE leaves of each recording, and on pools left out there,
never on what the model is measured on."""

RISK_HOURS: Final = tuple(RISK_FEATURES)

_HOUR_S: Final = 3600.0
_RISK_EVERY_S: Final = 600.0
_PRICE_EVERY_S: Final = 3 * _HOUR_S
_MOST_PRICE_SAMPLES: Final = 4000
"""A quantile regression is a linear programme, whose time grows faster than its rows."""
_REGULARISATION: Final = 0.01
"""The inverse strength that scikit-learn calls C."""
_PERCENT: Final = 100.0

Report = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Recording:
    """Pools that were watched together: `times` in seconds since the epoch, ascending; `up` and
    `prices` (USD per hour) are (times, pools). What was not watched is None."""

    name: str
    times: Floats
    up: NDArray[numpy.bool_] | None = None
    prices: Floats | None = None


@dataclass(frozen=True, eq=False)
class Samples:
    """One row per moment and pool; each knows when it was asked, and when its answer was known."""

    figures: Floats
    answers: Floats
    asked_at: Floats


@dataclass(frozen=True, eq=False)
class Estimators:
    """What scikit-learn made of it: risks by hours, quantiles of log moves by hours."""

    risks: dict[int, Pipeline]
    moves: dict[int, list[QuantileRegressor]]


class TooLittleToLearn(Exception):
    """The recordings hold too few losses, or too short prices; the message says which."""


def risk_samples(recording: Recording, hours: int) -> Samples:
    """Of every pool that is up, every ten minutes: was it down within so many hours? What ends
    before that is known is left out."""
    times, up = recording.times, recording.up
    if up is None or len(times) < 2:
        return _none(0)
    seen = _chosen(times, _RISK_EVERY_S)
    figures = feature_matrix(times, up)[seen]
    until = times + hours * _HOUR_S
    down_at = numpy.where(up, numpy.inf, times[:, None])
    next_down = numpy.minimum.accumulate(down_at[::-1], axis=0)[::-1]
    lost = next_down <= until[:, None]
    known = (lost | (until <= times[-1])[:, None]) & up
    asked = numpy.broadcast_to(times[:, None], up.shape)
    kept = known[seen]
    return Samples(figures[kept], lost[seen][kept].astype(float), asked[seen][kept])


def price_samples(recording: Recording, hours: int) -> Samples:
    """Every three hours: the log move of each pool's price within so many hours."""
    times, prices = recording.times, recording.prices
    if prices is None or len(times) < 2:
        return _none(0)
    level = numpy.log(prices)
    travel = numpy.zeros_like(level)
    travel[1:] = numpy.cumsum(numpy.abs(numpy.diff(level, axis=0)), axis=0)
    seen = _chosen(times, _PRICE_EVERY_S)
    seen = seen[(times[seen] - times[0] >= 24 * _HOUR_S)]
    seen = seen[times[seen] + hours * _HOUR_S <= times[-1]]
    now = times[seen]

    def back(series: Floats, past_hours: float) -> Floats:
        return numpy.asarray(series[seen] - series[_latest(times, now - past_hours * _HOUR_S)])

    figures = numpy.stack([back(level, 24), back(travel, 24), back(travel, 168)], axis=2)
    moves = level[_latest(times, now + hours * _HOUR_S)] - level[seen]
    asked = numpy.repeat(now[:, None], level.shape[1], axis=1)
    return Samples(figures.reshape(-1, 3), moves.ravel(), asked.ravel())


def joined(samples: Sequence[Samples], width: int) -> Samples:
    parts = [part for part in samples if len(part.answers)] or [_none(width)]
    return Samples(
        numpy.concatenate([part.figures for part in parts]),
        numpy.concatenate([part.answers for part in parts]),
        numpy.concatenate([part.asked_at for part in parts]),
    )


def fitted_risk(samples: Samples, hours: int) -> Pipeline:
    """Takes rows of FEATURES and looks at those of RISK_FEATURES.

    Raises:
        TooLittleToLearn: nothing was lost, or everything.
    """
    if len(numpy.unique(samples.answers)) < 2:
        raise TooLittleToLearn("no pool went down while it was watched, or none stayed up")
    columns = [FEATURES.index(name) for name in RISK_FEATURES[hours]]
    pipeline = make_pipeline(
        ColumnTransformer([("looked_at", "passthrough", columns)]),
        SimpleImputer(strategy="median", keep_empty_features=True),
        StandardScaler(),
        LogisticRegression(C=_REGULARISATION, max_iter=500),
    )
    return pipeline.fit(samples.figures, samples.answers)


def fitted_moves(samples: Samples) -> list[QuantileRegressor]:
    """The median follows the momentum of the last day; the quantiles around it are as wide as the
    price has been restless.

    Raises:
        TooLittleToLearn: there are no samples.
    """
    count = len(samples.answers)
    if not count:
        raise TooLittleToLearn("prices were not watched long enough")
    chosen = numpy.random.default_rng(0).permutation(count)[:_MOST_PRICE_SAMPLES]
    figures = samples.figures[chosen] * _PERCENT
    answers = samples.answers[chosen] * _PERCENT
    found = []
    for quantile in QUANTILES:
        regressor = QuantileRegressor(quantile=quantile, alpha=0.0, solver="highs")
        used = figures * [1, 0, 0] if quantile == 0.5 else figures
        regressor.fit(used, answers)
        regressor.intercept_ = regressor.intercept_ / _PERCENT
        found.append(regressor)
    return found


def linear_of_risk(pipeline: Pipeline, hours: int) -> Linear:
    """The log odds of the whole pipeline as one linear form of FEATURES."""
    _, imputer, scaler, regression = (step for _, step in pipeline.steps)
    weights = regression.coef_[0] / scaler.scale_
    bias = float(regression.intercept_[0] - weights @ scaler.mean_)

    def all_of(figures: NDArray[Any]) -> tuple[float, ...]:
        looked_at = dict(zip(RISK_FEATURES[hours], _plain(figures), strict=True))
        return tuple(looked_at.get(name, 0.0) for name in FEATURES)

    return Linear(_rounded(bias), all_of(weights), all_of(imputer.statistics_))


def linear_of_moves(regressor: QuantileRegressor) -> Linear:
    weights = _plain(regressor.coef_)
    return Linear(_rounded(float(regressor.intercept_)), weights, (0.0,) * len(weights))


def fitted(risks: dict[int, Samples], moves: dict[int, Samples], report: Report) -> Estimators:
    """One regression of risk for each of RISK_HOURS, three of moves for each of PRICE_HOURS."""
    found_risks, found_moves = {}, {}
    for hours in RISK_HOURS:
        report(f"risk within {hours} h")
        found_risks[hours] = fitted_risk(risks[hours], hours)
    for hours in PRICE_HOURS:
        report(f"prices in {hours} h")
        found_moves[hours] = fitted_moves(moves[hours])
    return Estimators(found_risks, found_moves)


def _plain(figures: NDArray[Any]) -> tuple[float, ...]:
    return tuple(_rounded(float(one)) for one in figures)


def _rounded(figure: float) -> float:
    """What lies beyond says nothing, and differs from one processor to the next."""
    return float(f"{figure:.9g}")


def _none(width: int) -> Samples:
    return Samples(numpy.empty((0, width)), numpy.empty(0), numpy.empty(0))


def _chosen(times: Floats, every_s: float) -> NDArray[numpy.intp]:
    step = max(1, round(every_s / float(numpy.median(numpy.diff(times)))))
    return numpy.arange(0, len(times), step)


def _latest(times: Floats, at: Floats) -> NDArray[numpy.intp]:
    return numpy.maximum(numpy.searchsorted(times, at, side="right") - 1, 0)
