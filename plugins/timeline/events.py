"""Series of the user's choice: those that `events` names, and others that reach the output."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from collector_core import OutputSample, Selector
from collector_plugins.timeline.config import Event
from collector_plugins.timeline.rows import Row

_PLACE = re.compile(r"\{(\w+)\}")


class EventRows:
    """Makes one row of each sample: as the first event whose selector means it, else named like its metric."""

    def __init__(self, events: Mapping[str, Event | str]) -> None:
        self._events = [
            (Selector.parse(selector), event if isinstance(event, Event) else Event(event_type=event))
            for selector, event in events.items()
        ]

    @property
    def selectors(self) -> Sequence[Selector]:
        """The series that are named."""
        return [selector for selector, _ in self._events]

    def named(self, sample: OutputSample) -> Iterator[Row]:
        """The rows of a sample for every event that names it."""
        return (_row(event, sample) for selector, event in self._events if selector.means(sample.series))

    def other(self, sample: OutputSample) -> Row:
        """The row of a sample that no event names."""
        return _row(Event(event_type=sample.series.name), sample)


def _row(event: Event, sample: OutputSample) -> Row:
    labels = {"collector": sample.series.source, **sample.series.labels}
    source = _PLACE.sub(lambda place: labels.get(place[1], ""), event.source)
    return Row(event.event_type, source, sample.value * event.scale, sample.time, labels)
