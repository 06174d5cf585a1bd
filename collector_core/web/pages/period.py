"""The period that History shows: that of a button, or a part of the time that was marked or moved to."""

from __future__ import annotations

import time
from html import escape
from typing import NamedTuple

from collector_core.web.pages.view import View

RANGES = {"15m": 900.0, "1h": 3600.0, "6h": 21_600.0, "24h": 86_400.0, "7d": 604_800.0, "30d": 2_592_000.0}
DEFAULT_RANGE = "1h"
MINUTE, WEEK = 60.0, 604_800.0


class Period(NamedTuple):
    """From a time to another, in seconds since 1970."""

    start: float
    end: float


def chosen_range(view: View) -> str:
    """The button that is pressed: none where the address has a period of its own."""
    return "" if asked_period(view) else view.query.get("range", DEFAULT_RANGE)


def chosen_period(view: View) -> Period:
    """That of the address."""
    now = time.time()
    length = RANGES.get(view.query.get("range", DEFAULT_RANGE), RANGES[DEFAULT_RANGE])
    return asked_period(view) or Period(now - length, now)


def asked_period(view: View) -> Period | None:
    """That of `from` and `to`, where these are one; to now without `to`."""
    now = time.time()
    try:
        start, end = float(view.query.get("from", "")), float(view.query.get("to", "") or now)
    except ValueError:
        return None
    return Period(start, end) if 0 <= start < end <= now + WEEK else None


def render_zoom(view: View, period: Period) -> str:
    """What moves and changes the period, for those without a pointer; the chart's keys press these buttons."""
    start, end = period
    length, now = end - start, time.time()
    middle = (start + end) / 2
    wide_end = min(now, middle + length)
    buttons = {
        "earlier": ("←", start - length / 2, end - length / 2),
        "zoom-in": ("+", middle - length / 4, middle + length / 4),
        "zoom-out": ("−", wide_end - 2 * length, wide_end),
        "later": ("→", min(start + length / 2, now - length), min(end + length / 2, now)),
    }
    shown = "".join(
        f'<button type="button" id="{name}" aria-label="{escape(view.words(name))}" title="{escape(view.words(name))}" '
        f'data-set="range=&amp;from={max(0.0, new_start):.0f}&amp;to={max(MINUTE, new_end):.0f}"'
        f"{' disabled' if name == 'zoom-in' and length <= MINUTE else ''}>{sign}</button>"
        for name, (sign, new_start, new_end) in buttons.items()
    )
    back = f'<button type="button" id="unzoom" data-set="from=&amp;to=">{escape(view.words("unzoom"))}</button>'
    return (
        f'<div class="zoom" role="group" aria-label="{escape(view.words("zoom"))}">{shown}'
        f"{back if asked_period(view) else ''}"
        f'<span class="facts">{clock_text(start)} – {clock_text(end)}</span></div>'
    )


def clock_text(when: float) -> str:
    """Day and time of day."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(when))
