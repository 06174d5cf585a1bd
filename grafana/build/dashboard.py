"""A dashboard: rows of panels, placed one after the other, and the variables that choose what they show."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from grafana.build.panels import Panel
from grafana.build.queries import DATASOURCE, SELECTED

SCHEMA_VERSION = 41  # Grafana 11.6 and 12; older and newer ones read it too
TAG = "energy-collector"
COLUMNS = 24


@dataclass(frozen=True)
class Variable:
    """A choice of label values among the series of `metric`."""

    name: str
    title: str
    metric: str
    matchers: str = "$selected"
    all_value: str = ".*"

    @property
    def query(self) -> str:
        """What Grafana asks Prometheus for."""
        series = f"{self.metric}{{{self.matchers.replace('$selected', SELECTED)}}}" if self.matchers else self.metric
        return f"label_values({series}, {self.name})"

    def model(self) -> dict[str, object]:
        """The variable in Grafana's model: several can be chosen, all at first."""
        return {
            "name": self.name,
            "label": self.title,
            "type": "query",
            "datasource": DATASOURCE,
            "query": {"qryType": 1, "query": self.query, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
            "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
            "includeAll": True,
            **({"allValue": self.all_value} if self.all_value else {}),
            "multi": True,
            "options": [],
            "refresh": 2,
            "regex": "",
            "sort": 1,
            "hide": 0,
        }


# All jobs are those with collectors, by their names: others, such as node_exporter's, have an `up` too.
JOB = Variable("job", "Job", "collector_build_info", "", all_value="")
INSTANCE = Variable("instance", "Machine", "collector_build_info", 'job=~"$job"')


@dataclass(frozen=True)
class Row:
    """Panels below a heading."""

    title: str
    panels: tuple[Panel, ...]


def row(title: str, *panels: Panel) -> Row:
    """A heading and its panels, which stand beside each other as far as there is room."""
    return Row(title, panels)


@dataclass(frozen=True)
class Dashboard:
    """A dashboard; `uid` is its address in Grafana and stays."""

    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]
    variables: tuple[Variable, ...] = ()
    period: str = "now-6h"

    @property
    def file_name(self) -> str:
        """Where its JSON is kept."""
        return f"{self.uid.removeprefix('energy-collector-')}.json"

    @property
    def panels(self) -> Iterator[Panel]:
        """All panels, in their order."""
        return (panel for each in self.rows for panel in each.panels)

    def text(self) -> str:
        """The JSON that Grafana imports and provisions."""
        return json.dumps(self.model(), indent=2, ensure_ascii=False) + "\n"

    def model(self) -> dict[str, object]:
        """The dashboard in Grafana's (classic) model."""
        variables = [each.model() for each in (JOB, INSTANCE, *self.variables)]
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": [TAG],
            "editable": True,
            "graphTooltip": 1,
            "schemaVersion": SCHEMA_VERSION,
            "timezone": "browser",
            "refresh": "30s",
            "time": {"from": self.period, "to": "now"},
            "timepicker": {},
            "fiscalYearStartMonth": 0,
            "annotations": {"list": []},
            "links": [_link_to_the_others()],
            "templating": {"list": [_datasource(), *variables]},
            "panels": list(_placed(self.rows)),
        }


def _datasource() -> dict[str, object]:
    return {
        "name": "datasource",
        "label": "Prometheus",
        "type": "datasource",
        "query": "prometheus",
        "current": {},
        "includeAll": False,
        "multi": False,
        "options": [],
        "refresh": 1,
        "regex": "",
        "hide": 0,
    }


def _link_to_the_others() -> dict[str, object]:
    return {
        "title": "Dashboards",
        "type": "dashboards",
        "icon": "external link",
        "tooltip": "The other dashboards of energy-collector, with what is chosen here",
        "tags": [TAG],
        "asDropdown": True,
        "includeVars": True,
        "keepTime": True,
        "targetBlank": False,
        "url": "",
    }


def _placed(rows: Sequence[Row]) -> Iterator[dict[str, object]]:
    """Headings and panels from top to bottom, with numbers that count from 1."""
    number, y = 1, 0
    for each in rows:
        yield _heading(number, each.title, y)
        number, y = number + 1, y + 1
        for line in _lines(each.panels):
            x = 0
            for panel in line:
                yield panel.model(number, x, y)
                number, x = number + 1, x + panel.width
            y += max(panel.height for panel in line)


def _lines(panels: Sequence[Panel]) -> Iterator[list[Panel]]:
    line: list[Panel] = []
    for panel in panels:
        if line and sum(each.width for each in line) + panel.width > COLUMNS:
            yield line
            line = []
        line.append(panel)
    if line:
        yield line


def _heading(number: int, title: str, y: int) -> dict[str, object]:
    place = {"h": 1, "w": COLUMNS, "x": 0, "y": y}
    return {"id": number, "type": "row", "title": title, "collapsed": False, "gridPos": place, "panels": []}
