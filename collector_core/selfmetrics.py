"""What the collector says about itself: the `collector_*` metrics."""

from __future__ import annotations

import platform
from dataclasses import dataclass, field
from enum import StrEnum

from collector_core.errors import Reason
from collector_core.metrics import Counter, Gauge, Info, Unit
from collector_core.readings import NOTHING, Readings, Snapshot


class Result(StrEnum):
    """How a run ended."""

    OK = "ok"
    PARTIAL = "partial"
    ERROR = "error"
    UNAVAILABLE = "unavailable"
    AUTH_FAILED = "auth_failed"
    TIMEOUT = "timeout"

    @property
    def has_data(self) -> bool:
        """Whether the run produced readings."""
        return self in (Result.OK, Result.PARTIAL)


_ID = ("collector", "plugin")

UP = Gauge("collector_up", "Whether the last run produced data.", labels=_ID)
RUNS = Counter("collector_runs_total", "Finished runs by result.", labels=(*_ID, "result"))
DURATION = Gauge("collector_run_duration_seconds", "How long the last run took.", Unit.SECONDS, _ID)
LAST_SUCCESS = Gauge(
    "collector_last_success_timestamp_seconds", "When the last run with data ended, since 1970.", Unit.SECONDS, _ID
)
PART_FAILURES = Counter("collector_part_failures_total", "Parts that failed while the rest went on.", labels=_ID)
SKIPPED_TICKS = Counter("collector_skipped_ticks_total", "Runs that were due while one was under way.", labels=_ID)
SERIES = Gauge("collector_series", "Series of the last run with data.", labels=_ID)
UNAVAILABLE = Info("collector_unavailable_info", "Why the last run produced no data.", (*_ID, "reason"))

HEALTH = (UP, RUNS, DURATION, LAST_SUCCESS, PART_FAILURES, SKIPPED_TICKS, SERIES, UNAVAILABLE)

PLUGIN = Info("collector_plugin_info", "Installed plugins that load.", ("plugin", "version"))
PLUGIN_LOADED = Gauge("collector_plugin_loaded", "Whether an installed plugin could be loaded.", labels=("plugin",))
BUILD = Info("collector_build_info", "This program.", ("version", "pythonversion"))
RELOAD_SUCCESS = Gauge("collector_config_reload_success", "Whether the configuration on disk is the one that runs.")
RELOAD_TIME = Gauge(
    "collector_config_reload_timestamp_seconds", "When the running configuration was read, since 1970.", Unit.SECONDS
)
ABANDONED = Gauge("collector_abandoned_threads", "Threads of removed collectors that have not come back from a run.")

APP = (PLUGIN, PLUGIN_LOADED, BUILD, RELOAD_SUCCESS, RELOAD_TIME, ABANDONED)


@dataclass
class Health:
    """One instance's own metrics; times in seconds."""

    collector: str
    plugin: str
    up: bool | None = None
    duration: float | None = None
    last_success: float | None = None
    series: int | None = None
    part_failures: int = 0
    skipped_ticks: int = 0
    reason: Reason | None = None
    runs: dict[Result, int] = field(default_factory=lambda: dict.fromkeys(Result, 0))

    _last: Snapshot = NOTHING

    def snapshot(self) -> Snapshot:
        """The health as series."""
        out = Readings(HEALTH, max_series=len(HEALTH) + len(Result), previous=self._last)
        labels = {"collector": self.collector, "plugin": self.plugin}
        for metric, value in (
            (UP, self.up),
            (DURATION, self.duration),
            (LAST_SUCCESS, self.last_success),
            (PART_FAILURES, self.part_failures),
            (SKIPPED_TICKS, self.skipped_ticks),
            (SERIES, self.series),
        ):
            if value is not None:
                out.add(metric, value, **labels)
        for result, count in self.runs.items():
            out.add(RUNS, count, **labels, result=result)
        if self.reason is not None:
            out.add(UNAVAILABLE, **labels, reason=self.reason)
        self._last = out.snapshot()
        return self._last


@dataclass
class AppState:
    """What the collector says of itself as a whole."""

    version: str
    plugins: dict[str, str] = field(default_factory=dict)
    broken: tuple[str, ...] = ()
    reload_success: bool = True
    reload_time: float = 0.0
    abandoned: int = 0

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
        return out.snapshot()
