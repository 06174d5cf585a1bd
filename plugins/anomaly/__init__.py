"""Anomalies: watches what the other collectors publish, learns what is usual, and puts into words what is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from collector_core import (
    Collector,
    Context,
    NotAvailable,
    PageSection,
    Readings,
    Reason,
    RunReport,
    Subcommands,
    hookimpl,
    state_home,
)
from collector_plugins.anomaly import api, metrics, page
from collector_plugins.anomaly.config import Config
from collector_plugins.anomaly.detector import Detector
from collector_plugins.anomaly.detector.calendar import Calendar
from collector_plugins.anomaly.forecast.predictor import Predictor
from collector_plugins.anomaly.incidents.incident import Incident
from collector_plugins.anomaly.incidents.track_record import TrackRecord
from collector_plugins.anomaly.past_learner import PastLearner
from collector_plugins.anomaly.saved_state import SavedState
from collector_plugins.anomaly.series.watched_series import WatchedSeries
from collector_plugins.anomaly.state_writer import StateWriter, state_lines
from collector_plugins.anomaly.watcher import Watcher

if TYPE_CHECKING:
    from aiohttp import web

STATE_FILE = "state.jsonl"
_FIX = "add `anomaly: {}` below `collectors:`, next to the collectors whose series it is to watch"


class Anomaly(Collector[Config]):
    """Watches series of the other collectors and reports what is unusual about them."""

    name = "anomaly"
    metrics = metrics.ALL
    config_type = Config
    default_interval = 10.0
    default_max_series = 10_000
    after_others = True
    keeps_files: ClassVar[bool] = True

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        path, log = self.folder / STATE_FILE, ctx.logger
        train = "energy-collector anomaly train" + ("" if ctx.name == self.name else f" --collector {ctx.name}")
        self._settings = config.detector_settings
        self._calendar = Calendar(config.zone, config.holidays)
        self._saved = SavedState(path, config.row, log, ctx.clock.time(), self._calendar)
        self._writer = StateWriter(path, config.row, log)
        self._saved_at = 0.0
        self._save_is_due = False
        self._record = TrackRecord(ctx.clock.time())
        self._predictor = Predictor(config.model_file, self.folder, config.row, log, train)
        self._past = PastLearner(ctx, config.row)
        self._watcher: Watcher | None = None
        self._latest: Sequence[Incident] = ()

    @classmethod
    def detect(cls, ctx: Context) -> NotAvailable | None:
        """Never by itself: it keeps files, and its findings are for those who ask for them."""
        del ctx
        return NotAvailable(Reason.NOT_FOUND, "disabled by default", fix=_FIX)

    @property
    def folder(self) -> Path:
        """Where this instance keeps what it learnt."""
        return self.config.folder(state_home(), self.ctx.name)

    @property
    def watcher(self) -> Watcher:
        """What watches the series; the first use takes up what a former run has learnt."""
        if self._watcher is None:
            self._watcher = self._start_watcher()
        return self._watcher

    def open(self) -> None:
        """Take up what a former run has learnt; what this one has learnt stays."""
        self._latest = self.watcher.incidents.store.newest_first()

    @hookimpl
    def collector_run_finished(self, report: RunReport) -> None:
        """Take the readings of a finished run."""
        self.watcher.observe_run(report)

    def collect(self, out: Readings) -> None:
        """Judge the row, if one is over, and publish the state of things."""
        watcher = self.watcher
        if self._may_keep_files:
            self._past.learn(watcher.series)
        if watcher.is_row_over(self.ctx.clock.monotonic()):
            self._close_row(watcher)
        self._publish(out, watcher)
        self._save(watcher)

    def close(self) -> None:
        """Save what was learnt, if anything was; it stays known."""
        self._past.close()
        if self._watcher is not None and self._watcher.rows:
            self._start_save(self._watcher)
            self._writer.write_lines(None)

    @hookimpl
    def collector_routes(self) -> Sequence[web.RouteDef]:
        """`/api/v1/anomalies`."""
        return api.routes(lambda: self._latest, self._record, self._save_soon)

    @hookimpl
    def collector_page_sections(self) -> Sequence[PageSection]:
        """The recent anomalies, for people."""
        return [page.section(self._latest, self._record.to_json())]

    @property
    def _may_keep_files(self) -> bool:
        return self.keeps_files and self.ctx.keeps_running

    def _start_watcher(self) -> Watcher:
        now = self.ctx.clock.time()
        if self._may_keep_files:
            self._saved.load()
        self._saved_at = self.ctx.clock.monotonic()
        self._predictor.load()
        return Watcher(self.config, self._make_detector, self._saved, self._record, self.ctx.logger, now)

    def _make_detector(self, factor: float) -> Detector:
        settings = replace(self._settings, level=factor * self._settings.level) if factor != 1.0 else self._settings
        return Detector(settings, row_seconds=self.config.row, calendar=self._calendar)

    def _close_row(self, watcher: Watcher) -> None:
        when = self.ctx.clock.time()
        for held in self._past.held:  # what it has not learnt yet comes from the history, too
            held.discard_row()
        for incident in watcher.close_row(self.ctx.clock.monotonic(), when):
            self.ctx.logger.warning("severity %d: %s", incident.severity, incident.description)
            self.ctx.record_event("anomaly", f"severity {incident.severity}: {incident.description}")
        rows = {text: each.value for text, each in watcher.series.items() if each.value is not None}
        predicted = self._predictor.predict_row(rows, when)
        for series, expected in predicted.items():  # where a model predicts a series, it overrules the detector
            if series in watcher.series:
                watcher.series[series].expected = expected
        self._latest = watcher.incidents.store.newest_first()

    def _publish(self, out: Readings, watcher: Watcher) -> None:
        rows: dict[tuple[str, ...], Sequence[float | None]]
        rows = {watched.key: _score_and_expectation(watched) for watched in watcher.series.values()}
        out.add_table(metrics.OF_A_SERIES, metrics.SERIES_LABELS, rows)
        for (component, anomaly_type, severity), number in sorted(watcher.active().items()):
            out.add(metrics.ACTIVE, number, component=component, type=anomaly_type, severity=severity)
        for labels in {each.id: each.labels() for each in watcher.active_incidents()}.values():
            out.add(metrics.INCIDENT, **labels)
        for (component, anomaly_type, severity), number in sorted(watcher.incidents.store.detected.items()):
            out.add(metrics.DETECTED, number, component=component, type=anomaly_type, severity=severity)
        for outcome, number in self._record.counts().items():
            out.add(metrics.ALARMS, number, outcome=outcome)
        out.add(metrics.WATCHED, len(watcher.series))
        out.add(metrics.WARMING_UP, watcher.series.warming_up)
        out.add(metrics.UNWATCHED, watcher.series.unwatched)
        if self._may_keep_files:
            out.add(metrics.CORRUPT_FILES, self._saved.corrupt_files)
        if self._predictor.series:
            out.add(metrics.FORECAST, sum(series in watcher.series for series in self._predictor.series))

    def _save_soon(self) -> None:
        """What somebody has said is published and saved with the next run, which is now; on any thread."""
        self._save_is_due = True
        self.ctx.wake()

    def _save(self, watcher: Watcher) -> None:
        if self._writer.is_writing:
            self._writer.write_lines()
        elif self._save_is_due or (
            self.ctx.clock.monotonic() - self._saved_at >= self.config.save_every and watcher.rows
        ):
            self._save_is_due = False
            self._start_save(watcher)

    def _start_save(self, watcher: Watcher) -> None:
        if not self._may_keep_files:
            return
        self._saved_at = self.ctx.clock.monotonic()
        incidents = list(reversed(watcher.incidents.store.newest_first()))
        lines = state_lines(
            list(watcher.series.values()),
            dict(watcher.components),
            incidents,
            self._record,
            self._saved.remaining_lines(),
        )
        self._writer.start(lines, self.ctx.clock.time())


def _score_and_expectation(watched: WatchedSeries) -> tuple[float | None, float | None]:
    """What is published of a series; nothing while too little is known or the row is empty."""
    verdict = watched.verdict
    score = None if verdict is None or verdict.warming_up else verdict.score
    return score, watched.expected if verdict is not None else None


@hookimpl
def collector_types() -> Sequence[type[Collector[Any]]]:
    """The collector of this plugin."""
    return (Anomaly,)


@hookimpl
def collector_demo_types() -> Sequence[type[Collector[Any]]]:
    """The same with short rows and an example."""
    from collector_plugins.anomaly.demo import DemoAnomaly  # noqa: PLC0415 - nothing else needs it

    return (DemoAnomaly,)


@hookimpl
def collector_commands(subcommands: Subcommands) -> None:
    """`energy-collector anomaly train`, `confirm`, `mute` and `record`."""
    from collector_plugins.anomaly import record_commands  # noqa: PLC0415 - no other command needs them
    from collector_plugins.anomaly.forecast.train_command import train  # noqa: PLC0415 - no other command needs it

    subcommands.add_own("train", train)
    subcommands.add_own("confirm", record_commands.confirm)
    subcommands.add_own("mute", record_commands.mute)
    subcommands.add_own("record", record_commands.record)
