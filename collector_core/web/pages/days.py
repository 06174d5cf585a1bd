"""What today and yesterday took: energy, cost and carbon of this machine, from the history."""

from __future__ import annotations

import time

from collector_core.history.past import History, PastEnergy
from collector_core.web.pages.layout import tile
from collector_core.web.pages.money import currency_of
from collector_core.web.pages.view import View

Days = tuple[PastEnergy, PastEnergy]


def render_days(view: View, *, of: str = "") -> str:
    """A tile for each of both days of which something was measured; `of` says of what, where that is not clear."""
    days = view.past.ask("days", lambda: _ask(view.app.history.past)) if view.past else None
    names = ("today", "yesterday")
    told = zip(names, days or (), strict=False)
    return "".join(_tile(view, name, energy, of) for name, energy in told if energy.joules)


def _ask(past: History) -> Days | None:
    now = time.time()
    today = _midnight(now)
    yesterday = _midnight(today - 1.0)
    days = past.energy(today, now), past.energy(yesterday, today)
    return days if any(each.joules for each in days) else None


def _midnight(when: float) -> float:
    """When the day of a time began, here."""
    local = time.localtime(when)
    return time.mktime((local.tm_year, local.tm_mon, local.tm_mday, 0, 0, 0, 0, 0, -1))


def _tile(view: View, name: str, energy: PastEnergy, of: str) -> str:
    words = view.words
    kwh = words.quantity(energy.joules / 3600, "Wh")
    grams = None if energy.grams is None else f"{words.quantity(energy.grams, 'grams')} CO₂"
    if energy.cost is None:
        return tile(words(name), kwh, _joined(of, grams))
    return tile(words(name), words.money(energy.cost, currency_of(view)), _joined(of, kwh, grams))


def _joined(*notes: str | None) -> str:
    return " · ".join(filter(None, notes))
