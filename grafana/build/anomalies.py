"""Anomalies: what is not as it should be, and who was told."""

from __future__ import annotations

from grafana.build.dashboard import Dashboard, row
from grafana.build.fields import BAD, UP, Look
from grafana.build.panels import graph, stat, states, table
from grafana.build.queries import Query

QUIET = "nothing is wrong in the demo"
NO_CHANNELS = "the demo tells nobody"

NOW = row(
    "Now",
    stat(
        "Anomalies",
        "Anomalies that are going on.",
        Look("none", limits=BAD),
        Query("sum(anomaly_active{$selected})"),
        width=6,
    ),
    stat(
        "Alerts of Prometheus",
        "Alerts of the chosen machines that fire by Prometheus' rules.",
        Look("none", limits=BAD),
        Query('count(ALERTS{$selected, alertstate="firing"}) or vector(0)'),
        width=6,
    ),
    stat(
        "Watched series",
        "Series that the detectors watch.",
        Look("none"),
        Query("sum(anomaly_watched_series{$selected})"),
        width=6,
    ),
    stat(
        "Still learning",
        "Watched series that are not known well enough to judge.",
        Look("none"),
        Query("sum(anomaly_warming_up_series{$selected})"),
        width=6,
    ),
)

WHAT = row(
    "What is wrong",
    states(
        "Active anomalies",
        "When something was not as it should be; the severity goes from 1 to 5.",
        Look("none", words={0: ("quiet", "green"), 1: ("anomaly", "red")}),
        Query(
            "max by (instance, component, type, severity) (anomaly_active{$selected})",
            "{{instance}} {{component}} {{type}} ({{severity}})",
        ),
        width=24,
    ),
    graph(
        "Strangest series",
        "Scores of the ten series that are strangest now: 0 is usual, 1 as strange as it gets.",
        Look("percentunit", minimum=0, maximum=1),
        Query("topk(10, anomaly_score_ratio{$selected})", "{{instance}} {{series}}"),
        empty="scores come after detectors have learnt",
    ),
    graph(
        "Anomalies that began",
        "Anomalies by component and type.",
        Look("none", minimum=0),
        Query(
            "sum by (component, type) (increase(anomaly_detected_total{$selected}[$__rate_interval]))",
            "{{component}} {{type}}",
        ),
    ),
    table(
        "Firing alerts of Prometheus",
        "Alerts that fire by the rules in prometheus/rules.",
        Look("none"),
        Query('ALERTS{$selected, alertstate="firing"}'),
        width=24,
        empty=QUIET,
    ),
)

TOLD = row(
    "Who was told (collector `alerts`)",
    stat(
        "Active alerts",
        "Alerts by the collector's own rules that are active.",
        Look("none", limits=BAD),
        Query("sum(alerts_active{$selected})"),
        empty=QUIET,
    ),
    stat(
        "Rules",
        "Rules that the collector judges.",
        Look("none"),
        Query("sum(alerts_rules{$selected})"),
        empty=NO_CHANNELS,
    ),
    states(
        "Channels",
        "Whether the last message to a channel arrived.",
        Look("none", words=UP),
        Query("alerts_channel_up{$selected}", "{{instance}} {{channel}}"),
        width=8,
        empty=NO_CHANNELS,
    ),
    graph(
        "Messages",
        "Messages to each channel by what became of them.",
        Look("none", minimum=0),
        Query(
            "sum by (channel, result) (increase(alerts_notifications_total{$selected}[$__rate_interval]))",
            "{{channel}} {{result}}",
        ),
        width=8,
        empty=NO_CHANNELS,
    ),
    graph(
        "Waiting messages",
        "Messages that wait for a channel.",
        Look("none", minimum=0),
        Query("alerts_queue_length{$selected}", "{{instance}} {{channel}}"),
        width=24,
        empty=NO_CHANNELS,
    ),
)

DASHBOARD = Dashboard(
    "energy-collector-anomalies",
    "Energy · Anomalies",
    "What is not as it should be, how strange it is, and who was told.",
    (NOW, WHAT, TOLD),
    period="now-24h",
)
