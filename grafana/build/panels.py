"""Kinds of panels. Each function makes one; `empty_in_demo` says why it rightly shows nothing in the demo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from grafana.build.fields import Look
from grafana.build.queries import DATASOURCE, Query, letter

TODAY = "now/d"
HIDDEN_COLUMNS = ("Time", "__name__", "demo")

_REDUCED = {"calcs": ["lastNotNull"], "fields": "", "values": False}
_GRAPH: Mapping[str, object] = {
    "drawStyle": "line",
    "fillOpacity": 10,
    "lineWidth": 1,
    "showPoints": "never",
    "spanNulls": False,
}


@dataclass(frozen=True)
class Panel:
    """A panel without its place; `width` of 24 columns, `height` in rows of Grafana's grid."""

    kind: str
    title: str
    description: str
    look: Look
    queries: tuple[Query, ...]
    width: int
    height: int
    options: Mapping[str, object]
    custom: Mapping[str, object]
    time_from: str = ""
    empty_in_demo: str = ""

    @property
    def instant(self) -> bool:
        """Whether only the last values count, not their course."""
        return self.kind not in ("timeseries", "state-timeline")

    def model(self, number: int, x: int, y: int) -> dict[str, object]:
        """The panel in Grafana's model, at column `x` and row `y`."""
        table = self.kind == "table"
        targets = [query.target(place, instant=self.instant, table=table) for place, query in enumerate(self.queries)]
        return {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "datasource": DATASOURCE,
            "gridPos": {"h": self.height, "w": self.width, "x": x, "y": y},
            "fieldConfig": {"defaults": self.look.defaults(self.custom), "overrides": self.look.overrides()},
            "options": dict(self.options),
            "targets": targets,
            **({"timeFrom": self.time_from} if self.time_from else {}),
            **({"transformations": _one_table(self.queries)} if table else {}),
        }


def graph(
    title: str, description: str, look: Look, *queries: Query, width: int = 12, stack: bool = False, empty: str = ""
) -> Panel:
    """Lines over time, stacked where their sum means something."""
    stacking = {"mode": "normal" if stack else "none", "group": "A"}
    custom = {**_GRAPH, "fillOpacity": 40 if stack else 10, "stacking": stacking}
    legend = {
        "calcs": ["mean", "max", "lastNotNull"],
        "displayMode": "table",
        "placement": "bottom",
        "showLegend": True,
    }
    options = {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
    return Panel("timeseries", title, description, look, queries, width, 9, options, custom, empty_in_demo=empty)


def stat(
    title: str, description: str, look: Look, *queries: Query, width: int = 4, today: bool = False, empty: str = ""
) -> Panel:
    """Large numbers; `today` counts from midnight, whatever time is chosen."""
    options = {
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "reduceOptions": _REDUCED,
        "textMode": "auto",
    }
    time_from = TODAY if today else ""
    return Panel("stat", title, description, look, queries, width, 4, options, {}, time_from, empty)


def gauge(title: str, description: str, look: Look, *queries: Query, width: int = 6, empty: str = "") -> Panel:
    """Dials, for what has a lowest and a highest value."""
    options = {
        "orientation": "auto",
        "reduceOptions": _REDUCED,
        "showThresholdLabels": False,
        "showThresholdMarkers": True,
    }
    return Panel("gauge", title, description, look, queries, width, 7, options, {}, empty_in_demo=empty)


def bars(title: str, description: str, look: Look, *queries: Query, width: int = 6, empty: str = "") -> Panel:
    """Bars beside each other, to compare what is now."""
    options = {
        "displayMode": "gradient",
        "orientation": "horizontal",
        "reduceOptions": _REDUCED,
        "showUnfilled": True,
        "valueMode": "color",
    }
    return Panel("bargauge", title, description, look, queries, width, 9, options, {}, empty_in_demo=empty)


def states(title: str, description: str, look: Look, *queries: Query, width: int = 12, empty: str = "") -> Panel:
    """What was so when: a band of colour for each series."""
    legend = {"displayMode": "list", "placement": "bottom", "showLegend": False}
    options = {
        "alignValue": "left",
        "legend": legend,
        "mergeValues": True,
        "rowHeight": 0.9,
        "showValue": "auto",
        "tooltip": {"mode": "single", "sort": "none"},
    }
    custom = {"fillOpacity": 70, "lineWidth": 0}
    return Panel("state-timeline", title, description, look, queries, width, 8, options, custom, empty_in_demo=empty)


def table(title: str, description: str, look: Look, *queries: Query, width: int = 12, empty: str = "") -> Panel:
    """One row for each set of labels, one column for each query that names one."""
    options = {
        "cellHeight": "sm",
        "footer": {"countRows": False, "reducer": ["sum"], "show": False},
        "showHeader": True,
    }
    custom = {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False}
    return Panel("table", title, description, look, queries, width, 9, options, custom, empty_in_demo=empty)


def _one_table(queries: tuple[Query, ...]) -> list[dict[str, object]]:
    """Join the queries' rows by their labels, name the columns of values, drop those that say nothing."""
    names = {_value_column(place, len(queries)): query.column for place, query in enumerate(queries)}
    hidden = [*HIDDEN_COLUMNS, *(name for name, column in names.items() if not column)]
    organize = {
        "excludeByName": dict.fromkeys(hidden, True),
        "indexByName": {},
        "renameByName": {name: column for name, column in names.items() if column},
    }
    return [{"id": "merge", "options": {}}, {"id": "organize", "options": organize}]


def _value_column(place: int, queries: int) -> str:
    return "Value" if queries == 1 else f"Value #{letter(place)}"
