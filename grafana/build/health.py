"""Collector health: how every collector does, and what the program itself costs."""

from __future__ import annotations

from grafana.build.dashboard import Dashboard, Variable, row
from grafana.build.fields import BAD, UP, YES_IS_BAD, Look
from grafana.build.panels import graph, stat, states, table
from grafana.build.queries import Query, chosen_by

COLLECTOR = Variable("collector", "Collector", "collector_runs_total")
NAME = "{{instance}} {{collector}}"
ALL_WELL = "all collectors of the demo are well"

_chosen = chosen_by("collector", NAME)


NOW = row(
    "Now",
    stat(
        "Machines down",
        "Collectors that Prometheus cannot scrape. Choose the jobs above.",
        Look("none", limits=BAD),
        Query("sum(1 - up{$selected})"),
    ),
    stat(
        "Sources down",
        "Collectors whose last run gave no data.",
        Look("none", limits=BAD),
        _chosen("sum(1 - collector_up{$chosen})", legend=""),
    ),
    stat(
        "Closed sources",
        "Sources that are there but refuse us; `energy-collector doctor` says the command that opens them.",
        Look("none", limits=BAD),
        _chosen('count(collector_unavailable_info{$chosen, reason="permission"}) or vector(0)', legend=""),
    ),
    stat(
        "Broken plugins",
        "Installed plugins that could not be loaded.",
        Look("none", limits=BAD),
        Query("sum(1 - collector_plugin_loaded{$selected})"),
    ),
    stat(
        "Configurations not in force",
        "Machines whose configuration on disk is not the one that runs.",
        Look("none", limits=BAD),
        Query("sum(1 - collector_config_reload_success{$selected})"),
    ),
    stat(
        "Series", "Series of all collectors now.", Look("locale"), _chosen("sum(collector_series{$chosen})", legend="")
    ),
)

SOURCES = row(
    "Collectors",
    states(
        "Up",
        "Whether the last run of each collector gave data.",
        Look("none", words=UP),
        _chosen("collector_up{$chosen}"),
        width=16,
    ),
    table(
        "Why there is no data",
        "The reason of each collector that is down.",
        Look("none"),
        _chosen("collector_unavailable_info{$chosen}"),
        width=8,
        empty=ALL_WELL,
    ),
    graph(
        "Runs by result",
        "Runs per second by how they ended.",
        Look("ops", minimum=0),
        _chosen("sum by (result) (rate(collector_runs_total{$chosen}[$__rate_interval]))", "{{result}}"),
        width=8,
        stack=True,
    ),
    graph(
        "Duration of runs",
        "How long the last run of each collector took.",
        Look("s", minimum=0),
        _chosen("collector_run_duration_seconds{$chosen}"),
        width=8,
    ),
    graph(
        "Since the last data",
        "Time since the last run with data; it should stay near the collector's interval.",
        Look("s", minimum=0),
        _chosen("time() - collector_last_success_timestamp_seconds{$chosen}"),
        width=8,
    ),
    graph(
        "Parts that failed",
        "Parts of runs, such as one host or one device, that failed while the rest went on.",
        Look("none", minimum=0),
        _chosen("increase(collector_part_failures_total{$chosen}[$__rate_interval])"),
        width=8,
    ),
    graph(
        "Skipped runs",
        "Runs that were due while one was under way: the source is slower than its interval.",
        Look("none", minimum=0),
        _chosen("increase(collector_skipped_ticks_total{$chosen}[$__rate_interval])"),
        width=8,
    ),
    graph(
        "Series by collector",
        "Series of each collector; what exceeds its `max_series` (2,000 unless it says otherwise) is left out.",
        Look("short", minimum=0),
        _chosen("collector_series{$chosen}"),
        width=8,
    ),
)

PROGRAM = row(
    "The program",
    graph(
        "CPU",
        "CPUs that the program keeps busy.",
        Look("percentunit", minimum=0),
        Query("rate(process_cpu_seconds_total{$selected}[$__rate_interval])", "{{instance}}"),
        width=8,
    ),
    graph(
        "Memory",
        "Memory that the program holds.",
        Look("bytes", minimum=0),
        Query("process_resident_memory_bytes{$selected}", "{{instance}}"),
        width=8,
    ),
    graph(
        "Open files",
        "File descriptors as a part of those allowed.",
        Look("percentunit", minimum=0),
        Query("process_open_fds{$selected} / process_max_fds{$selected}", "{{instance}}"),
        width=8,
        empty="where the number of files is not limited",
    ),
    graph(
        "Duration of scrapes",
        "How long Prometheus waited for an answer.",
        Look("s", minimum=0),
        Query("scrape_duration_seconds{$selected}", "{{instance}}"),
        width=8,
    ),
    states(
        "Threads that do not come back",
        "Whether a removed collector hangs in its last run.",
        Look("none", words=YES_IS_BAD),
        Query("clamp_max(collector_abandoned_threads{$selected}, 1)", "{{instance}}"),
        width=8,
    ),
    table(
        "Versions",
        "Version of the program and of Python on each machine.",
        Look("none"),
        Query("collector_build_info{$selected}"),
        width=8,
    ),
)

DASHBOARD = Dashboard(
    "energy-collector-health",
    "Energy · Collector health",
    "How every collector does, why one is down, and what the program itself costs.",
    (NOW, SOURCES, PROGRAM),
    (COLLECTOR,),
)
