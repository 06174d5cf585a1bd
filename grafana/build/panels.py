"""Kinds of panels. Each function makes one; `empty` says why all of it rightly shows nothing in the demo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import bargauge, statetimeline, timeseries
from grafana_foundation_sdk.builders import gauge as gauges
from grafana_foundation_sdk.builders import stat as stats
from grafana_foundation_sdk.builders import table as tables
from grafana_foundation_sdk.builders.common import (
    ReduceDataOptions,
    StackingConfig,
    TableFooterOptions,
    VizLegendOptions,
    VizTooltipOptions,
)
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    BigValueGraphMode,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig, GridPos

from grafana.build.fields import Look, PanelBuilder
from grafana.build.queries import DATASOURCE, Query, letter

TODAY = "now/d"
HIDDEN_COLUMNS = ("Time", "__name__", "demo")


@dataclass(frozen=True)
class Panel:
    """A panel without its place; `width` of 24 columns, `height` in rows of Grafana's grid.

    `instant` says that only the last values count, not their course.
    """

    title: str
    builder: PanelBuilder
    queries: tuple[Query, ...]
    width: int
    height: int
    instant: bool
    empty_in_demo: str

    def placed(self, number: int, x: int, y: int) -> PanelBuilder:
        """The panel at column `x` and row `y`."""
        return self.builder.id(number).grid_pos(GridPos(self.height, self.width, x, y))


def graph(
    title: str, description: str, look: Look, *queries: Query, width: int = 12, stack: bool = False, empty: str = ""
) -> Panel:
    """Lines over time, stacked where their sum means something."""
    legend = VizLegendOptions().calcs(["mean", "max", "lastNotNull"]).placement(LegendPlacement.BOTTOM)
    panel = timeseries.Panel().legend(legend.display_mode(LegendDisplayMode.TABLE).show_legend(True))
    panel.tooltip(VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
    panel.line_width(1).fill_opacity(40 if stack else 10).show_points(VisibilityMode.NEVER).span_nulls(False)
    panel.stacking(StackingConfig().mode(StackingMode.NORMAL if stack else StackingMode.NONE).group("A"))
    return _filled(panel, title, description, look, queries, width, 9, empty)


def stat(
    title: str, description: str, look: Look, *queries: Query, width: int = 4, today: bool = False, empty: str = ""
) -> Panel:
    """Large numbers; `today` counts from midnight, whatever time is chosen."""
    panel = stats.Panel().graph_mode(BigValueGraphMode.NONE).reduce_options(_newest())
    if today:
        panel.time_from(TODAY)
    return _filled(panel, title, description, look, queries, width, 4, empty)


def gauge(title: str, description: str, look: Look, *queries: Query, width: int = 6, empty: str = "") -> Panel:
    """Dials, for what has a lowest and a highest value."""
    panel = gauges.Panel().reduce_options(_newest()).show_threshold_labels(False).show_threshold_markers(True)
    return _filled(panel, title, description, look, queries, width, 7, empty)


def bars(title: str, description: str, look: Look, *queries: Query, width: int = 6, empty: str = "") -> Panel:
    """Bars beside each other, to compare what is now."""
    panel = bargauge.Panel().reduce_options(_newest()).orientation(VizOrientation.HORIZONTAL)
    panel.display_mode(BarGaugeDisplayMode.GRADIENT)
    return _filled(panel, title, description, look, queries, width, 9, empty)


def states(title: str, description: str, look: Look, *queries: Query, width: int = 12, empty: str = "") -> Panel:
    """What was so when: a band of colour for each series."""
    panel = statetimeline.Panel().legend(VizLegendOptions().show_legend(False)).merge_values(True)
    return _filled(panel.line_width(0).fill_opacity(70), title, description, look, queries, width, 8, empty)


def table(
    title: str,
    description: str,
    look: Look,
    *queries: Query,
    width: int = 12,
    empty: str = "",
    hidden: Sequence[str] = HIDDEN_COLUMNS,
) -> Panel:
    """One row for each set of labels, one column for each query that names one."""
    panel = tables.Panel().footer(TableFooterOptions().show(False)).transformations(_one_table(queries, hidden))
    return _filled(panel, title, description, look, queries, width, 9, empty)


def _filled(
    panel: PanelBuilder,
    title: str,
    description: str,
    look: Look,
    queries: tuple[Query, ...],
    width: int,
    height: int,
    empty: str,
) -> Panel:
    instant = not isinstance(panel, timeseries.Panel | statetimeline.Panel)
    panel.title(title).description(description).datasource(DATASOURCE)
    look.apply_to(panel)
    for place, query in enumerate(queries):
        panel.with_target(query.target(place, instant=instant, table=isinstance(panel, tables.Panel)))
    return Panel(title, panel, queries, width, height, instant, empty)


def _newest() -> ReduceDataOptions:
    return ReduceDataOptions().calcs(["lastNotNull"])


def _one_table(queries: tuple[Query, ...], hidden: Sequence[str]) -> list[DataTransformerConfig]:
    """Join the queries' rows by their labels, name the columns of values, drop those that say nothing."""
    names = {_value_column(place, len(queries)): query.column for place, query in enumerate(queries)}
    hidden = [*hidden, *(name for name, column in names.items() if not column)]
    organize = {
        "excludeByName": dict.fromkeys(hidden, True),
        "indexByName": {},
        "renameByName": {name: column for name, column in names.items() if column},
    }
    return [DataTransformerConfig("merge", options={}), DataTransformerConfig("organize", options=organize)]


def _value_column(place: int, queries: int) -> str:
    return "Value" if queries == 1 else f"Value #{letter(place)}"
