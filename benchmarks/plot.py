"""The results of a run as one SVG picture: a bar for each ratio, a panel for each thing that grows. Needs no library."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Points = Sequence[tuple[int, float, float | None]]

WIDTH, LEFT, BAR, PANEL_WIDTH, PANEL_HEIGHT, GAP = 920, 330, 17, 420, 200, 40
OURS, THEIRS, MARK = "#2563eb", "#9ca3af", "#dc2626"


def exponent(points: Points) -> float:
    """Return the power of the size that the larger half of the times grows with, by least squares on logarithms."""
    logs = [(math.log(size), math.log(max(ours, 1e-9))) for size, ours, _ in points[len(points) // 2 - 1 :]]
    count = len(logs)
    x_mean, y_mean = sum(x for x, _ in logs) / count, sum(y for _, y in logs) / count
    below = sum((x - x_mean) ** 2 for x, _ in logs)
    return sum((x - x_mean) * (y - y_mean) for x, y in logs) / below if below else 0.0


def text(x: float, y: float, content: str, *, anchor: str = "start", weight: str = "normal") -> str:
    """Return a line of text."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}">{escape(content)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    """Return a line."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def bars(area: dict[str, Any], top: float) -> tuple[list[str], float]:
    """Return the bars of an area's ratios, on a logarithmic scale around 1, and where they end."""
    rows = [row for row in area["rows"] if row.get("value") and row["measure"] != "absolute"]
    if not rows:
        return [], top
    # faster is to the right on both kinds of row
    values = [row["value"] if row["measure"] == "times as fast" else 1 / row["value"] for row in rows]
    low, high = min(0.5, *values), max(2.0, *values)

    def x_of(value: float) -> float:
        return LEFT + (WIDTH - LEFT - 80) * (math.log(value / low) / math.log(high / low))

    parts = [text(10, top + 12, f"{area['title']}: how many times as fast as the other side", weight="bold")]
    top += 20
    bottom = top + BAR * len(rows)
    for index, (row, value) in enumerate(zip(rows, values, strict=True)):
        y = top + BAR * index
        x, width = min(x_of(1), x_of(value)), abs(x_of(value) - x_of(1))
        parts.append(text(LEFT - 8, y + 12, row["name"], anchor="end"))
        parts.append(f'<rect x="{x:.1f}" y="{y + 2:.1f}" width="{width:.1f}" height="{BAR - 4}" fill="{OURS}"/>')
        parts.append(text(max(x_of(value), x_of(1)) + 6, y + 12, f"{value:.3g}"))
        if row["bar"]:
            at = x_of(min(high, max(low, row["bar"] if row["measure"] == "times as fast" else 1 / row["bar"])))
            parts.append(line(at, y + 1, at, y + BAR - 1, MARK))
    parts.append(line(x_of(1), top, x_of(1), bottom, "black"))
    return parts, bottom + GAP / 2


def panel(series: dict[str, Any], left: float, top: float) -> list[str]:
    """Return time against size, both logarithmic, with a curve for each side."""
    points = series["points"]
    sizes = [point[0] for point in points]
    times = [value for _, ours, theirs in points for value in (ours, theirs) if value]

    def scale(values: Sequence[float], start: float, length: float) -> Callable[[float], float]:
        low, high = math.log(min(values)), math.log(max(values))
        return lambda value: start + length * (math.log(value) - low) / ((high - low) or 1)

    inner = PANEL_HEIGHT - 50
    x_of, y_of = scale(sizes, left + 50, PANEL_WIDTH - 90), scale(times, top + 20 + inner, -inner)
    parts = [text(left + 10, top + 12, f"{series['name']}: power {exponent(points):.2f}", weight="bold")]
    parts.append(f'<rect x="{left + 50}" y="{top + 20}" width="{PANEL_WIDTH - 90}" height="{inner}" fill="none" stroke="#d1d5db"/>')
    for index, colour in ((2, THEIRS), (1, OURS)):
        drawn = [f"{x_of(point[0]):.1f},{y_of(point[index]):.1f}" for point in points if point[index]]
        parts.append(f'<polyline points="{" ".join(drawn)}" fill="none" stroke="{colour}" stroke-width="2"/>')
    bottom = top + 36 + inner
    parts += [text(left + 50, bottom, f"{sizes[0]:,}"), text(left + PANEL_WIDTH - 40, bottom, f"{sizes[-1]:,}", anchor="end")]
    parts.append(text(left + PANEL_WIDTH / 2, bottom, series["label"], anchor="middle"))
    for value in (min(times), max(times)):
        parts.append(text(left + 46, y_of(value) + 4, f"{value / 1e6:.3g} ms", anchor="end"))
    return parts


def svg(document: dict[str, Any]) -> str:
    """Return the picture."""
    parts: list[str] = []
    top = 10.0
    for area in document["areas"]:
        drawn, top = bars(area, top)
        parts += drawn
    panels = [series for area in document["areas"] for series in area["series"]]
    for index, series in enumerate(panels):
        parts += panel(series, 10 + (index % 2) * (PANEL_WIDTH + GAP), top + (index // 2) * PANEL_HEIGHT)
    height = top + (len(panels) + 1) // 2 * PANEL_HEIGHT + 10
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0f}" viewBox="0 0 {WIDTH} {height:.0f}" '
        'font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )
