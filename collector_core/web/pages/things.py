"""Things of a kind as one table: what is published of each of them, found by what it is about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from urllib.parse import quote

from collector_core.model.series import Series
from collector_core.web.pages.tables import Cell, render_table
from collector_core.web.pages.view import View

MOST_COLUMNS = 7
_FIRST = (
    "charge", "power", "load", "output_power", "input_power", "solar_power", "charge_power", "discharge_power",
    "import_power", "export_power", "remaining_time", "runtime", "temperature", "power_limit", "availability", "energy",
)  # fmt: skip
_NO_NAMES = frozenset({"demo", "uuid", "model", "instance"})


def render_things(view: View, kinds: Iterable[str]) -> str:
    """A section for each kind of which anything is published."""
    return "".join(_section(view, kind) for kind in kinds)


def something(view: View, *sections: str) -> str:
    """The sections, or a word that there is nothing."""
    return "".join(sections) or f'<p class="empty">{escape(view.words("nothing"))}</p>'


def _section(view: View, kind: str) -> str:
    found = [(series, value) for series, value in view.select(None, kind) if series.topic in _FIRST]
    if not found:
        return ""
    topics = sorted({series.topic for series, _ in found}, key=_FIRST.index)[:MOST_COLUMNS]
    rows: dict[str, dict[str, tuple[Series, float]]] = {}
    for series, value in found:
        rows.setdefault(thing_name(series), {}).setdefault(series.topic, (series, value))
    title = view.words.maybe(kind, kind)
    table = render_table(
        view,
        title,
        ["name", *topics],
        [[Cell(name), *_cells(view, cells, topics)] for name, cells in sorted(rows.items())],
        key=f"-{kind}",
    )
    return f"<section><h2>{escape(title)}</h2>{table}</section>"


def _cells(view: View, cells: dict[str, tuple[Series, float]], topics: Sequence[str]) -> Iterator[Cell]:
    for topic in topics:
        if topic not in cells:
            yield Cell("")
            continue
        series, value = cells[topic]
        joules = series.unit == "joules"
        text = view.words.quantity(value / 3600 if joules else value, "Wh" if joules else series.unit)
        yield Cell(text, value, _linked(view, series, text))


def _linked(view: View, series: Series, text: str) -> str:
    return f'<a href="{history_of(series)}">{view.text(text)}</a>'


def history_of(series: Series) -> str:
    """The address of a series' history, as an attribute."""
    return f"/history?series={escape(quote(series.text, safe=''))}&amp;range=24h"


def thing_name(series: Series) -> str:
    """What tells one thing from others of its kind: the name, or all labels that do."""
    labels = {key: value for key, value in series.labels.items() if value and key not in _NO_NAMES}
    if "name" in labels:
        return labels["name"]
    host = labels.pop("host", "")
    first = next((labels[key] for key in ("site", "vm", "gpu", "device", "plug", "ups") if key in labels), "")
    rest = first or next(iter(labels.values()), "")
    return f"{host} {rest}".strip() or series.source
