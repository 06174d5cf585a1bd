"""A dashboard: rows of panels, placed one after the other, and the variables that choose what they show."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    GridPos,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from grafana.build.panels import Panel
from grafana.build.queries import DATASOURCE, SELECTED

TAG = "energy-collector"
COLUMNS = 24


@dataclass(frozen=True)
class Variable:
    """A choice of values of `label`, by default the one called `name`, among the series of `metric`, or of all."""

    name: str
    title: str
    metric: str
    matchers: str = "$selected"
    all_value: str = ".*"
    label: str = ""

    @property
    def query(self) -> str:
        """What Grafana asks Prometheus for."""
        series = f"{self.metric}{{{self.matchers.replace('$selected', SELECTED)}}}" if self.matchers else self.metric
        return f"label_values({series}, {self.label or self.name})"

    def builder(self) -> builders.QueryVariable:
        """The variable in Grafana's model: several can be chosen, all at first."""
        query = {"qryType": 1, "query": self.query, "refId": "PrometheusVariableQueryEditor-VariableQuery"}
        variable = builders.QueryVariable(self.name).label(self.title).datasource(DATASOURCE).query(query)
        variable.multi(True).include_all(True).current(VariableOption(True, ["All"], ["$__all"]))
        variable.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED).sort(VariableSort.ALPHABETICAL_ASC)
        return variable.all_value(self.all_value) if self.all_value else variable


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
        return json.dumps(self.builder().build(), cls=JSONEncoder, indent=2, ensure_ascii=False) + "\n"

    def builder(self) -> builders.Dashboard:
        """The dashboard in Grafana's (classic) model."""
        dashboard = builders.Dashboard(self.title).uid(self.uid).description(self.description).tags([TAG])
        dashboard.editable().tooltip(DashboardCursorSync.CROSSHAIR).timezone("browser").refresh("30s")
        dashboard.time(self.period, "now").link(_link_to_the_others())
        dashboard.with_variable(builders.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
        for variable in (JOB, INSTANCE, *self.variables):
            dashboard.with_variable(variable.builder())
        _place(self.rows, dashboard)
        return dashboard


def _link_to_the_others() -> builders.DashboardLink:
    link = builders.DashboardLink("Dashboards").type(DashboardLinkType.DASHBOARDS).tags([TAG]).icon("external link")
    link.tooltip("The other dashboards of energy-collector, with what is chosen here")
    return link.as_dropdown(True).include_vars(True).keep_time(True)


def _place(rows: Sequence[Row], dashboard: builders.Dashboard) -> None:
    """Headings and panels from top to bottom, with numbers that count from 1."""
    number, y = 1, 0
    for each in rows:
        dashboard.with_row(builders.Row(each.title).id(number).grid_pos(GridPos(1, COLUMNS, 0, y)))
        number, y = number + 1, y + 1
        for line in _lines(each.panels):
            x = 0
            for panel in line:
                dashboard.with_panel(panel.placed(number, x, y))
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
