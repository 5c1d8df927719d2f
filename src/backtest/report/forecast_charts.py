"""Reliability and ROC of risk forecasts."""

from collections.abc import Sequence
from typing import Final

from spot_optimizer.backtest.forecasts import Forecast, reliability, roc, score
from spot_optimizer.backtest.report.frame import framed
from spot_optimizer.backtest.report.svg import Scale, element, line, path, text, titled

_COLOURS: Final = ("#dc2626", "#0e7490", "#6b7280", "#7c3aed")
_MOST_POINTS: Final = 200


def reliability_diagram(title: str, forecasts: Sequence[Forecast]) -> str:
    """Said against come, on the diagonal when honest; n at each point."""
    frame = framed(
        title, "probability said", "share that came", (0.0, 1.0), (0.0, 1.0), width=460, height=380
    )
    marks = [_diagonal(frame.x, frame.y)]
    for number, forecast in enumerate(forecasts):
        colour = _COLOURS[number % len(_COLOURS)]
        bins = reliability(forecast)
        points = [(frame.x(one.said), frame.y(one.came)) for one in bins]
        marks.append(path(points, stroke=colour, stroke_width=1.5))
        for (x, y), one in zip(points, bins, strict=True):
            dot = element("circle", cx=x, cy=y, r=4, fill=colour)
            told = f"{forecast.model}: said {one.said:.3f}, came {one.came:.3f}, n {one.n}"
            marks.append(titled(dot, told))
            # The n of the first model stand above to the left, those of the second below.
            side, height = ("start", y + 14) if number % 2 else ("end", y - 6)
            marks.append(
                text(x, height, f"{one.n}", text_anchor=side, class_="n", style=f"fill:{colour}")
            )
        marks.append(_key(frame.x(0.03), frame.y(0.97) + 16 * number, forecast.model, colour))
    return frame.drawn("".join(marks))


def roc_curve(title: str, forecasts: Sequence[Forecast]) -> str:
    frame = framed(
        title,
        "share of false alarms",
        "share of reclaims foreseen",
        (0.0, 1.0),
        (0.0, 1.0),
        width=460,
        height=380,
    )
    marks = [_diagonal(frame.x, frame.y)]
    for number, forecast in enumerate(forecasts):
        colour = _COLOURS[number % len(_COLOURS)]
        false, true = roc(forecast)
        step = max(1, len(false) // _MOST_POINTS)
        kept = [*range(0, len(false), step), len(false) - 1]
        points = [(frame.x(float(false[n])), frame.y(float(true[n]))) for n in kept]
        marks.append(path(points, stroke=colour, stroke_width=1.5))
        told = f"{forecast.model}, AUC {score(forecast).auc:.3f}"
        marks.append(_key(frame.x(0.45), frame.y(0.12) + 16 * number, told, colour))
    return frame.drawn("".join(marks))


def _diagonal(x: Scale, y: Scale) -> str:
    return line(x(0.0), y(0.0), x(1.0), y(1.0), class_="front")


def _key(x: float, y: float, words: str, colour: str) -> str:
    return element("rect", x=x, y=y - 9, width=10, height=10, fill=colour) + text(
        x + 16, y, words, class_="label"
    )
