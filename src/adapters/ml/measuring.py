"""How good forecasts are, on time that the model has not seen."""

from collections.abc import Sequence
from typing import Any, Final

import numpy
from sklearn.linear_model import QuantileRegressor
from sklearn.metrics import brier_score_loss, mean_pinball_loss, roc_auc_score
from sklearn.pipeline import Pipeline

from spot_optimizer.adapters.ml.feature_matrix import Floats
from spot_optimizer.adapters.ml.placement_model import QUANTILES
from spot_optimizer.adapters.ml.training import Samples

_BINS: Final = 10


def of_risk(pipeline: Pipeline, samples: Samples) -> dict[str, float]:
    """AUC, Brier skill over the base rate, expected calibration error in ten bins, and n; n alone
    where only one answer came."""
    came = samples.answers
    measured: dict[str, float] = {"n": len(came)}
    if len(numpy.unique(came)) < 2:
        return measured
    said = pipeline.predict_proba(samples.figures)[:, 1]
    blind = came.mean() * (1 - came.mean())
    return measured | {
        "base_rate": _rounded(came.mean()),
        "auc": _rounded(roc_auc_score(came, said)),
        "brier_skill": _rounded(1 - brier_score_loss(came, said) / blind),
        "calibration_error": _rounded(_calibration_error(said, came)),
    }


def of_moves(regressors: Sequence[QuantileRegressor], samples: Samples) -> dict[str, float]:
    """Skill of the median's mean absolute error over persistence, mean pinball loss of the three
    quantiles, share between the outer two, and n."""
    came = samples.answers
    measured: dict[str, float] = {"n": len(came)}
    still = float(numpy.abs(came).mean()) if len(came) else 0.0
    if not still:
        return measured
    said = numpy.sort([one.predict(samples.figures) for one in regressors], axis=0)
    pinball = [
        mean_pinball_loss(came, quantiles, alpha=level)
        for quantiles, level in zip(said, QUANTILES, strict=True)
    ]
    return measured | {
        "mae_skill": _rounded(1 - numpy.abs(came - said[1]).mean() / still),
        "pinball": _rounded(numpy.mean(pinball)),
        "coverage_10_90": _rounded(((came >= said[0]) & (came <= said[-1])).mean()),
    }


def _calibration_error(said: Floats, came: Floats) -> float:
    index = numpy.minimum((said * _BINS).astype(int), _BINS - 1)
    error = 0.0
    for number in range(_BINS):
        chosen = index == number
        if chosen.any():
            error += abs(said[chosen].mean() - came[chosen].mean()) * chosen.mean()
    return error


def _rounded(figure: Any) -> float:
    return float(f"{float(figure):.4g}")
