"""Workloads: guests, containers and services with what each of them draws; sorted, searched and filtered."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from collector_core.metering.flow import FlowKind, host_of
from collector_core.web.pages.last_hour import courses_of, spark_cell
from collector_core.web.pages.layout import live
from collector_core.web.pages.now import graph_of
from collector_core.web.pages.page_sections import sections_of
from collector_core.web.pages.tables import Cell, Row, render_table
from collector_core.web.pages.things import history_of, thing_name
from collector_core.web.pages.view import View

MOST_CHARTS = 300  # more would keep the disk busy
COLUMNS = ("name", "power", "share", "last_hour", "kind", "host")  # a phone shows the first ones
KINDS = (FlowKind.GUEST, FlowKind.CONTAINER, FlowKind.SERVICE)


def render(view: View) -> str:
    """The page."""
    words, kind = view.words, view.query.get("kind", "")
    rows = [row for row in _rows(view) if kind not in KINDS or words(kind) == row[COLUMNS.index("kind")].text]
    chosen = "".join(
        f'<option value="{each}"{" selected" if each == kind else ""}>{escape(words(each or "all"))}</option>'
        for each in ("", *KINDS)
    )
    table = render_table(view, words("workloads"), COLUMNS, rows)
    empty = "" if rows else f'<p class="empty">{escape(words("nothing"))}</p>'
    return (
        '<form class="controls" role="search">'
        f'<label>{escape(words("search"))} <input type="search" name="q" id="q" data-param="q" '
        f'value="{view.text(view.query.get("q", ""))}"></label>'
        f'<label>{escape(words("kind"))} <select name="kind" id="kind" data-param="kind">{chosen}</select></label>'
        "</form>" + live("workloads", f"{table}{empty}{sections_of(view, 'workloads')}")
    )


def _rows(view: View) -> Iterator[Row]:
    drawn = [node for node in graph_of(view).nodes if node.kind in KINDS]
    courses = courses_of(view) if len(drawn) <= MOST_CHARTS else {}
    named = {node.label for node in drawn}
    total = sum(node.watts for node in drawn) or 1.0
    for node in drawn:
        spark = spark_cell(view, node.label, courses.get(node.id))
        place = Cell(view.words(node.kind)), Cell(host_of(node.id))
        yield (Cell(node.label), *_draw(view, node.watts, node.watts / total), spark, *place)
    for series, watts in view.select("power", "vm"):
        name = thing_name(series)
        if name not in named:
            spark = spark_cell(view, name, courses.get(series.text))
            link = f'<a href="{history_of(series)}">{view.text(name)}</a>'
            yield (Cell(name, html=link), *_draw(view, watts, None), spark, Cell(view.words("guest")), Cell(""))


def _draw(view: View, watts: float, share: float | None) -> Row:
    part = "" if share is None else view.words.quantity(share, "ratio")
    return Cell(view.words.quantity(watts, "W"), watts), Cell(part, share)
