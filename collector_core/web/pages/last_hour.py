"""The last hour of what workloads drew, as small charts for a table."""

from __future__ import annotations

import time
from collections.abc import Mapping

from collector_core.history.past import History
from collector_core.model.selector import Selector
from collector_core.web.pages.tables import Cell
from collector_core.web.pages.view import View
from collector_core.web.sparkline import Span, sparkline

HOUR, STEP = 3600.0, 60.0
LONGEST_STEP = 3 * STEP
FLOWS = Selector.parse('{__topic__="power_flow"}')
GUESTS = Selector.parse('{__topic__="power",__of__="vm"}')

Course = Mapping[float, float]
"""Watts by time, in seconds since 1970."""


def courses_of(view: View) -> Mapping[str, Course]:
    """What flowed into each node of the graph, and what guests that are not in it drew, by the text of their series."""
    return (view.past.ask("last hour", lambda: _ask(view.app.history.past)) if view.past else None) or {}


def spark_cell(view: View, name: str, course: Course | None) -> Cell:
    """The chart of a workload, sorted by its mean; empty where nothing is known."""
    if not course:
        return Cell("")
    now = time.time()
    low, high = (view.words.quantity(each, "W") for each in (min(course.values()), max(course.values())))
    text = view.app.redactor(f"{name}, {view.words('last_hour')}: {low} – {high}")
    drawn = sparkline(Span(now - HOUR, now, LONGEST_STEP), [*course], [*course.values()], text)
    return Cell("", sum(course.values()) / len(course), drawn)


def _ask(past: History) -> Mapping[str, Course]:
    now = time.time()
    courses: dict[str, dict[float, float]] = {}
    for each in past.query(FLOWS, now - HOUR, now, step=STEP):
        course = courses.setdefault(each.series.labels.get("to", ""), {})
        for when, watts in each.points:
            course[when] = course.get(when, 0.0) + watts
    return courses | {each.series.text: dict(each.points) for each in past.query(GUESTS, now - HOUR, now, step=STEP)}
