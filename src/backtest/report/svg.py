"""Drawing: SVG elements as text, and scales from figures to pixels."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10
from typing import Final

_STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)
_MOST_TICKS: Final = 6
_FEW_DECADES: Final = 3
"""On an axis of logarithms with no more ends of decades, 2 and 5 are marked, too."""
_MARKS: Final = (1.0, 2.0, 5.0)


def element(name: str, content: str = "", /, **attributes: object) -> str:
    """`class_` and `text_anchor` become `class` and `text-anchor`; figures are rounded."""
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_shown(value))}"'
        for key, value in attributes.items()
    )
    return f"<{name}{told}>{content}</{name}>"


def text(x: float, y: float, words: str, **attributes: object) -> str:
    return element("text", escape(words), x=x, y=y, **attributes)


def line(x1: float, y1: float, x2: float, y2: float, **attributes: object) -> str:
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, **attributes)


def path(points: Iterable[tuple[float, float]], **attributes: object) -> str:
    joined = " ".join(f"{_shown(x)},{_shown(y)}" for x, y in points)
    return element("polyline", points=joined, fill="none", **attributes)


def titled(content: str, title: str) -> str:
    """Shows the title while the pointer is on it."""
    return element("g", element("title", escape(title)) + content)


def _shown(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


@dataclass(frozen=True, slots=True)
class Scale:
    """From figures to pixels: linear, or by the logarithm."""

    low: float
    high: float
    from_px: float
    to_px: float
    is_log: bool = False

    def __call__(self, value: float) -> float:
        low, high, at = self.low, self.high, min(max(value, self.low), self.high)
        if self.is_log:
            low, high, at = log10(low), log10(high), log10(at)
        share = (at - low) / (high - low) if high > low else 0.0
        return self.from_px + share * (self.to_px - self.from_px)

    @property
    def ticks(self) -> Sequence[float]:
        if self.is_log:
            first_exponent, last_exponent = floor(log10(self.low) + 1e-9), floor(log10(self.high))
            exponents = range(first_exponent, last_exponent + 1)
            if len(exponents) > _FEW_DECADES:
                return [10.0**exponent for exponent in exponents]
            within = [m * 10.0**e for e in exponents for m in _MARKS]
            return [tick for tick in within if self.low * 0.999 <= tick <= self.high]
        step = _nice_step(self.high - self.low)
        first = ceil(self.low / step - 1e-9)
        last = floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]


def rounded_up(value: float) -> float:
    """The end of an axis that begins at 0."""
    if value <= 0:
        return 1.0
    step = _nice_step(value)
    return ceil(value / step - 1e-9) * step


def figure(value: float) -> str:
    """A tick's figure: no more digits than it needs."""
    if value == 0:
        return "0"
    digits = max(0, 2 - floor(log10(abs(value))))
    shown = f"{value:.{digits}f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def _nice_step(span: float) -> float:
    raw = max(span, 1e-12) / _MOST_TICKS
    power = 10.0 ** floor(log10(raw))
    return next(step * power for step in _STEPS if step * power >= raw * (1 - 1e-9))
