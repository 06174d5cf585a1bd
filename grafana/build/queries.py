"""Queries of panels: PromQL in which `$selected` stands for the chosen jobs and machines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models.dashboard import DataSourceRef
from grafana_foundation_sdk.models.prometheus import PromQueryFormat, QueryEditorMode

DATASOURCE = DataSourceRef("prometheus", "${datasource}")
SELECTED = 'job=~"$job", instance=~"$instance"'


@dataclass(frozen=True)
class Query:
    """A query; `legend` names its series with labels as `{{label}}`, `column` its values in a table.

    `empty` says why it rightly gives nothing in the demo though other queries of its panel do.
    """

    expr: str
    legend: str = ""
    column: str = ""
    empty: str = ""

    @property
    def promql(self) -> str:
        """What Grafana sends, with its variables."""
        return self.expr.replace("$selected", SELECTED)

    def target(self, position: int, *, instant: bool, table: bool) -> Dataquery:
        """The query in Grafana's model; `position` counts from 0 and becomes its letter."""
        target = Dataquery().expr(self.promql).legend_format(self.legend or "__auto").ref_id(letter(position))
        target.datasource(DATASOURCE).editor_mode(QueryEditorMode.CODE)
        target.format(PromQueryFormat.TABLE if table else PromQueryFormat.TIME_SERIES)
        return target.instant() if instant else target.range()


def chosen_by(label: str, legend: str) -> Callable[..., Query]:
    """Makes queries in which `$chosen` stands for `$selected` and the values of `label` that are chosen."""

    def chosen(promql: str, legend: str = legend, column: str = "") -> Query:
        return Query(promql.replace("$chosen", f'$selected, {label}=~"${label}"'), legend, column)

    return chosen


def letter(position: int) -> str:
    """The name of a panel's query: A for 0, B for 1, …"""
    return chr(ord("A") + position)
