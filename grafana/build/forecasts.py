"""Forecasts: what comes next, how good that was so far, and what follows from it."""

from __future__ import annotations

from grafana.build.dashboard import Dashboard, Variable, row
from grafana.build.fields import Look
from grafana.build.panels import graph, stat, table
from grafana.build.queries import Query, chosen_by

SERIES = Variable("series", "Series", "forecast_model_info")
NO_BATTERY = "shown only while a battery will be empty or full"
NO_LIMIT = "the demo has no limit"
NOT_YET = "something must have come true first"
NO_DISK = "no disk of the demo shrinks"

_chosen = chosen_by("series", "{{series}}")


ANSWERS = row(
    "What follows",
    stat(
        "Battery empty in",
        "Likeliest time until a battery is empty.",
        Look("s"),
        Query(
            "min by (instance, battery) (forecast_battery_likeliest_time_to_empty_seconds{$selected})",
            "{{battery}}",
        ),
        width=6,
        empty=NO_BATTERY,
    ),
    stat(
        "Battery full in",
        "Likeliest time until a battery is full.",
        Look("s"),
        Query(
            "min by (instance, battery) (forecast_battery_likeliest_time_to_full_seconds{$selected})",
            "{{battery}}",
        ),
        width=6,
        empty=NO_BATTERY,
    ),
    stat(
        "Energy of today",
        "Energy of today: what was measured of it and what is expected.",
        Look("watth"),
        _chosen('forecast_energy_joules{$chosen, period="today", quantile="0.5"} / 3600'),
        width=6,
    ),
    stat(
        "Energy of the month",
        "Energy of this month: what was measured of it and what is expected.",
        Look("watth"),
        _chosen('forecast_energy_joules{$chosen, period="month", quantile="0.5"} / 3600'),
        width=6,
    ),
    graph(
        "Time until a battery is empty",
        "From when one course in ten has it empty (0.1) until nine in ten do (0.9).",
        Look("s", minimum=0),
        Query("forecast_battery_time_to_empty_seconds{$selected}", "{{battery}} {{quantile}}"),
        width=8,
        empty=NO_BATTERY,
    ),
    graph(
        "Risk of an empty battery",
        "Probability that a battery is empty at some time within the forecast.",
        Look("percentunit", minimum=0, maximum=1),
        Query("forecast_battery_empty_risk_ratio{$selected}", "{{instance}} {{battery}}"),
        width=8,
    ),
    graph(
        "Tomorrow's peak above its limit",
        "Probability that tomorrow's peak is above the limit that is configured.",
        Look("percentunit", minimum=0, maximum=1),
        _chosen("forecast_peak_above_limit_ratio{$chosen}"),
        width=8,
        empty=NO_LIMIT,
    ),
    graph(
        "Time until a resource is exhausted",
        "Time until nothing is left of a disk or memory, by its trend.",
        Look("s", minimum=0),
        Query('forecast_time_to_exhaustion_seconds{$selected, quantile="0.5"}', "{{instance}} {{resource}}"),
        width=24,
        empty=NO_DISK,
    ),
)

EXPECTED = row(
    "Expected, and what came true",
    graph(
        "In a day",
        "What each series is expected to be a day from now, with its interval, in the unit of the series.",
        Look("short"),
        _chosen('forecast_value{$chosen, horizon="24h"}', "{{series}} {{quantile}}"),
    ),
    graph(
        "A day ago for now",
        "What was expected for now a day ago, with its interval: compare it with the series itself.",
        Look("short"),
        _chosen('forecast_value{$chosen, horizon="24h"} offset 24h', "{{series}} {{quantile}}"),
        empty=NOT_YET,
    ),
    graph(
        "Power: a day ago for now, and now",
        "What the machines were expected to draw now a day ago, and what they draw.",
        Look("watt", minimum=0),
        Query('forecast_value{$selected, series="power", horizon="24h"} offset 24h', "expected {{quantile}}"),
        Query("sum by (instance) (energy_power_watts{$selected})", "{{instance}}"),
        width=24,
        empty=NOT_YET,
    ),
)

RECORD = row(
    "Record",
    graph(
        "Error of the last 30 days",
        "Mean absolute error of what was shown over that of repeating the last week: below 1 is better.",
        Look("short", minimum=0),
        _chosen("forecast_recent_mase{$chosen}"),
        width=8,
        empty=NOT_YET,
    ),
    graph(
        "Inside the interval",
        "How often what came true in the last 30 days was within the interval; it should be its level.",
        Look("percentunit", minimum=0, maximum=1),
        _chosen("forecast_recent_coverage_ratio{$chosen}", "{{series}} of {{level}}"),
        width=8,
        empty=NOT_YET,
    ),
    graph(
        "Age",
        "Time since the last training of each series.",
        Look("s", minimum=0),
        _chosen("forecast_age_seconds{$chosen}"),
        width=8,
    ),
    table(
        "Models",
        "Error of each model on earlier parts of the series over that of repeating the last season.",
        Look("short"),
        _chosen("forecast_mase{$chosen}", column="error"),
        width=12,
    ),
    table(
        "Not forecast",
        "Series that cannot be forecast, or not anew, and why.",
        Look("none"),
        Query("forecast_unavailable_info{$selected}"),
        width=12,
        empty="everything is forecast in the demo",
    ),
)

DASHBOARD = Dashboard(
    "energy-collector-forecasts",
    "Energy · Forecasts",
    "What comes next, how good that was so far, and what follows from it.",
    (ANSWERS, EXPECTED, RECORD),
    (SERIES,),
    period="now-24h",
)
