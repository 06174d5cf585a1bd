"""Everything: the series of any plugin by their unit, those that no other dashboard knows too."""

from __future__ import annotations

from grafana.build.dashboard import Dashboard, Variable, row
from grafana.build.fields import Look
from grafana.build.panels import Panel, graph, table
from grafana.build.queries import Query

OF_PLUGINS = '__name__!~"(collector|process|python|scrape)_.*|up|ALERTS.*"'
METRIC = Variable("metric", "Metric", "", f"$selected, {OF_PLUGINS}", label="__name__")
MOST = 20  # series of a panel; a hypervisor has hundreds


def _in(unit: str, title: str, what: str, look: Look) -> Panel:
    """A panel of the highest series whose metric ends in `unit`, which every metric in this unit does."""
    query = f'topk({MOST}, {{$selected, __name__=~"$metric", __name__=~".+_{unit}"}})'
    return graph(title, f"{what} of any plugin, the {MOST} highest at each moment.", look, Query(query))


UNITS = row(
    "By unit",
    _in("watts", "Power", "Watts", Look("watt")),
    _in("celsius", "Temperature", "Temperatures", Look("celsius")),
    _in("ratio", "Ratios", "Loads, charges and other parts of a whole", Look("percentunit")),
    _in("bytes", "Bytes", "Memory and storage", Look("bytes")),
    _in("volts", "Voltage", "Voltages", Look("volt")),
    _in("amperes", "Current", "Currents", Look("amp")),
)

METRICS = row(
    "What there is",
    table(
        "Metrics",
        "How many series each metric of the chosen machines has.",
        Look("none"),
        Query(f'count by (__name__) ({{$selected, __name__=~"$metric", {OF_PLUGINS}}})', column="series"),
        width=24,
        hidden=("Time", "demo"),
    ),
)

DASHBOARD = Dashboard(
    "energy-collector-everything",
    "Energy · Everything",
    "The series of any plugin by their unit, those of your own plugins too.",
    (UNITS, METRICS),
    (METRIC,),
)
