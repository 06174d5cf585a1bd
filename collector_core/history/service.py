"""Keeps what runs report, on a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

from collector_core.errors import describe, explain
from collector_core.history import metrics
from collector_core.history.clock_guard import ClockGuard
from collector_core.history.interface import Event, HistoryReader
from collector_core.history.options import HistoryOptions
from collector_core.history.page import power_section
from collector_core.history.problems import CLOCK, PARTITION, Problems
from collector_core.history.recorder import Recorder
from collector_core.history.selection import Observed, Selection
from collector_core.history.stored import StoredHistory
from collector_core.history.stores import live_store
from collector_core.model.clock import Clock
from collector_core.model.page_section import PageSection
from collector_core.model.readings import Snapshot
from collector_core.model.run_report import RunReport
from collector_core.storage.errors import StorageError, StorageReason

log = logging.getLogger(__name__)

MAX_REPORTS = 4096  # that wait for the thread
MAX_READINGS = 250_000  # that wait for the disk
MAX_EVENTS = 1000
RETRY_SECONDS = 5.0
SEAL_SECONDS = 1800.0
MAINTENANCE_SECONDS = 25.0
SECTION_SECONDS = 300.0  # from one section that nobody has looked at to the next


class HistoryService:
    """What the collectors of a process report, kept in a store.

    `publish` gets the history's own metrics, `past` is what plugins ask.
    `observe` and `record_event` are called on any thread and never wait for a disk; what no memory is left for is
    dropped and counted.
    """

    def __init__(self, options: HistoryOptions, clock: Clock, publish: Callable[[Snapshot], None]) -> None:
        self.options = options
        self._woken = threading.Event()
        self.store = live_store(options, clock, self._woken.set)
        self._clock = clock
        self._publish = publish
        self._selection = Selection(options.series, options.decimals)
        self._reports: deque[tuple[RunReport, int]] = deque()
        self._events: deque[Event] = deque(maxlen=MAX_EVENTS)
        self._observed: deque[Observed] = deque()
        self._recorder: Recorder | None = None
        self._problems = Problems()
        self._dropped = 0
        self._section: PageSection | None = None
        self._is_section_seen = False
        self._is_open = self._is_left_to_another = False
        self._has_tried = threading.Event()
        self.past = StoredHistory(self.store.reader, self._has_tried)
        self._next_seal = self._next_maintenance = self._next_section = 0.0
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="history", daemon=True)

    @property
    def section(self) -> PageSection | None:
        """What the status page shows, None without any power; who looks again soon sees a newer one."""
        self._is_section_seen = True
        return self._section

    def start(self) -> None:
        """Start keeping."""
        self.record_event("start", "energy-collector", "started")
        self._thread.start()

    def stop(self, timeout: float) -> bool:
        """Write what waits and end; returns whether that was done within `timeout` seconds."""
        self.record_event("stop", "energy-collector", "stopped")
        self._stopping = True
        self._woken.set()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def observe(self, report: RunReport, gap_seconds: float) -> None:
        """Keep a run's readings; those further apart than `gap_seconds` say nothing of the time between."""
        if report.snapshot is None:
            return
        if len(self._reports) >= MAX_REPORTS:
            self._dropped += len(report.snapshot)
            return
        self._reports.append((report, round(gap_seconds * 1000)))
        if not self.options.flush:
            self._woken.set()

    def record_event(self, kind: str, source: str, text: str) -> None:
        """Note what happened now."""
        self._events.append(Event(self._now(), kind, source, text))

    def write(self) -> None:
        """Write what waits, and look after the store; errors are logged and counted."""
        self._select()
        try:
            self._store()
        except StorageError as error:
            self._suspend(error)
        except Exception as error:  # noqa: BLE001 - the thread must live on
            self._suspend(StorageError(self.store.place, StorageReason.FAILED, describe(error)))
        else:
            self._tell_of_arrival()
        self._has_tried.set()
        self._publish_state()

    def _run(self) -> None:
        while not self._stopping:
            self.write()
            pause = self.options.flush or MAINTENANCE_SECONDS
            self._woken.wait(min(pause, RETRY_SECONDS) if self._problems.are_of_the_store else pause)
            self._woken.clear()
        self.write()
        self.store.close()

    def _select(self) -> None:
        """Take what the reports have of the series that are kept."""
        for _ in range(len(self._reports)):
            self._observed.extend(self._selection.select(*self._reports.popleft()))
        waiting = sum(len(each.values) for each in self._observed)
        while waiting > MAX_READINGS:
            dropped = len(self._observed.popleft().values)
            waiting -= dropped
            self._dropped += dropped

    def _store(self) -> None:
        recorder = self._opened()
        batches = recorder.batches(self._observed)
        events = list(self._events)
        if batches or events:
            self.store.record(batches, events)
        recorder.confirm()
        self._observed.clear()
        for _ in events:
            self._events.popleft()
        self._tell_of_clock(recorder.recorded_until)
        self._tell_of_strays(self.store.stray)
        self._maintain()

    def _opened(self) -> Recorder:
        if not self._is_open:
            self.store.open()
            self._is_open = True
            if self._is_left_to_another:
                self._is_left_to_another = False
                self.record_event("start", "energy-collector", "took over from another process")
            if self.store.set_aside:
                how = f"the corrupt file is now called {self.store.set_aside}; a new one is used"
                self._problems.solve(StorageReason.CORRUPT.value, how)
            self._next_seal = self._clock.monotonic() + MAINTENANCE_SECONDS
        if self._recorder is None:
            self._recorder = Recorder(self.store.last_value, ClockGuard(self.store.recorded_ahead(self._now())))
        return self._recorder

    def _tell_of_arrival(self) -> None:
        """What was kept here may not have arrived where it belongs."""
        try:
            self.store.check()
        except StorageError as error:
            self._tell(error)
        else:
            self._problems.end_others()

    def _tell(self, error: StorageError) -> None:
        self._problems.begin(error.storage_reason.value, explain(error))
        self._problems.end_others(error.storage_reason.value)

    def _suspend(self, error: StorageError) -> None:
        reason = error.storage_reason
        self._tell(error)
        if reason is not StorageReason.DISK_FULL:
            self.store.close()
            self._is_open = False
        if reason is StorageReason.LOCKED:
            self._leave_to_the_other()

    def _leave_to_the_other(self) -> None:
        """Another process records this time: follow the counters, so that they go on from here when it has ended."""
        if self._recorder is None:
            self._recorder = Recorder(lambda _: None, ClockGuard())
        self._recorder.batches(self._observed)
        self._recorder.confirm()
        self._observed.clear()
        self._events.clear()
        self._is_left_to_another = True

    def _maintain(self) -> None:
        now, monotonic = self._now(), self._clock.monotonic()
        if monotonic >= self._next_seal or self.store.is_full:
            self.store.seal(now)
            self._next_seal = monotonic + SEAL_SECONDS
        if monotonic >= self._next_maintenance:
            has_more = self.store.maintain(now)
            self._next_maintenance = monotonic + (0 if has_more else MAINTENANCE_SECONDS)
            if has_more:
                self._woken.set()
            if self._section is None or self._is_section_seen or monotonic >= self._next_section:
                self._is_section_seen = False
                self._next_section = monotonic + SECTION_SECONDS
                self.store.ask(self._renew_section)

    def _renew_section(self, reader: HistoryReader) -> None:
        self._section = power_section(reader, self._now())

    def _tell_of_clock(self, recorded_until: int) -> None:
        if recorded_until:
            self._problems.begin(
                CLOCK, "the clock was set back; nothing is kept until it has passed the time of the last readings"
            )
        else:
            self._problems.end(CLOCK)

    def _tell_of_strays(self, count: int) -> None:
        if count:
            self._problems.begin(
                PARTITION, f"{count} readings are of days so far ahead that there is no partition; check the clock"
            )
        else:
            self._problems.end(PARTITION)

    def _publish_state(self) -> None:
        try:
            size = self.store.size
        except OSError:
            size = None
        up = self._is_open and not self._problems.are_of_the_store
        self._publish(
            metrics.snapshot(
                up=up, size=size, problems=self._problems.counts, dropped=self._dropped + self.store.dropped
            )
        )

    def _now(self) -> int:
        return round(self._clock.time() * 1000)
