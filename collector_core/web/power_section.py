"""The power part of the status page: watts now by component, each with its chart, and the energy since the start."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import dropwhile
from typing import Any

from collector_core.model.quantities import quantity
from collector_core.web.sparkline import Span, sparkline

TITLES = {"cpu": "CPU", "dram": "memory", "gpu": "GPU", "host": "whole machine", "psys": "platform"}
UNKNOWN = "not known"


def section(power: dict[str, Any]) -> str:
    """What `powerview.power` says, for people."""
    return (
        '<section class="power" id="power" aria-labelledby="power-title">'
        f'<h2 id="power-title">Power <small>last {_minutes(power)}</small></h2>'
        f"{_reason(power)}{_rows(power)}</section>"
    )


def _minutes(power: dict[str, Any]) -> str:
    return f"{power['history']['window_seconds'] / 60:g} minutes"


def _reason(power: dict[str, Any]) -> str:
    if not power["reason"]:
        return ""
    fix = f'<p class="fault"><strong>Fix:</strong> <code>{escape(power["fix"])}</code></p>' if power["fix"] else ""
    return f'<p class="fault">{escape(power["reason"])}</p>{fix}'


def _rows(power: dict[str, Any]) -> str:
    history, components = power["history"], power["components"]
    if not components:
        return ""
    seconds = power["time"] - power["since_timestamp_seconds"] if power["since_timestamp_seconds"] else None
    watts, joules = power["total_watts"], power["total_joules"]
    estimated = any(each["estimated"] for each in components.values())
    rows = [_row(power, "Total", _Figures(watts, joules, estimated, history["total_watts"], seconds), "total")]
    for name, each in components.items():
        values = history["watts"].get(name, [None] * len(history["timestamps"]))
        figures = _Figures(each["watts"], each["joules"], each["estimated"], values)
        rows.append(_row(power, TITLES.get(name, name), figures, "part"))
    return f'<ul class="charts">{"".join(rows)}</ul>'


class _Figures:
    """What one row tells: watts now, joules, whether a model told them, the values of its chart."""

    def __init__(
        self,
        watts: float | None,
        joules: float | None,
        estimated: bool,
        values: Sequence[float | None],
        seconds: float | None = None,
    ) -> None:
        self.values = [*values, watts]  # the last sample may be older than the ledger's last run
        about = "≈ " if estimated else ""
        self.now = UNKNOWN if watts is None else f"{about}{quantity(watts, 'W')}"
        self.energy = "" if joules is None else f"{about}{quantity(joules / 3600, 'Wh')}"
        self.energy += f" in {_duration(seconds)}" if self.energy and seconds is not None else ""
        self.kind = "estimate" if estimated else ""

    @property
    def range(self) -> str:
        known = [value for value in self.values if value is not None]
        return f"{quantity(min(known), 'W')} to {quantity(max(known), 'W')}" if known else ""

    @property
    def has_gaps(self) -> bool:
        """Whether a value is missing after the first one."""
        return None in list(dropwhile(lambda value: value is None, self.values))


def _row(power: dict[str, Any], title: str, figures: _Figures, kind: str) -> str:
    history = power["history"]
    span = Span(power["time"] - history["window_seconds"], power["time"], history["longest_step_seconds"])
    times = [*history["timestamps"], power["time"]]
    chart = sparkline(span, times, figures.values, _text(title, figures, _minutes(power)))
    tag = f' <small class="tag">{figures.kind}</small>' if figures.kind else ""
    low_high = f'<span class="range">{figures.range}</span>' if figures.range else ""
    energy = f'<span class="energy">{escape(figures.energy)}</span>' if figures.energy else ""
    return (
        f'<li class="{kind}"><h3>{escape(title)}{tag}</h3><p class="now">{escape(figures.now)}</p>{chart}'
        f'<p class="facts">{low_high}{energy}</p></li>'
    )


def _text(title: str, figures: _Figures, minutes: str) -> str:
    """The chart in words."""
    between = f", between {figures.range.replace(' to ', ' and ')}" if figures.range else ""
    gaps = "; gaps where it was not known" if figures.has_gaps else ""
    return f"{title}, last {minutes}: now {figures.now}{between}{gaps}"


def _duration(seconds: float) -> str:
    """Two units at most: `45 s`, `12 min`, `3 h 20 min`, `4 d 2 h`."""
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86400)
    if days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min" if minutes else f"{max(0, int(seconds))} s"
