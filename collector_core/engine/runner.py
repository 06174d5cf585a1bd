"""One collector instance: when it runs, how a run ends and what is published of it."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from collector_core.collector import Collector, CollectorConfig
from collector_core.config.settings import Instance
from collector_core.engine.failure import Failure
from collector_core.engine.hooks import Hooks
from collector_core.engine.own_samples import health_source
from collector_core.engine.self_metrics import HEALTH, Health
from collector_core.engine.worker import Lifecycle, Worker, start_worker
from collector_core.errors import (
    AuthFailed,
    NoTargetAvailable,
    Reason,
    describe,
    fix_of,
    retry_after_of,
)
from collector_core.exposition.sources import Exposition
from collector_core.metering.meters import EnergyMeter
from collector_core.model.clock import Clock
from collector_core.model.readings import NOTHING, Readings, Snapshot
from collector_core.model.result import Result
from collector_core.model.run_report import RunReport
from collector_core.polling.backoff import Backoff
from collector_core.polling.fault_log import FaultLog
from collector_core.polling.own_thread import whereabouts

if TYPE_CHECKING:
    from collector_core.model.page_section import PageSection

MAX_BACKOFF = 300.0  # seconds
LEAST_PAUSE = 1.0  # from run to run of a collector that is woken, in seconds
MAX_PART_FAILURES_KEPT = 1000
GRACE_SECONDS = 1.0  # beyond the timeout, for a program that looks once: its targets may take the whole of it
UNSEEN_SECONDS = 10.0  # how old sections of the status page may be that nobody has looked at,
FIRST_SECONDS = 30.0  # after these: who has just started the program looks for what comes
MAX_REFUSED_RUNS = 2  # in a row in which a part raised `AuthFailed`


NO_LABELS: Mapping[str, str] = MappingProxyType({})


@dataclass(eq=False)
class _Run:
    """A run under way; `given_up` once its deadline (monotonic seconds) has passed."""

    started: float
    deadline: float
    given_up: bool = False


class Runner:
    """Runs one collector on its own thread.

    A run that outlasts its timeout is given up by the watchdog: it counts as failed, what it brings later is thrown
    away, and no second run starts before it has come back.
    """

    def __init__(
        self,
        instance: Instance,
        collector: Collector[Any],
        exposition: Exposition,
        clock: Clock,
        *,
        labels: Mapping[str, str] = NO_LABELS,
        tell: Callable[[RunReport], None] | None = None,
        keeps_running: bool = True,
    ) -> None:
        self.instance = instance
        self._tell = tell
        self.last_report: RunReport | None = None
        self.health = Health(
            instance.name, instance.type.name, interval=instance.interval, series_limit=instance.max_series
        )
        self._exposition = exposition
        self._clock = clock
        self._faults = FaultLog(logging.getLogger(f"collector.{instance.name}"))
        self._lock = threading.Lock()
        self._run: _Run | None = None
        self._snapshot = NOTHING
        self._fresh_until = -inf
        self._backoff = Backoff(instance.interval, MAX_BACKOFF)
        self._refused_runs = 0
        self._next_due = -inf
        self._started = -inf
        self._is_awaited = False
        self._worker: Worker | None = None
        self._manual = False
        self._reported = threading.Event()
        self._stopping = False
        self._ends_by = inf
        self._collector = collector
        self.hooks = Hooks(self._collector, self._faults, self.health)
        self._sections: tuple[PageSection, ...] = ()
        self._first_run = inf
        self._sections_due = -inf
        self._has_page = keeps_running
        self._longest_run = instance.timeout + (0.0 if keeps_running else GRACE_SECONDS)
        self._lifecycle = Lifecycle(self._collector, self._longest_run)
        self.labels = {**labels, **dict(instance.labels)}
        self._source = exposition.source(instance.name, instance.type.metrics, self.labels)
        self._health_source = exposition.source(health_source(instance.name), HEALTH)
        self._health_source.publish(self.health.snapshot())

    @property
    def snapshot(self) -> Snapshot:
        """The readings that are shown now: those of the last good run, none once they are stale."""
        return self._snapshot if self.is_fresh else NOTHING

    @property
    def is_fresh(self) -> bool:
        """Whether the last good run is so recent that its readings are shown."""
        return self._clock.monotonic() < self._fresh_until

    @property
    def hung(self) -> bool:
        """Whether a run, or the end after `stop`, is past its deadline and has not come back."""
        run = self._run
        return (run is not None and run.given_up) or (self._clock.monotonic() >= self._ends_by and not self.join(0))

    @property
    def page_sections(self) -> tuple[PageSection, ...]:
        """What the collector shows on the status page; who looks is shown what the next run brings, too."""
        self._sections_due = -inf
        return self._sections

    @property
    def options(self) -> CollectorConfig:
        """What the configuration says, or the defaults."""
        return self.instance.options

    def energy_meters(self) -> Sequence[EnergyMeter]:
        """The energy meters that the collector hands over; none where it fails to. Their `latest` never raises."""
        return self.hooks.energy_meters()

    def start(self) -> None:
        """Start the thread, and with it the first run."""
        name = f"collector-{self.instance.name}"
        jobs = (self._seconds_to_wait, self.cycle, self._close)
        self._worker = start_worker(self._lifecycle, name, *jobs, self._see_stray)

    async def cycle(self) -> None:
        """The run that is due, if one is; on the collector's own thread."""
        with self._lock:
            now = self._clock.monotonic()
            if now < self._next_due or self._stopping:
                return
            run = self._begin(now)
        try:
            await self._execute(run)
            self._exposition.prepare()
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001 - the thread must live on, whatever could not be recorded
            self._faults.record_incident("a run could not be recorded or shown", error)
            self._run = None

    def tick(self, now: float) -> float:
        """The watchdog looks: gives up a run that is overdue; returns when to look again (monotonic seconds)."""
        with self._lock:
            run = self._run
            if run is None:
                return (now // self.instance.timeout + 1) * self.instance.timeout  # when others are looked at, too
            if now >= self._next_due:
                self._skip(now)
            if run.given_up:
                return self._next_due
            if now >= run.deadline:
                self._give_up(run, now)
            return min(run.deadline, now + self.instance.timeout)

    def run_now(self) -> RunReport:
        """One run, waited for as long as it may take; from then on the schedule is the caller's."""
        self._manual = True
        self._reported.clear()
        self._next_due = -inf
        if self._worker:
            self._worker.wake()
        else:
            self.start()
        in_time = self._reported.wait(self._longest_run)
        with self._lock:
            if not in_time and not self._reported.is_set():
                now = self._clock.monotonic()
                self._give_up(self._run or _Run(now, now), now)
        assert self.last_report is not None  # noqa: S101 - both ways out of a run leave a report
        return self.last_report

    def wake(self) -> None:
        """End a pause after failures; returns at once."""
        self._is_awaited = True
        if self._worker:
            self._worker.wake()

    def stop(self) -> None:
        """Withdraw all series and ask the thread to close the collector and end; returns at once."""
        with self._lock:
            self._stopping = True
            self._next_due = inf
            self._ends_by = min(self._ends_by, self._clock.monotonic() + self.instance.timeout)
        if self._worker:
            self._worker.stop()
        self._source.close()
        self._health_source.close()

    def withdraw_health(self) -> None:
        """Show no `collector_*` of this collector from now on."""
        self._health_source.close()

    def join(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds for the thread; returns whether it has ended."""
        return self._worker is None or self._worker.join(timeout)

    def _seconds_to_wait(self) -> float:
        if self._is_awaited:
            self._is_awaited = False
            with self._lock:
                self._end_pause()
        return max(0.0, self._next_due - self._clock.monotonic())

    def _end_pause(self) -> None:
        """Be due again; a flood of calls makes no flood of runs."""
        if self._backoff.failures and self._next_due < inf:
            soon = max(self._clock.monotonic(), self._started + min(LEAST_PAUSE, self.instance.interval))
            self._next_due = min(self._next_due, soon)

    def _begin(self, now: float) -> _Run:
        interval = self.instance.interval
        if self._next_due > -inf:
            self.health.skipped_ticks += max(0, math.floor((now - self._next_due) / interval))
        self._next_due = inf if self._manual else self._aligned(now + interval / 2)
        self._started = now
        self._run = _Run(now, now + self._longest_run)
        return self._run

    def _skip(self, now: float) -> None:
        due = self._aligned(now + self.instance.interval / 2)
        self.health.skipped_ticks += max(1, round((due - self._next_due) / self.instance.interval))
        self._next_due = due
        self._health_source.publish(self.health.snapshot())

    def _aligned(self, when: float) -> float:
        """The next multiple of the interval: instances with one interval wake together, which costs the least."""
        return math.ceil(when / self.instance.interval) * self.instance.interval

    async def _execute(self, run: _Run) -> None:
        """One run from its start to its report, on the collector's thread."""
        out = Readings(
            self.instance.type.metrics,
            max_series=self.instance.max_series,
            previous=self._snapshot,
            owner_of=self._source.owner_of,
        )
        self.hooks.observe_others()
        started = self._clock.monotonic()
        error = await self._collect(out)
        if out.part_failures or self._refused_runs:
            error = error or self._refusal(out)
        duration = self._clock.monotonic() - started
        failure = Failure.of(error, type(self._collector).__module__) if error else None
        self.hooks.refresh_energy_meters()
        sections = self._new_sections(started)
        with self._lock:
            run.deadline = inf  # what follows is our work, not the collector's
            wanted = not run.given_up and not self._stopping
        if wanted:
            self._sections = sections
            report = self._publish(out, failure, started, duration)
            with self._lock:
                self._record(report, error)
        if error is not None or not wanted:
            run.deadline = self._clock.monotonic() + self.instance.timeout
            await self._close()
            self.hooks.refresh_energy_meters()
        with self._lock:
            self._run = None

    def _new_sections(self, now: float) -> tuple[PageSection, ...]:
        """Those after this run, if somebody has looked since the last ones or they are old."""
        if not self._has_page or now < self._sections_due:
            return self._sections
        self._first_run = min(self._first_run, now)
        if now >= self._first_run + FIRST_SECONDS:
            self._sections_due = now + UNSEEN_SECONDS
        return self.hooks.page_sections()

    async def _collect(self, out: Readings) -> BaseException | None:
        try:
            await self._lifecycle.collect(out)
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001 - a plugin may raise anything, SystemExit and CancelledError too
            return error
        return None

    def _refusal(self, out: Readings) -> AuthFailed | None:
        """What ends the runs where a part was refused in one run after another: more tries could lock the account."""
        refused = [part for part in out.part_failures if isinstance(part.error, AuthFailed)]
        self._refused_runs = self._refused_runs + 1 if refused else 0
        if self._refused_runs < MAX_REFUSED_RUNS:
            return None
        return AuthFailed(f"{refused[0].name}: {describe(refused[0].error)}", fix=fix_of(refused[0].error))

    def _publish(self, out: Readings, failure: Failure | None, started: float, duration: float) -> RunReport:
        """Show what a run brought, and say how it went."""
        if failure is not None:
            return self._report(duration=duration, **vars(failure))
        try:
            snapshot = out.snapshot()
            fresh_until = started + self.instance.stale_after
            self._source.publish(snapshot, expires_at=fresh_until)
        except Exception as refused:  # noqa: BLE001 - the thread must live on, whatever was wrong with the readings
            refusal = Failure.of(refused, type(self._collector).__module__)
            return self._report(duration=duration, **vars(refusal))
        self._snapshot, self._fresh_until = snapshot, fresh_until
        failures = out.failures[:MAX_PART_FAILURES_KEPT]
        self.health.dropped_series = out.left_out
        result = Result.PARTIAL if failures else Result.OK
        return self._report(result, duration, snapshot=snapshot, part_failures=failures)

    def _give_up(self, run: _Run, now: float) -> None:
        run.given_up = True
        place = whereabouts(self._worker.thread_id, type(self._collector).__module__) if self._worker else ""
        error = f"no answer after {self.instance.timeout:g} s{place}"
        self._record(self._report(Result.TIMEOUT, now - run.started, reason=Reason.TIMEOUT, error=error))

    def _report(self, result: Result, duration: float, **details: Any) -> RunReport:
        name, plugin = self.instance.name, self.instance.type.name
        times = (duration, self._clock.time(), self._clock.monotonic())
        return RunReport(name, plugin, result, *times, self.labels, **details)

    def _record(self, report: RunReport, error: BaseException | None = None) -> None:
        """Note a run's end in health, schedule and log; called with the lock held."""
        if self._stopping:
            return
        self.last_report = report
        health = self.health
        health.runs[report.result] += 1
        health.up = report.result.has_data
        health.duration = report.duration
        health.reason = report.reason
        health.part_failures += len(report.part_failures)
        if report.snapshot is not None:
            health.last_success = report.ended_at
            health.series = len(report.snapshot)
        self._back_off(report.result, error)
        self._health_source.publish(health.snapshot())
        self._faults.record_run(report)
        if self._tell:
            self._tell(report)
        if self._manual:
            self._reported.set()

    def _back_off(self, result: Result, error: BaseException | None) -> None:
        """After a second failure wait twice as long as before, up to `MAX_BACKOFF`; refused credentials end it.

        Where targets are polled, each has a backoff of its own.
        """
        if result.has_data or isinstance(error, NoTargetAvailable):
            self._backoff.succeeded()
        elif result is Result.AUTH_FAILED:
            self._next_due = inf
        else:
            retry_after = retry_after_of(error)
            retry_at = self._backoff.failed(self._clock.monotonic(), retry_after)
            if (self._backoff.failures > 1 or retry_after) and not self._manual:
                self._next_due = self._aligned(retry_at - self.instance.interval / 2)

    async def _close(self) -> None:
        try:
            await self._lifecycle.close()
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001 - as in _collect
            self._faults.record_incident("close failed", error)

    def _see_stray(self, error: BaseException) -> None:
        self._faults.record_incident("a task of its own failed", error)
