"""A small chart of a value over time, as inline SVG."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple, TypeVar

from collector_core.model.page_section import PageBand

ValueT = TypeVar("ValueT", float, float | None)

WIDTH, HEIGHT = 300.0, 48.0
_TOP = 4.0  # room above the highest value, for the width of the line

Point = tuple[float, float]
"""Seconds since 1970 and the value then."""


class Mark(NamedTuple):
    """A moment (seconds since 1970) within the span of a chart, and what was then."""

    time: float
    text: str


@dataclass(frozen=True)
class Span:
    """The time that a chart shows, in seconds since 1970, and the longest step (s) that a line may cross."""

    start: float
    end: float
    longest_step: float


def segments(readings: Iterable[tuple[float, float | None]], longest_step: float) -> Iterator[list[Point]]:
    """Runs of readings without a gap: a value that is missing, or a step that is too long, ends one."""
    run: list[Point] = []
    for time, value in readings:
        if run and (value is None or time - run[-1][0] > longest_step):
            yield run
            run = []
        if value is not None:
            run.append((time, value))
    if run:
        yield run


def sparkline(
    span: Span,
    times: Sequence[float],
    values: Sequence[float | None],
    text: str,
    expected: PageBand | None = None,
    marks: Iterable[Mark] = (),
) -> str:
    """The chart: a line for each run of readings over an area down to 0, and nothing where nothing is known.

    `text` says the same to those who cannot see it. The scale starts at 0, or below where there are negative values.
    `expected` is a dashed line in a band, instead of the area; `marks` are upright lines.
    """
    runs = list(segments(_within(span, times, values), span.longest_step))
    bands = _bands(span, expected) if expected else []
    known = [value for line in (*runs, *bands) for _, value in line]
    scale = _Scale(span, min(0.0, *known, 0.0), max(0.0, *known, 0.0))
    zero = None if bands else scale.zero
    drawn = "".join(_drawn([scale.place(point) for point in run], zero) for run in runs)
    drawn += "".join(_drawn_mark(scale, mark) for mark in marks)
    return (
        f'<svg class="spark" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(text)}"><title>{escape(text)}</title>'
        f'<path class="base" d="M0 {scale.zero:.1f}H{WIDTH:g}"/>{_drawn_band(scale, bands)}{drawn}</svg>'
    )


def _drawn_mark(scale: _Scale, mark: Mark) -> str:
    return f'<path class="mark" d="M{scale.x(mark.time):.1f} 0V{HEIGHT:g}"><title>{escape(mark.text)}</title></path>'


def _within(span: Span, times: Sequence[float], values: Sequence[ValueT]) -> list[tuple[float, ValueT]]:
    return [(time, value) for time, value in zip(times, values, strict=True) if span.start <= time <= span.end]


def _bands(span: Span, band: PageBand) -> list[list[Point]]:
    """Lower, middle and upper line; none where nothing of them is within the span."""
    lines = [_within(span, band.times, line) for line in (band.lower, band.middle, band.upper)]
    return lines if lines[0] else []


def _drawn_band(scale: _Scale, lines: Sequence[Sequence[Point]]) -> str:
    if not lines:
        return ""
    lower, middle, upper = ([_written(scale.place(point)) for point in line] for line in lines)
    return (
        f'<path class="band" d="M{"L".join((*upper, *reversed(lower)))}Z"/>'
        f'<path class="expected" d="M{"L".join(middle)}"/>'
    )


def _written(place: Point) -> str:
    return f"{place[0]:.1f} {place[1]:.1f}"


def _drawn(places: Sequence[Point], zero: float | None) -> str:
    """The line, over an area down to `zero` where that is given."""
    line = "L".join(map(_written, places))
    first, last = places[0][0], places[-1][0]
    area = "" if zero is None else f'<path class="area" d="M{first:.1f} {zero:.1f}L{line}L{last:.1f} {zero:.1f}Z"/>'
    return f'{area}<path class="line" d="M{line}{"h0" if len(places) == 1 else ""}"/>'


@dataclass(frozen=True)
class _Scale:
    span: Span
    low: float
    high: float

    @property
    def zero(self) -> float:
        return self._y(0.0)

    def place(self, point: Point) -> Point:
        time, value = point
        return self.x(time), self._y(value)

    def x(self, time: float) -> float:
        return WIDTH * (time - self.span.start) / (self.span.end - self.span.start)

    def _y(self, value: float) -> float:
        share = (value - self.low) / ((self.high - self.low) or 1.0)
        return _TOP + (HEIGHT - _TOP - 1.0) * (1.0 - share)
