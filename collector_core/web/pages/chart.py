"""Series over time as SVG with axes, drawn by the server: a month has as many points as an hour."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from html import escape
from math import ceil, floor, log10
from typing import NamedTuple

from collector_core.history.past import PastEvent, PastSeries
from collector_core.web.pages.event_words import EventWords
from collector_core.web.pages.period import WEEK, Period
from collector_core.web.pages.view import View
from collector_core.web.sparkline import segments

SIZE = 1000.0  # units of the lines in both directions, which are stretched to what room there is; texts are not
LINES = 6
ROWS = 5
EDGE = 0.03  # of the width: nearer to it there is no room for a time
GAP_STEPS = 3.0
_TICKS = (60, 300, 900, 3600, 10_800, 21_600, 86_400, 259_200, 604_800)


class _Scale(NamedTuple):
    period: Period
    low: float
    high: float
    step: float = 1.0

    def x(self, when: float) -> float:
        return SIZE * (when - self.period.start) / (self.period.end - self.period.start)

    def y(self, value: float) -> float:
        return SIZE * (1 - (value - self.low) / ((self.high - self.low) or 1.0))


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
    said = EventWords(view.app, view.words)
    marks = "".join(_mark(said, event, scale) for event in events)
    names = ", ".join(each.series.text for each in found)
    return (
        f'<figure tabindex="0" aria-label="{escape(view.words("zoom_help"))}">'
        f'<svg class="chart" role="img" aria-label="{view.text(names)}" '
        f'data-from="{period.start:.0f}" data-to="{period.end:.0f}">'
        f"{''.join(_rows(view, scale, unit))}{''.join(_columns(view, scale))}"
        f'<svg class="lines" viewBox="0 0 {SIZE:g} {SIZE:g}" preserveAspectRatio="none" width="100%" height="100%">'
        f'{marks}{dashed}{lines}</svg><rect class="area" width="100%" height="100%"/>'
        f'<rect class="selection" x="0" y="0" width="0" height="100%"/></svg>'
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
        y = f"{100 * scale.y(value) / SIZE:.2f}%"
        text = escape(view.words.quantity(value, unit))
        yield f'<line class="base" x1="0" x2="100%" y1="{y}" y2="{y}"/>'
        yield f'<text class="axis" x="-6" y="{y}" dy="4" text-anchor="end">{text}</text>'


def _columns(view: View, scale: _Scale) -> Iterator[str]:
    start, end = scale.period
    longest = ceil((end - start) / WEEK / (LINES + 2)) * int(WEEK)
    step = next((each for each in _TICKS if (end - start) / each <= LINES + 2), longest)
    offset = time.localtime(start).tm_gmtoff or 0
    tick = (start + offset) // step * step + step - offset
    pattern = "%H:%M" if step < 86_400 else view.words("day_pattern")
    places = itertools.cycle(("axis", "axis second"))  # every second one is left out where there is little room
    while (x := scale.x(tick) / SIZE) < 1 - EDGE:
        text = time.strftime(pattern, time.localtime(tick))
        yield f'<text class="{next(places)}" x="{100 * x:.2f}%" y="100%" dy="20" text-anchor="middle">{text}</text>'
        tick += step


def _mark(said: EventWords, event: PastEvent, scale: _Scale) -> str:
    x = scale.x(event.time)
    text = escape(said.mark(event))
    return f'<path class="mark" d="M{x:.1f} 0V{SIZE:g}"><title>{text}</title></path>'


def _legend(view: View, past: PastSeries, number: int) -> str:
    values, unit = [value for _, value in past.points], _unit(past)
    low, high, last = (view.words.quantity(each, unit) for each in (min(values), max(values), values[-1]))
    return (
        f'<li class="c{number}"><code>{view.text(past.series.text)}</code> <span class="facts">'
        f"{escape(low)} – {escape(high)}, {escape(view.words('last'))} {escape(last)}</span></li>"
    )


def _dashed_legend(view: View) -> str:
    return f'<li class="before">{escape(view.words("week_before"))}</li>'
