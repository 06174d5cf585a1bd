"""The history of an app: started, replaced and stopped as its configuration says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector_core.exposition.sources import Exposition, Source
from collector_core.history.metrics import METRICS
from collector_core.history.options import HistoryOptions
from collector_core.history.past import History, PastEnergy, PastEvent, PastSeries
from collector_core.model.clock import Clock
from collector_core.model.run_report import RunReport
from collector_core.model.selector import Selector

if TYPE_CHECKING:
    from collector_core.history.service import HistoryService

NOTHING = History()
STOP_SECONDS = 1.0  # to write what waits, at least; a disk that hangs must not hold up the end


class HistoryKeeper:
    """Keeps history, or does not; `service` is what keeps it, `past` what plugins ask.

    Safe to use from any thread, but for `apply`.
    """

    def __init__(self, exposition: Exposition, clock: Clock) -> None:
        self.service: HistoryService | None = None
        self._exposition = exposition
        self._clock = clock
        self._source: Source | None = None
        self.past = CurrentHistory(self)

    def apply(self, options: HistoryOptions | None) -> None:
        """Keep history with these options, none without; one whose options did not change goes on."""
        if self.service and self.service.options == options:
            return
        if self.service:
            self.service.stop(STOP_SECONDS)
            self.service = None
        if options is None:
            self._withdraw_metrics()
            return
        from collector_core.history.service import HistoryService  # noqa: PLC0415 - with SQLite

        self._source = self._source or self._exposition.source("history", METRICS)
        self.service = HistoryService(options, self._clock, self._source.publish)
        self.service.start()

    def observe(self, report: RunReport, gap_seconds: float) -> None:
        """Keep a run's readings; those further apart than `gap_seconds` say nothing of the time between."""
        if self.service:
            self.service.observe(report, gap_seconds)

    def record_event(self, kind: str, source: str, text: str) -> None:
        """Note what happened now: a word, who says so, and a sentence."""
        if self.service:
            self.service.record_event(kind, source, text)

    def stop(self, timeout: float) -> bool:
        """Write what waits and end, within `timeout` seconds or a little more; returns whether that was done."""
        return self.service is None or self.service.stop(max(STOP_SECONDS, timeout))

    def _withdraw_metrics(self) -> None:
        if self._source:
            self._source.close()
            self._source = None


class CurrentHistory(History):
    """The history that is kept at the moment: a reload may begin, end or replace it."""

    def __init__(self, keeper: HistoryKeeper) -> None:
        self._keeper = keeper

    @property
    def is_kept(self) -> bool:
        """As `History.is_kept`."""
        return self._now.is_kept

    def query(
        self, selector: Selector | None, start: float, end: float, *, step: float | None = None, fn: str = "mean"
    ) -> list[PastSeries]:
        """As `History.query`."""
        return self._now.query(selector, start, end, step=step, fn=fn)

    def events(self, start: float, end: float) -> list[PastEvent]:
        """As `History.events`."""
        return self._now.events(start, end)

    def energy(self, start: float, end: float, *, by: str = "component") -> PastEnergy:
        """As `History.energy`."""
        return self._now.energy(start, end, by=by)

    @property
    def _now(self) -> History:
        service = self._keeper.service
        return service.past if service else NOTHING
