"""A node's own metrics endpoint, mapped by the table in the configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from collector_core import Clock, ForeignCounter, Metric, NotAvailable, NotListening, Reason
from collector_plugins.blockchain import metrics
from collector_plugins.blockchain.answer import NodeReading
from collector_plugins.blockchain.config import PrometheusNode
from collector_plugins.blockchain.counter_rate import CounterRate
from collector_plugins.blockchain.promtext import Page, Wanted

STARTED = Wanted("process_start_time_seconds")  # what client libraries publish by themselves
CLOCK_ERROR = 2.0  # seconds by which a process's start time may differ from look to look


class Pages(Protocol):
    """Gets a page."""

    async def get(self, feed: Callable[[bytes], object]) -> None:
        """Hand over the page in pieces; raises `NotAvailable`."""

    async def close(self) -> None:
        """Hang up."""


class PrometheusSource:
    """One node; raises `NotAvailable` where nothing of the table is on its page."""

    def __init__(self, node: PrometheusNode, pages: Pages, clock: Clock) -> None:
        self._node = node
        self._pages = pages
        self._clock = clock
        self._counters: dict[Metric, ForeignCounter] = {}
        self._rates: dict[Metric, CounterRate] = {}
        self._started: float | None = None
        self._was_down = False
        self._seen = False
        self._restarts = 0

    async def read(self) -> NodeReading:
        """Get the page once; raises `NotAvailable`."""
        page = Page([*(entry.wanted for entry in self._node.table.values()), STARTED])
        try:
            await self._pages.get(page.feed)
        except NotListening:
            self._was_down = True
            raise
        try:
            found = page.finish()
        except ValueError as error:
            raise NotAvailable(Reason.BAD_DATA, str(error), fix="check that `url` is a metrics endpoint") from None
        self._record_start(found.get(STARTED))
        return self._answer(found)

    async def close(self) -> None:
        """Hang up; what was counted stays."""
        await self._pages.close()

    def _answer(self, found: Mapping[Wanted, float]) -> NodeReading:
        here = {metric: entry for metric, entry in self._node.table.items() if entry.wanted in found}
        if not here:
            fix = "compare `metrics` of the node with its page"
            raise NotAvailable(Reason.NOT_FOUND, "none of the series that `metrics` names is on its page", fix=fix)
        values = {
            metric: self._value(metric, found[entry.wanted] * entry.scale, rate=entry.rate)
            for metric, entry in here.items()
        }
        known = {metric: value for metric, value in values.items() if value is not None}
        transactions = known.get(metrics.TRANSACTIONS)
        return NodeReading(
            {**known, metrics.RESTARTS: self._restarts},
            algorithm=self._node.consensus or "",
            transactions=transactions,
        )

    def _value(self, metric: Metric, value: float, *, rate: bool) -> float | None:
        now = self._clock.monotonic()
        if value < 0:  # none of them can be: -1 is how some programs write that they do not know
            return None
        if rate:
            return self._rates.setdefault(metric, CounterRate()).record(value, now)
        if metric.kind == "counter":
            return self._counters.setdefault(metric, ForeignCounter()).record(value, now)
        return value

    def _record_start(self, started: float | None) -> None:
        """Count a restart: the process is a later one or, where the page does not tell, nothing had listened."""
        if started is not None and self._started is not None:
            is_another = started > self._started + CLOCK_ERROR
        else:
            is_another = self._seen and self._was_down
        self._restarts += is_another
        self._started, self._was_down, self._seen = started, False, True
