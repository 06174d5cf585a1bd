"""History: any series over any period, with the week before, and the energy of the selection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from math import ceil

from collector_core.errors import CollectorError, describe
from collector_core.history.past import History, PastEnergy, PastEvent, PastSeries
from collector_core.model.selector import Selector
from collector_core.web.pages.chart import draw
from collector_core.web.pages.event_words import EventWords
from collector_core.web.pages.layout import live, tile
from collector_core.web.pages.money import currency_of
from collector_core.web.pages.period import RANGES, WEEK, Period, chosen_period, chosen_range, clock_text, render_zoom
from collector_core.web.pages.view import View

DEFAULT_SERIES = '{__topic__="power",__of__="host"}'
MOST_SERIES, MANY_SERIES = 8, 50
MOST_SUGGESTED = 300
MOST_EVENTS = 40
POINTS = 400
DAY = 86_400.0
# Seconds: multiples of what the history has summed up, so that it need not look at every reading.
STEPS = (5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0, 14_400.0, 43_200.0, DAY)
SUGGESTED = frozenset(
    {"power", "charge", "energy", "temperature", "load", "import_power", "export_power", "power_flow"}
)


def render(view: View) -> str:
    """The page; may wait for a disk."""
    selector = view.query.get("series", "").strip() or DEFAULT_SERIES
    return _controls(view, selector) + live("history", _result(view, selector))


def _controls(view: View, selector: str) -> str:
    words, chosen = view.words, chosen_range(view)
    buttons = "".join(
        f'<button type="button" id="range-{each}" data-set="range={each}&amp;from=&amp;to=" '
        f'aria-pressed="{str(each == chosen).lower()}">{each}</button>'
        for each in RANGES
    )
    compares = view.query.get("compare") == "week"
    options = "".join(f'<option value="{view.text(text)}"></option>' for text in _suggestions(view))
    return (
        '<form class="controls">'
        f'<label class="wide">{escape(words("series"))} <input type="search" name="series" id="series" list="known" '
        f'data-param="series" spellcheck="false" value="{view.text(selector)}"></label>'
        f'<datalist id="known">{options}</datalist>'
        f'<div id="ranges" data-live role="group" aria-label="{escape(words("range"))}">{buttons}'
        f'<button type="button" id="compare" data-set="compare={"" if compares else "week"}" '
        f'aria-pressed="{str(compares).lower()}">{escape(words("compare"))}</button></div></form>'
    )


def _suggestions(view: View) -> list[str]:
    found: list[str] = []
    for published in view.app.exposition.published():
        for metric, places in published.snapshot.layout.places.items():
            if metric.topic in SUGGESTED and places and len(found) < MOST_SUGGESTED:
                found.append(metric.name)
    return sorted(set(found))


def _result(view: View, text: str) -> str:
    words, past = view.words, view.app.history.past
    if not past.is_kept:
        return f'<p class="empty">{escape(words("no_history"))}</p>'
    try:
        selector = Selector.parse(text)
    except (CollectorError, ValueError) as error:
        return f'<p class="fault">{escape(words("bad_series"))}: {view.text(text)}. {view.text(str(error))}</p>'
    period = chosen_period(view)
    try:
        return _found(view, past, selector, text, period)
    except CollectorError as error:
        return f'<p class="fault">{view.text(describe(error))}</p>'


def _found(view: View, past: History, selector: Selector, text: str, period: Period) -> str:
    selectors, count = _narrowed(view, selector)
    found = _query(past, selectors, period)
    before: Sequence[PastSeries] = ()
    if view.query.get("compare") == "week":
        before = _query(past, selectors, Period(period.start - WEEK, period.end - WEEK))
    events = past.events(period.start, period.end)[-MOST_EVENTS:]
    if not found:
        return f'{render_zoom(view, period)}<p class="empty">{escape(view.words("no_series"))} {view.text(text)}</p>'
    count = max(count, len(found))
    more = f'<p class="facts">{MOST_SERIES} {escape(view.words("of"))} {count} {escape(view.words("shown"))}</p>'
    return (
        render_zoom(view, period)
        + draw(view, found[:MOST_SERIES], before[:MOST_SERIES], period, events)
        + (more if count > MOST_SERIES else "")
        + _energy(view, past, period)
        + _events(view, events)
    )


def _narrowed(view: View, selector: Selector) -> tuple[Sequence[Selector], int]:
    """The first of the series that are published, where these are too many to ask for all; and how many these are."""
    texts = [series.text for series, _ in selector.select(view.app.exposition.published())]
    if len(texts) <= MANY_SERIES:
        return [selector], len(texts)
    return [Selector.parse(text) for text in sorted(texts)[:MOST_SERIES]], len(texts)


def _query(past: History, selectors: Sequence[Selector], period: Period) -> list[PastSeries]:
    wanted = (period.end - period.start) / POINTS
    step = next((each for each in STEPS if each >= wanted), ceil(wanted / DAY) * DAY)
    found: list[PastSeries] = []
    for selector in selectors:
        asked = past.query(selector, period.start, period.end, step=step)
        found += [each for each in asked if each.points and not each.is_counter]
        if any(each.is_counter for each in asked):
            rates = past.query(selector, period.start, period.end, step=step, fn="rate")
            found += [each for each in rates if each.points and each.is_counter]
    return found


def _energy(view: View, past: History, period: Period) -> str:
    """What this machine took in the period, what that cost and emitted; beside the week before where that is asked."""
    energy, words = past.energy(period.start, period.end), view.words
    if not energy.joules:
        return ""
    before = PastEnergy()
    if view.query.get("compare") == "week":
        before = past.energy(period.start - WEEK, period.end - WEEK)
    tiles = [
        _compared(view, "energy", energy.joules / 3600, before.joules / 3600, lambda each: words.quantity(each, "Wh"))
    ]
    if energy.cost is not None:
        tiles.append(
            _compared(view, "cost", energy.cost, before.cost, lambda each: words.money(each, currency_of(view)))
        )
    if energy.grams is not None:
        tiles.append(_compared(view, "carbon", energy.grams, before.grams, lambda each: words.quantity(each, "grams")))
    tiles.append(tile(words("covered"), words.quantity(energy.covered_seconds, "seconds")))
    return f'<ul class="tiles">{"".join(tiles)}</ul>'


def _compared(view: View, name: str, value: float, before: float | None, show: Callable[[float], str]) -> str:
    note = ""
    if before:
        change = view.words.number(f"{100 * (value / before - 1):+.0f} %".replace("-", "−"))
        note = f"{view.words('week_before')}: {show(before)} ({change})"
    return tile(view.words(name), show(value), note)


def _events(view: View, events: Sequence[PastEvent]) -> str:
    if not events:
        return ""
    title, said = escape(view.words("events")), EventWords(view.app, view.words)
    items = "".join(
        f"<li><time>{clock_text(each.time)}</time> {escape(said.mark(each))}</li>" for each in reversed(events)
    )
    return f'<details id="marks"><summary>{title} ({len(events)})</summary><ul class="marks">{items}</ul></details>'
