"""Anomalies: watches what the other collectors publish, learns what is usual, and says in words what is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from collector_core import (
    Collector,
    Context,
    NotAvailable,
    Readings,
    Reason,
    RunReport,
    Subcommands,
    describe,
    hookimpl,
    state_home,
)
from collector_plugins.anomaly import api, metrics
from collector_plugins.anomaly.anomalies import Record
from collector_plugins.anomaly.config import Config
from collector_plugins.anomaly.detector import Detector, Settings
from collector_plugins.anomaly.history import History
from collector_plugins.anomaly.predictor import Predictor
from collector_plugins.anomaly.statefile import Saved, Saver, lines_of
from collector_plugins.anomaly.watched import Watched
from collector_plugins.anomaly.watching import Watching

if TYPE_CHECKING:
    from aiohttp import web

STATE_FILE = "state.jsonl"
DAY = 86_400.0
_FIX = "add `anomaly: {}` below `collectors:`, beside the collectors whose series it should watch"


class Anomaly(Collector[Config]):
    """Watches series of the other collectors and tells what is unusual about them."""

    name = "anomaly"
    metrics = metrics.ALL
    config_type = Config
    default_interval = 10.0
    default_max_series = 10_000
    after_others = True
    keeps_files: ClassVar[bool] = True

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._settings = Settings(level=config.level, warm_up_seconds=config.warm_up_days * DAY)
        self._watching: Watching | None = None
        self._saver = Saver(self.folder / STATE_FILE, config.row, ctx.logger)
        self._saved: Saved | None = None
        self._saved_at = 0.0
        self._history = History(self.folder, config.history_series, config.history_days, ctx.logger)
        self._predictor = Predictor(config.model_file, self.folder, config.row, ctx.logger)
        self._records: Sequence[Record] = ()

    @classmethod
    def detect(cls, ctx: Context) -> NotAvailable | None:
        """Never by itself: it keeps files, and what it finds is for those who asked."""
        del ctx
        return NotAvailable(Reason.NOT_FOUND, "runs only when the configuration names it", fix=_FIX)

    @property
    def folder(self) -> Path:
        """Where this instance keeps what it learnt."""
        return self.config.folder(state_home(), self.ctx.name)

    def open(self) -> None:
        """Take up what a former run has learnt; what is known in this one stays."""
        if self._watching is None:
            self._watching = self._start()
            self._records = self._watching.records.newest_first()
            self._predictor.load()

    @hookimpl
    def collector_run_finished(self, report: RunReport) -> None:
        """Take the readings of a finished run."""
        if self._watching is None:
            self.open()
        assert self._watching is not None  # noqa: S101 - open has made it
        self._watching.see(report)

    def collect(self, out: Readings) -> None:
        """Judge the row, if one is over, and publish how things stand."""
        if self._watching is None:
            self.open()
        watching = self._watching
        assert watching is not None  # noqa: S101 - open has made it
        if watching.is_due(self.ctx.clock.monotonic()):
            self._close_row(watching)
        self._publish(out, watching)
        self._save(watching)

    def close(self) -> None:
        """Save what was learnt, if anything was; it stays known."""
        if self._watching is not None and self._watching.rows:
            self._begin_save(self._watching)
            self._saver.go_on(None)

    @hookimpl
    def collector_routes(self) -> Sequence[web.RouteDef]:
        """`GET /api/v1/anomalies`."""
        return api.routes(lambda: self._records)

    def _start(self) -> Watching:
        now = self.ctx.clock.time()
        saved = Saved(self.folder / STATE_FILE, self.config.row, self.ctx.logger, now)
        if self.keeps_files and self.ctx.keeps_running:
            saved.load()
        self._saved = saved
        self._saved_at = self.ctx.clock.monotonic()
        return Watching(self.config, self._make_detector, saved, self.ctx.logger, now)

    def _make_detector(self, factor: float) -> Detector:
        settings = replace(self._settings, level=factor * self._settings.level)
        return Detector(settings if factor != 1.0 else self._settings, row_seconds=self.config.row)

    def _close_row(self, watching: Watching) -> None:
        when = self.ctx.clock.time()
        begun = watching.close_row(self.ctx.clock.monotonic(), when)
        for record in begun:
            self.ctx.logger.warning("severity %d: %s", record.severity, record.description)
        rows = {text: watched.value for text, watched in watching.watched.items() if watched.value is not None}
        self._predict(watching, rows, when)
        self._history.add([watched for watched in watching.watched.values() if watched.value is not None], when)
        self._records = watching.records.newest_first()

    def _predict(self, watching: Watching, rows: dict[str, float], when: float) -> None:
        """Where a model predicts the series, its word stands for the detector's."""
        try:
            for text, expected in self._predictor.predict(rows, when).items():
                if text in watching.watched:
                    watching.watched[text].expected = expected
        except Exception as error:  # noqa: BLE001 - whatever a model does, the watching goes on
            self._predictor.give_up(describe(error))

    def _publish(self, out: Readings, watching: Watching) -> None:
        rows: dict[tuple[str, ...], Sequence[float | None]]
        rows = {watched.key: _values(watched) for watched in watching.watched.values()}
        out.add_table(metrics.OF_A_SERIES, metrics.SERIES_LABELS, rows)
        for (component, kind, severity), number in sorted(watching.active().items()):
            out.add(metrics.ACTIVE, number, component=component, type=kind, severity=severity)
        for (component, kind, severity), number in sorted(watching.records.detected.items()):
            out.add(metrics.DETECTED, number, component=component, type=kind, severity=severity)
        out.add(metrics.WATCHED, len(watching.watched))
        out.add(metrics.WARMING_UP, watching.warming_up)
        out.add(metrics.LEFT_OUT, watching.left_out)
        if self._predictor.series:
            out.add(metrics.FORECAST, sum(text in watching.watched for text in self._predictor.series))

    def _save(self, watching: Watching) -> None:
        if self._saver.is_under_way:
            self._saver.go_on()
        elif self.ctx.clock.monotonic() - self._saved_at >= self.config.save_every and watching.rows:
            self._begin_save(watching)

    def _begin_save(self, watching: Watching) -> None:
        if not (self.keeps_files and self.ctx.keeps_running):
            return
        self._saved_at = self.ctx.clock.monotonic()
        records = list(reversed(watching.records.newest_first()))
        lines = lines_of(
            list(watching.watched.values()), dict(watching.groups), records, self._saved.rest() if self._saved else ()
        )
        self._saver.begin(lines, self.ctx.clock.time())


def _values(watched: Watched) -> tuple[float | None, float | None]:
    """Score and expectation; nothing while too little is known or the row is empty."""
    verdict = watched.verdict
    score = None if verdict is None or verdict.warming_up else verdict.score
    return score, watched.expected if verdict is not None else None


@hookimpl
def collector_types() -> Sequence[type[Collector[Any]]]:
    """The collector of this plugin."""
    return (Anomaly,)


@hookimpl
def collector_demo_types() -> Sequence[type[Collector[Any]]]:
    """The same with rows of seconds and an example."""
    from collector_plugins.anomaly.demo import DemoAnomaly  # noqa: PLC0415 - nothing else needs it

    return (DemoAnomaly,)


@hookimpl
def collector_commands(subcommands: Subcommands) -> None:
    """`energy-collector anomaly train`."""
    from collector_plugins.anomaly.train import train  # noqa: PLC0415 - no other command needs it

    subcommands.add_own("train", train)
