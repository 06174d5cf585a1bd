"""Watches all series together: takes finished runs, closes rows, and reports what is unusual in them."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from collector_core import Result, RunReport, Series
from collector_plugins.anomaly.config import Config
from collector_plugins.anomaly.detector import Detector
from collector_plugins.anomaly.detector.component_detector import ComponentDetector
from collector_plugins.anomaly.incidents.catalogue import component_of
from collector_plugins.anomaly.incidents.incident import MUTED, Incident, Kind
from collector_plugins.anomaly.incidents.incident_tracker import IncidentTracker
from collector_plugins.anomaly.incidents.rule_watch import RuleWatch
from collector_plugins.anomaly.incidents.symptoms import MULTIVARIATE, Symptom, broken_rule
from collector_plugins.anomaly.incidents.track_record import TrackRecord
from collector_plugins.anomaly.saved_state import SavedState
from collector_plugins.anomaly.series.components import Components
from collector_plugins.anomaly.series.watch_list import WatchList
from collector_plugins.anomaly.series.watched_series import WatchedSeries

GAP_ROWS = 3.0  # after a longer pause of this program or machine nothing is judged for a while
SETTLE_SECONDS = 600.0  # this long: a machine that has just woken up is not itself
SETTLE_ROWS = 3  # but at least this many rows
TIDY_ROWS = 60
HAS_DATA = frozenset({Result.OK, Result.PARTIAL})
COMPONENT_FACTOR = 1.5  # on the alarm level of a component, whose distance adds up the noise of its series


class Watcher:
    """Everything that is watched; not thread-safe.

    `make_detector` takes a factor on the configured alarm level; `began` is in seconds since 1970. Incidents that are
    only `shown` count among those that last.
    """

    def __init__(
        self,
        config: Config,
        make_detector: Callable[[float], Detector],
        saved: SavedState,
        record: TrackRecord,
        log: logging.Logger,
        began: float,
    ) -> None:
        self.series = WatchList(
            config.selectors,
            config.excluded,
            limit=config.max_watched,
            row_seconds=config.row,
            start_watching=self._start_watching,
        )
        self.components = Components(self._start_watching_component)
        self.incidents = IncidentTracker(config.max_records)
        self.record = record
        self._rules = RuleWatch()
        self.shown: tuple[Incident, ...] = ()
        self.rows = 0
        self._row_seconds = config.row
        self._make_detector = make_detector
        self._saved = saved
        self._log = log
        self._plugins: dict[str, str] = {}
        self._collectors_with_data: set[str] = set()
        self._closed_at: float | None = None
        self._now = began
        was_away = saved.saved_at and began - saved.saved_at > GAP_ROWS * config.row
        self._settling_rows = self._rows_to_settle if was_away else 0
        self.incidents.restore(saved.incidents)
        saved.restore_record(self.record)

    def active(self) -> Counter[Kind]:
        """How many incidents of each kind last."""
        return self.incidents.active.count_by_kind(self._examples)

    def active_incidents(self) -> list[Incident]:
        """The incidents that last and were not muted."""
        return [*self.incidents.active.shown(), *self._examples]

    def observe_run(self, report: RunReport) -> None:
        """Take the readings of a finished run of another collector."""
        if report.result not in HAS_DATA:
            return
        self._plugins[report.collector] = report.plugin
        self._rules.observe(report.published, report.ended_at)
        self._collectors_with_data.add(report.collector)
        self._now = report.ended_at
        self.series.add_readings(report)

    def is_row_over(self, monotonic: float) -> bool:
        """Whether to close the row; rows end at multiples of their length, the first begins with the first call."""
        if self._closed_at is None:
            self._closed_at = monotonic
        return monotonic // self._row_seconds > self._closed_at // self._row_seconds

    def close_row(self, monotonic: float, when: float) -> list[Incident]:
        """Judge the row that ends at `when`, in seconds since 1970; returns the incidents that begin with it."""
        has_gap = self._closed_at is not None and monotonic - self._closed_at > GAP_ROWS * self._row_seconds
        self._closed_at = monotonic
        self._now = when
        if has_gap:
            self._settle()
            return []
        self.rows += 1
        symptoms = [*self._series_symptoms(when), *self._component_symptoms(when)]
        self._settling_rows = max(0, self._settling_rows - 1)
        begun = []
        if not self._settling_rows:
            begun = self.incidents.record_symptoms(symptoms, when, self.series, self.components)
        self._keep_record(begun, when)
        for watched in self.series.values():
            watched.record_day(when)
        self._collectors_with_data.clear()
        self.incidents.close_row(when, self.series)
        if self._is_tidy_row:
            self.series.drop_forgotten(when)
        return begun

    @property
    def _examples(self) -> list[Incident]:
        return [each for each in self.shown if each.outcome != MUTED]

    @property
    def _is_tidy_row(self) -> bool:
        return self.rows % TIDY_ROWS == 0

    @property
    def _rows_to_settle(self) -> int:
        return max(SETTLE_ROWS, math.ceil(SETTLE_SECONDS / self._row_seconds))

    def _keep_record(self, begun: Sequence[Incident], when: float) -> None:
        self.record.count_raised(len(begun))
        misses = self._rules.missed(self.incidents.store.newest_first(), when)
        if self.series.warming_up < len(self.series):  # else nothing could have been found
            for miss in misses:
                self.record.add_miss(miss)

    def _settle(self) -> None:
        """Judge nothing for some rows after a gap."""
        self._log.info("there was a gap; nothing is judged for the next %d rows", self._rows_to_settle)
        self._settling_rows = self._rows_to_settle
        self._collectors_with_data.clear()
        for watched in self.series.values():
            watched.discard_row()

    def _start_watching(self, series: Series) -> WatchedSeries:
        plugin = self._plugins.get(series.source, series.source)
        detector = self._make_detector(1.0)
        watched = WatchedSeries(series, component_of(series, plugin), detector, self._row_seconds, self._now)
        self._saved.restore_series(watched)
        self.incidents.active.resume(watched)
        return watched

    def _start_watching_component(self, component: str) -> ComponentDetector:
        detector = ComponentDetector(self._make_detector(COMPONENT_FACTOR))
        self._saved.restore_component(component, detector)
        return detector

    def _series_symptoms(self, when: float) -> Iterator[Symptom]:
        covers = self.incidents.active.covers
        for text, watched in self.series.items():
            watched.close_row(when, collector_ran=watched.series.source in self._collectors_with_data)
            if watched.begins_anomaly():
                yield Symptom(watched, watched.anomaly_type())
            elif (rule := broken_rule(watched)) and not covers(text, rule):
                yield Symptom(watched, rule)

    def _component_symptoms(self, when: float) -> Iterator[Symptom]:
        watched = self.series.values()
        for component in self.components.judge_row(watched, when, forget_gone=self._is_tidy_row):
            members = [each for each in watched if each.component == component]
            yield Symptom(max(members, key=lambda each: abs(each.size)), MULTIVARIATE)
