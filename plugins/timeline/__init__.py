"""Rows of what is measured, in a table of PostgreSQL that other programs read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from collector_core import Context, Output, OutputSample, Selector, hookimpl
from collector_plugins.timeline import batteries, gpus
from collector_plugins.timeline.config import Config
from collector_plugins.timeline.database import Database
from collector_plugins.timeline.events import EventRows
from collector_plugins.timeline.rows import Record, Row

KNOWN = frozenset((*batteries.SERIES, *gpus.SERIES))


class Timeline(Output[Config]):
    """Writes rows into a table such as `unified_timeline`; each arrives once, in order."""

    name = "timeline"
    config_type = Config
    default_interval = 60.0
    default_batch_size = 5000

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._gpus = gpus.GpuRows(ctx.interval)
        self._events = EventRows(config.events)
        self._database = Database(config, ctx.timeout)

    @property
    def selectors(self) -> Sequence[Selector]:
        """The series of the table of events, and those that tell what belongs into their metadata."""
        return [*map(Selector.parse, sorted(KNOWN)), *self._events.selectors]

    def encode(self, samples: Sequence[OutputSample]) -> Sequence[Any]:
        """One row of each series, of each node and of the cluster."""
        return [row.record() for row in sorted(self._rows(samples), key=lambda row: row.time)]

    def test(self) -> None:
        """Connect, and find out whether rows may be written."""
        self._database.check()

    def send(self, records: Sequence[Any], *, may_repeat: bool) -> None:
        """Write rows in one transaction; those that are there already are left out."""
        self._database.write([Record(*record) for record in records], may_repeat=may_repeat)

    def close(self) -> None:
        """Disconnect."""
        self._database.close()

    def _rows(self, samples: Sequence[OutputSample]) -> Iterator[Row]:
        yield from batteries.battery_rows(samples)
        yield from self._gpus.rows(samples)
        for sample in samples:
            named = list(self._events.named(sample))
            yield from named
            if not named and sample.series.name not in KNOWN:
                yield self._events.other(sample)


@hookimpl
def collector_output_types() -> Sequence[type[Output[Any]]]:
    """The output of this plugin."""
    return (Timeline,)
