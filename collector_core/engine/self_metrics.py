"""What the collector says about itself: the `collector_*` metrics."""

from __future__ import annotations

import platform
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

from collector_core.errors import Reason
from collector_core.model.metrics import Counter, Gauge, Info, Metric
from collector_core.model.readings import Key, Layout, Readings, Snapshot
from collector_core.model.result import Result
from collector_core.model.units import Unit

_ID = ("collector", "plugin")

UP = Gauge("collector_up", "Whether the last run produced data.", labels=_ID)
RUNS = Counter("collector_runs_total", "Finished runs, by result.", labels=(*_ID, "result"))
DURATION = Gauge("collector_run_duration_seconds", "Duration of the last run.", Unit.SECONDS, _ID)
LAST_SUCCESS = Gauge(
    "collector_last_success_timestamp_seconds", "Unix time at which the last run with data ended.", Unit.SECONDS, _ID
)
PART_FAILURES = Counter(
    "collector_part_failures_total", "Parts of runs that failed while the rest of the run succeeded.", labels=_ID
)
SKIPPED_TICKS = Counter(
    "collector_skipped_ticks_total", "Runs skipped because the previous run had not finished.", labels=_ID
)
DROPPED_REPORTS = Counter(
    "collector_dropped_reports_total",
    "Run reports of other collectors dropped because this collector was too slow to process them.",
    labels=_ID,
)
INTERVAL = Gauge("collector_interval_seconds", "Time between runs.", Unit.SECONDS, _ID)
SERIES_LIMIT = Gauge(
    "collector_series_limit",
    "Maximum number of series in a run; what does not fit is left out (`max_series`).",
    labels=_ID,
)
DROPPED_SERIES = Gauge(
    "collector_dropped_series",
    "Number of series of the last run that were left out because there were more than `max_series`.",
    labels=_ID,
)
SERIES = Gauge("collector_series", "Number of series in the last run with data.", labels=_ID)
UNAVAILABLE = Info("collector_unavailable_info", "Why the last run produced no data.", (*_ID, "reason"))

ONE_EACH = (
    UP,
    DURATION,
    LAST_SUCCESS,
    PART_FAILURES,
    SKIPPED_TICKS,
    DROPPED_REPORTS,
    SERIES,
    DROPPED_SERIES,
    SERIES_LIMIT,
    INTERVAL,
)
HEALTH = (*ONE_EACH, RUNS, UNAVAILABLE)

PLUGIN = Info("collector_plugin_info", "Installed plugins that could be loaded.", ("plugin", "version"))
PLUGIN_LOADED = Gauge("collector_plugin_loaded", "Whether an installed plugin could be loaded.", labels=("plugin",))
BUILD = Info("collector_build_info", "Versions of energy-collector and Python.", ("version", "pythonversion"))
RELOAD_SUCCESS = Gauge("collector_config_reload_success", "Whether the configuration on disk is the one in use.")
RELOAD_TIME = Gauge(
    "collector_config_reload_timestamp_seconds", "Unix time at which the running configuration was read.", Unit.SECONDS
)
ABANDONED = Gauge(
    "collector_abandoned_threads", "Threads of removed collectors that have not returned from a run or from `close`."
)
LOOP_STALLS = Counter(
    "collector_event_loop_stalls_total", "Times that the web server's event loop stood still for 0.25 s or longer."
)
CERTIFICATE_EXPIRY = Gauge(
    "collector_web_certificate_expiry_timestamp_seconds",
    "Unix time at which the web server's TLS certificate expires.",
    Unit.SECONDS,
)

APP = (PLUGIN, PLUGIN_LOADED, BUILD, RELOAD_SUCCESS, RELOAD_TIME, ABANDONED, LOOP_STALLS, CERTIFICATE_EXPIRY)


@dataclass
class Health:
    """One instance's own metrics; times in seconds."""

    collector: str
    plugin: str
    up: bool | None = None
    duration: float | None = None
    last_success: float | None = None
    series: int | None = None
    dropped_series: int | None = None
    series_limit: int | None = None
    interval: float | None = None
    part_failures: int = 0
    skipped_ticks: int = 0
    dropped_reports: int | None = None
    reason: Reason | None = None
    runs: dict[Result, int] = field(default_factory=lambda: dict.fromkeys(Result, 0))
    _shape: tuple[list[bool], Reason | None] | None = field(default=None, repr=False)

    _layout: Layout | None = field(default=None, repr=False)

    def snapshot(self) -> Snapshot:
        """The health as series; built without `Readings`, because it happens after every run of every instance."""
        single = (
            self.up,
            self.duration,
            self.last_success,
            self.part_failures,
            self.skipped_ticks,
            self.dropped_reports,
            self.series,
            self.dropped_series,
            self.series_limit,
            self.interval,
        )
        shape = [value is None for value in single], self.reason
        if self._layout is None or shape != self._shape:
            self._layout, self._shape = self._make_layout(single), shape
        values = array("d", [value for value in single if value is not None])
        values.extend(self.runs.values())
        if self.reason is not None:
            values.append(1.0)
        return Snapshot(self._layout, values)

    def _make_layout(self, single: Sequence[float | None]) -> Layout:
        key = (self.collector, self.plugin)
        series: dict[Metric, list[Key]] = {
            metric: [key] for metric, value in zip(ONE_EACH, single, strict=True) if value is not None
        }
        series[RUNS] = [(*key, result.value) for result in self.runs]
        if self.reason is not None:
            series[UNAVAILABLE] = [(*key, self.reason.value)]
        return Layout(series)


@dataclass
class AppState:
    """What the collector says of itself as a whole."""

    version: str
    plugins: dict[str, str] = field(default_factory=dict)
    broken: tuple[str, ...] = ()
    reload_success: bool = True
    reload_time: float = 0.0
    abandoned: int = 0
    loop_stalls: int = 0
    certificate_expiry: float | None = None

    def snapshot(self) -> Snapshot:
        """The state as series."""
        out = Readings(APP, max_series=10_000)
        for plugin, version in self.plugins.items():
            out.add(PLUGIN, plugin=plugin, version=version)
            out.add(PLUGIN_LOADED, 1, plugin=plugin)
        for plugin in self.broken:
            out.add(PLUGIN_LOADED, 0, plugin=plugin)
        out.add(BUILD, version=self.version, pythonversion=platform.python_version())
        out.add(RELOAD_SUCCESS, self.reload_success)
        out.add(RELOAD_TIME, self.reload_time)
        out.add(ABANDONED, self.abandoned)
        out.add(LOOP_STALLS, self.loop_stalls)
        if self.certificate_expiry is not None:
            out.add(CERTIFICATE_EXPIRY, self.certificate_expiry)
        return out.snapshot()
