"""What a backtest's outcomes look like."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor, log10
from statistics import fmean
from typing import Final

from spot_optimizer.backtest.profiles import DOWNTIME_HOURS
from spot_optimizer.backtest.report.frame import chart, framed
from spot_optimizer.backtest.report.svg import (
    Scale,
    element,
    figure,
    line,
    path,
    rounded_up,
    text,
    titled,
)
from spot_optimizer.backtest.results import ORACLE, Mean, Outcome

_COLOURS: Final = (
    "#6b7280", "#b45309", "#0e7490", "#15803d", "#7c3aed",
    "#be185d", "#4d7c0f", "#1d4ed8", "#a16207", "#0f766e",
)  # fmt: skip
_CANDIDATE: Final = "#dc2626"
_LEAST_PERCENT: Final = 0.01
"""Smaller regrets are drawn here: an axis of logarithms has no zero."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Numbers and colours of the contestants, the same in all charts."""

    names: Sequence[str]
    candidates: frozenset[str]

    def number(self, name: str) -> str:
        return str(self.names.index(name) + 1)

    def colour(self, name: str) -> str:
        if name in self.candidates:
            return _CANDIDATE
        return _COLOURS[self.names.index(name) % len(_COLOURS)]


def pareto(title: str, means: Sequence[Mean], cast: Cast) -> str:
    """Cost against lost minutes; the line joins those that nobody beats in both."""
    points: dict[tuple[float, float], list[Mean]] = {}
    for one in means:
        place = (round(one.lost_minutes, 2), round(one.cost_share * 100, 2))
        points.setdefault(place, []).append(one)
    most_lost = rounded_up(max(x for x, _ in points) * 1.08)
    most_cost = rounded_up(max(y for _, y in points) * 1.08)
    frame = framed(
        title,
        "lost minutes per agent and month",
        "cost, % of on demand",
        (0.0, most_lost),
        (0.0, most_cost),
    )
    rivals = [at for at, here in points.items() if here[0].decider != ORACLE or len(here) > 1]
    front = [at for at in sorted(rivals) if not any(_beats(other, at) for other in rivals)]
    dots = [(frame.x(x), frame.y(y)) for x, y in points]
    marks = [path([(frame.x(x), frame.y(y)) for x, y in front], class_="front")]
    labels: list[tuple[float, float]] = []
    for (x, y), here in sorted(points.items()):
        told = f"{', '.join(one.decider for one in here)}: {x:.1f} min, {y:.1f} %"
        colour = cast.colour(
            next((m.decider for m in here if m.decider in cast.candidates), here[0].decider)
        )
        px, py = frame.x(x), frame.y(y)
        marks.append(titled(element("circle", cx=px, cy=py, r=5, fill=colour), told))
        name = "·".join(cast.number(one.decider) for one in here)
        ly = _free(px, py - 9, len(name), labels, [at for at in dots if at != (px, py)])
        labels.append((px, ly))
        marks.append(
            text(px, ly, name, text_anchor="middle", class_="label", style=f"fill:{colour}")
        )
    return frame.drawn("".join(marks))


def _beats(other: tuple[float, float], at: tuple[float, float]) -> bool:
    return other != at and other[0] <= at[0] and other[1] <= at[1]


def _free(
    x: float,
    y: float,
    length: int,
    labels: Sequence[tuple[float, float]],
    dots: Sequence[tuple[float, float]],
) -> float:
    """The nearest height at which a label of so many characters covers neither labels nor dots."""
    half = 4 * length

    def covers(height: float) -> bool:
        return any(abs(x - lx) < 2 * half + 4 and abs(height - ly) < 12 for lx, ly in labels) or (
            any(abs(x - dx) < half + 6 and abs(height - 4 - dy) < 10 for dx, dy in dots)
        )

    shifts = (0, 24, -12, 36, -24, 48, -36, 60, -48)
    return next((y + shift for shift in shifts if not covers(y + shift)), y)


def regrets(title: str, outcomes: Sequence[Outcome], cast: Cast, *, width: int = 940) -> str:
    """A dot per agent, a row per contestant, the mean as a bar."""
    rows: dict[str, list[Outcome]] = {}
    for one in outcomes:
        rows.setdefault(one.decider, []).append(one)
    percents = [max(one.regret * 100, _LEAST_PERCENT) for one in outcomes]
    most, least = max(*percents, 1.0), 10.0 ** floor(log10(min(percents)))
    left, top, row_px = 220, 34, 22
    height = top + row_px * len(rows) + 46
    bottom = top + row_px * len(rows)
    x = Scale(least, most * 1.2, left, width - 70, is_log=True)
    parts = [text(left, 18, title, class_="title")]
    for tick in x.ticks:
        parts.append(line(x(tick), top, x(tick), bottom, class_="grid"))
        label = f"≤ {figure(tick)}" if tick <= _LEAST_PERCENT else figure(tick)
        parts.append(text(x(tick), bottom + 16, label, text_anchor="middle"))
    parts.append(text((left + width - 70) / 2, bottom + 34,
                      "regret against the oracle, % (logarithmic)",
                      text_anchor="middle", class_="unit"))  # fmt: skip
    parts.append(text(width - 6, top - 4, "mean", text_anchor="end", class_="unit"))
    for number, (name, found) in enumerate(rows.items()):
        y = top + row_px * number + row_px / 2
        colour = cast.colour(name)
        parts.append(text(left - 10, y + 4, f"{cast.number(name)}  {name}", text_anchor="end"))
        for one in found:
            dot = element("circle", cx=x(one.regret * 100), cy=y, r=4, fill=colour,
                          fill_opacity=0.45)  # fmt: skip
            parts.append(titled(dot, f"{one.agent}: {one.regret:.2%}"))
        mean = fmean(one.regret for one in found) * 100
        parts.append(line(x(mean), y - 9, x(mean), y + 9, stroke=colour, stroke_width=3))
        parts.append(text(width - 6, y + 4, f"{mean:.2f} %", text_anchor="end"))
    return chart(width, height, title, "".join(parts))


def costs(title: str, means: Sequence[Mean], cast: Cast, *, width: int = 940) -> str:
    """A bar per contestant: what was paid, and what the lost minutes are worth."""
    left, top, row_px, right = 220, 34, 22, width - 150
    bottom = top + row_px * len(means)
    most = rounded_up(max(one.objective_share for one in means) * 100)
    x = Scale(0.0, most, left, right)
    parts = [text(left, 18, title, class_="title")]
    for tick in x.ticks:
        parts.append(line(x(tick), top, x(tick), bottom, class_="grid"))
        parts.append(text(x(tick), bottom + 16, figure(tick), text_anchor="middle"))
    parts.append(text((left + right) / 2, bottom + 34,
                      f"% of what on demand costs; an hour of downtime counts as "
                      f"{DOWNTIME_HOURS:g} hours of on demand (pale)",
                      text_anchor="middle", class_="unit"))  # fmt: skip
    for number, one in enumerate(means):
        y = top + row_px * number + 4
        colour = cast.colour(one.decider)
        paid, whole = one.cost_share * 100, one.objective_share * 100
        parts.append(text(left - 10, y + 12, f"{cast.number(one.decider)}  {one.decider}",
                          text_anchor="end"))  # fmt: skip
        parts.append(element("rect", x=left, y=y, width=x(paid) - left, height=14, fill=colour))
        lost = element("rect", x=x(paid), y=y, width=x(whole) - x(paid), height=14, fill=colour,
                       fill_opacity=0.3)  # fmt: skip
        parts.append(titled(lost, f"{one.lost_minutes:.1f} minutes lost per agent and month"))
        parts.append(text(x(whole) + 6, y + 12, f"{paid:.1f} + {whole - paid:.1f} %"))
    return chart(width, bottom + 46, title, "".join(parts))


def legend(cast: Cast) -> str:
    items = "".join(
        element(
            "li",
            element("span", cast.number(name), style=f"background:{cast.colour(name)}") + name,
        )
        for name in cast.names
    )
    return element("ul", items, class_="legend")


def grouped(outcomes: Sequence[Outcome]) -> Mapping[tuple[str, str], Sequence[Outcome]]:
    """By track and profile."""
    places: dict[tuple[str, str], list[Outcome]] = {}
    for one in outcomes:
        places.setdefault((one.track, one.profile), []).append(one)
    return places
