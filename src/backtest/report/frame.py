"""A chart's frame: its axes with ticks, units and grid."""

from dataclasses import dataclass

from spot_optimizer.backtest.report.svg import Scale, element, figure, line, text


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    title: str
    x_label: str
    y_label: str
    x: Scale
    y: Scale
    width: int
    height: int

    def drawn(self, marks: str) -> str:
        """The whole chart as an SVG element, the marks within the axes."""
        left, right = self.x.from_px, self.x.to_px
        bottom, top = self.y.from_px, self.y.to_px
        parts = [text(left, 18, self.title, class_="title")]
        for tick in self.x.ticks:
            at = self.x(tick)
            parts.append(line(at, bottom, at, top, class_="grid"))
            parts.append(text(at, bottom + 16, figure(tick), text_anchor="middle"))
        for tick in self.y.ticks:
            at = self.y(tick)
            parts.append(line(left, at, right, at, class_="grid"))
            parts.append(text(left - 6, at + 4, figure(tick), text_anchor="end"))
        parts.append(line(left, bottom, right, bottom, class_="axis"))
        parts.append(line(left, bottom, left, top, class_="axis"))
        middle = (left + right) / 2
        parts.append(text(middle, bottom + 34, self.x_label, text_anchor="middle", class_="unit"))
        parts.append(_upright(14, (top + bottom) / 2, self.y_label))
        return chart(self.width, self.height, self.title, "".join(parts) + marks)


def chart(width: int, height: int, label: str, content: str) -> str:
    return element(
        "svg",
        content,
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        role="img",
        aria_label=label,
    )


def framed(
    title: str,
    x_label: str,
    y_label: str,
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    *,
    width: int = 460,
    height: int = 340,
) -> Frame:
    """Linear axes with room for what is written at them."""
    return Frame(
        title=title,
        x_label=x_label,
        y_label=y_label,
        x=Scale(*x_range, 64, width - 16),
        y=Scale(*y_range, height - 46, 32),
        width=width,
        height=height,
    )


def _upright(x: float, y: float, words: str) -> str:
    turned = f"rotate(-90 {x:.0f} {y:.0f})"
    return text(x, y, words, text_anchor="middle", class_="unit", transform=turned)
