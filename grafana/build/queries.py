"""Queries of panels: PromQL in which `$selected` stands for the chosen jobs and machines."""

from __future__ import annotations

from dataclasses import dataclass

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
SELECTED = 'job=~"$job", instance=~"$instance"'


@dataclass(frozen=True)
class Query:
    """A query; `legend` names its series with labels as `{{label}}`, `column` its values in a table."""

    expr: str
    legend: str = ""
    column: str = ""

    @property
    def promql(self) -> str:
        """What Grafana sends, with its variables."""
        return self.expr.replace("$selected", SELECTED)

    def target(self, position: int, *, instant: bool, table: bool) -> dict[str, object]:
        """The query in Grafana's model; `position` counts from 0 and becomes its letter."""
        return {
            "datasource": DATASOURCE,
            "editorMode": "code",
            "expr": self.promql,
            "format": "table" if table else "time_series",
            "instant": instant,
            "legendFormat": self.legend or "__auto",
            "range": not instant,
            "refId": letter(position),
        }


def letter(position: int) -> str:
    """The name of a panel's query: A for 0, B for 1, …"""
    return chr(ord("A") + position)
