"""Series over time as SVG with axes, drawn by the server: a month has as many points as an hour."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from html import escape
from math import ceil, floor, log10
from typing import NamedTuple

from collector_core.history.past import PastEvent, PastSeries
from collector_core.web.pages.period import WEEK, Period
from collector_core.web.pages.view import View
from collector_core.web.sparkline import segments

WIDTH, HEIGHT, LEFT, RIGHT, BOTTOM, TOP = 960.0, 320.0, 66.0, 10.0, 28.0, 10.0
LINES = 6
ROWS = 5
ROOM_OF_TIME = 14.0  # pixels that half of a time takes
GAP_STEPS = 3.0
_TICKS = (60, 300, 900, 3600, 10_800, 21_600, 86_400, 259_200, 604_800)


class _Scale(NamedTuple):
    period: Period
    low: float
    high: float
    step: float = 1.0

    def x(self, when: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (when - self.period.start) / (self.period.end - self.period.start)

    def y(self, value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - (value - self.low) / ((self.high - self.low) or 1.0))


def draw(
    view: View, found: Sequence[PastSeries], before: Sequence[PastSeries], period: Period, events: Sequence[PastEvent]
) -> str:
    """The chart with its legend; `before` is of a week before and drawn dashed."""
    values = [value for each in (*found, *before) for _, value in each.points]
    scale = _scale(period, values)
    unit = _unit(found[0])
    numbers = {each.series.text: number for number, each in enumerate(found)}
    lines = "".join(_line(each, number, scale) for number, each in enumerate(found))
    dashed = "".join(_line(each, numbers.get(each.series.text, 0), scale, WEEK, "before") for each in before)
    marks = "".join(_mark(view, event, scale) for event in events)
    names = ", ".join(each.series.text for each in found)
    return (
        f'<figure tabindex="0" role="group" aria-label="{escape(view.words("zoom_help"))}">'
        f'<svg class="chart" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" aria-label="{view.text(names)}" '
        f'data-from="{period.start:.0f}" data-to="{period.end:.0f}" '
        f'data-left="{LEFT:g}" data-right="{WIDTH - RIGHT:g}">'
        f"{''.join(_rows(view, scale, unit))}{''.join(_columns(view, scale))}{marks}{dashed}{lines}"
        f'<rect class="selection" x="0" y="{TOP:g}" width="0" height="{HEIGHT - TOP - BOTTOM:g}"/></svg>'
        f'<figcaption><ul class="legend">{"".join(_legend(view, each, number) for number, each in enumerate(found))}'
        f"{_dashed_legend(view) if before else ''}</ul></figcaption></figure>"
    )


def _unit(past: PastSeries) -> str:
    """A counter is drawn as its rate: joules as watts."""
    if not past.is_counter:
        return past.unit
    return {"joules": "watts", "bytes": "B/s", "seconds": "s/s", "grams": "g/s"}.get(past.unit, "/s")


def _scale(period: Period, values: Sequence[float]) -> _Scale:
    """From 0, or below where there are negative values, to a line above the highest: lines are at round numbers."""
    low, high = min(0.0, *values), max(0.0, *values) or 1.0
    rough = (high - low) / ROWS
    size: float = 10.0 ** floor(log10(rough))
    step = next(size * each for each in (1.0, 2.0, 2.5, 5.0, 10.0) if size * each >= rough * 0.999)
    return _Scale(period, floor(low / step + 1e-9) * step, ceil(high / step - 1e-3) * step, step)


def _line(past: PastSeries, number: int, scale: _Scale, shift: float = 0.0, tone: str = "") -> str:
    points = past.points
    steps = sorted(b[0] - a[0] for a, b in itertools.pairwise(points))
    longest = GAP_STEPS * steps[len(steps) // 2] if steps else 1.0
    paths = (
        "M" + "L".join(f"{scale.x(when):.1f} {scale.y(value):.1f}" for when, value in run) + ("h1" * (len(run) == 1))
        for run in segments(((when + shift, value) for when, value in points), longest)
    )
    return f'<path class="series c{number} {tone}" d="{"".join(paths)}"/>'


def _rows(view: View, scale: _Scale, unit: str) -> Iterator[str]:
    for place in range(round((scale.high - scale.low) / scale.step) + 1):
        value = scale.low + scale.step * place
        y = scale.y(value)
        text = escape(view.words.quantity(value, unit))
        yield f'<path class="base" d="M{LEFT:g} {y:.1f}H{WIDTH - RIGHT:g}"/>'
        yield f'<text class="axis" x="{LEFT - 6:g}" y="{y + 4:.1f}" text-anchor="end">{text}</text>'


def _columns(view: View, scale: _Scale) -> Iterator[str]:
    start, end = scale.period
    longest = ceil((end - start) / WEEK / (LINES + 2)) * int(WEEK)
    step = next((each for each in _TICKS if (end - start) / each <= LINES + 2), longest)
    offset = time.localtime(start).tm_gmtoff or 0
    tick = (start + offset) // step * step + step - offset
    pattern = "%H:%M" if step < 86_400 else view.words("day_pattern")
    while (x := scale.x(tick)) < WIDTH - RIGHT - ROOM_OF_TIME:
        text = time.strftime(pattern, time.localtime(tick))
        yield f'<text class="axis" x="{x:.1f}" y="{HEIGHT - 8:g}" text-anchor="middle">{text}</text>'
        tick += step


def _mark(view: View, event: PastEvent, scale: _Scale) -> str:
    x = scale.x(event.time)
    text = view.text(f"{event.kind}: {event.text}")
    return f'<path class="mark" d="M{x:.1f} {TOP:g}V{HEIGHT - BOTTOM:g}"><title>{text}</title></path>'


def _legend(view: View, past: PastSeries, number: int) -> str:
    values, unit = [value for _, value in past.points], _unit(past)
    low, high, last = (view.words.quantity(each, unit) for each in (min(values), max(values), values[-1]))
    return (
        f'<li class="c{number}"><code>{view.text(past.series.text)}</code> <span class="facts">'
        f"{escape(low)} – {escape(high)}, {escape(view.words('last'))} {escape(last)}</span></li>"
    )


def _dashed_legend(view: View) -> str:
    return f'<li class="before">{escape(view.words("week_before"))}</li>'
