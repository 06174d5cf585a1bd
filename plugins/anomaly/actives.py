"""Anomalies that go on: which series they cover, how severe they have become, and when they are over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from collector_plugins.anomaly.anomalies import Kind, Record
from collector_plugins.anomaly.groups import Group
from collector_plugins.anomaly.rules import RARE_EVENT, STUCK, ZERO
from collector_plugins.anomaly.watched import Watched
from collector_plugins.anomaly.words import MISSING

OF_RULES = frozenset({MISSING, STUCK, ZERO, RARE_EVENT})
CALM_SIZE = 3.0  # robust scales
CALM_SCORE = 0.5
CALM_ROWS = 3
SHORTEST_ROWS = 5  # an anomaly is shown at least so long, so that every scrape sees it
LONGEST_ROWS_OF_LEVELS = 1440  # then what is odd has become usual
MERGE_ROWS = 10  # what begins so soon after another anomaly of the component belongs to it


@dataclass(eq=False)
class Active:
    """One anomaly that goes on; `group` where it is one of a component as a whole."""

    record: Record
    lead: Watched
    group: Group | None = None
    rows: int = 0
    calm: int = 0
    members: set[str] = field(default_factory=set)

    def takes(self, component: str, kind: str) -> bool:
        """Whether what begins now in `component` belongs to this one."""
        same = self.record.type == kind or not {self.record.type, kind} & OF_RULES
        return self.record.component == component and same and self.rows <= MERGE_ROWS

    def is_over(self) -> bool:
        """Look at the row that was just closed."""
        self.rows += 1
        self.calm = self.calm + 1 if self._is_calm() else 0
        if self.record.type in OF_RULES:
            return self.calm >= 1 and self.rows >= SHORTEST_ROWS
        return self.rows >= LONGEST_ROWS_OF_LEVELS or (self.calm >= CALM_ROWS and self.rows >= SHORTEST_ROWS)

    def _is_calm(self) -> bool:
        kind, lead = self.record.type, self.lead
        if kind == MISSING:
            return lead.missed == 0
        if kind == ZERO:
            return lead.value is not None and lead.value != 0.0
        if kind in OF_RULES:
            return lead.rules.active != kind
        verdict = self.group.verdict if self.group else lead.verdict
        return verdict is not None and abs(verdict.size or 0.0) < CALM_SIZE and verdict.score < CALM_SCORE


class Actives:
    """All anomalies that go on."""

    def __init__(self) -> None:
        self._actives: list[Active] = []
        self._seen: set[Kind] = set()

    def __iter__(self) -> Iterator[Active]:
        return iter(self._actives)

    def begin(self, active: Active) -> None:
        """One has begun."""
        self._actives.append(active)

    def covers(self, series: str) -> bool:
        """Whether a series is part of one already."""
        return any(series in active.members for active in self._actives)

    def taking(self, component: str, kind: str) -> Active | None:
        """The one to which something that begins now belongs."""
        return next((active for active in self._actives if active.takes(component, kind)), None)

    def pass_row(self, when: float, there: Iterable[str]) -> None:
        """End what is over, or whose series is no longer watched."""
        watched = set(there)
        going_on = []
        for active in self._actives:
            if active.is_over() or active.record.series not in watched:
                active.record.ended = when
            else:
                going_on.append(active)
        self._actives = going_on

    def counts(self, others: Iterable[Record] = ()) -> Counter[Kind]:
        """How many of each kind go on, these and `others`; 0 for a kind of which none does any more."""
        counts = Counter(record.kind for record in [*(active.record for active in self._actives), *others])
        self._seen |= counts.keys()
        return Counter({kind: counts[kind] for kind in self._seen})
