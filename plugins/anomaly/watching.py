"""All watched series together: takes finished runs, closes rows, and makes anomalies of what is odd in them."""

from __future__ import annotations

import logging
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from collector_core import Result, RunReport, Series
from collector_plugins.anomaly.actives import OF_RULES, Active, Actives
from collector_plugins.anomaly.anomalies import Kind, Record, Records, severity_of
from collector_plugins.anomaly.config import Config
from collector_plugins.anomaly.detector import Detector
from collector_plugins.anomaly.groups import SECOND_SIZE, Group
from collector_plugins.anomaly.rules import RARE_EVENT, STUCK
from collector_plugins.anomaly.selection import Selection
from collector_plugins.anomaly.statefile import Saved
from collector_plugins.anomaly.topics import actions_for
from collector_plugins.anomaly.watched import Watched
from collector_plugins.anomaly.words import MISSING, MULTIVARIATE, sentence

GAP_ROWS = 3.0  # after a longer pause of this program or machine nothing is judged for a while
SETTLE_SECONDS = 600.0  # so long: a machine that has just woken up is not itself
SETTLE_ROWS = 3  # but at least so many rows
GONE_SECONDS = 3600.0  # a series that is missing for so long makes room for another
FORGET_SECONDS = 7 * 86_400.0  # and is no longer watched after this
TIDY_ROWS = 60
HAS_DATA = frozenset({Result.OK, Result.PARTIAL})
MAX_LEFT_OUT_KNOWN = 100_000
GROUP_FACTOR = 1.5  # a component as a whole must be so much odder than a series: the distance adds up their noise


class Odd(NamedTuple):
    """What is odd about a series in a row."""

    watched: Watched
    kind: str


class Watching:
    """The whole of it, driven by one thread."""

    def __init__(
        self, config: Config, make: Callable[[float], Detector], saved: Saved, log: logging.Logger, began: float
    ) -> None:
        self.watched: dict[str, Watched] = {}
        self.groups: dict[str, Group] = {}
        self.records = Records(config.max_records)
        self.actives = Actives()
        self.shown: tuple[Record, ...] = ()
        self._config = config
        self._make = make
        self._saved = saved
        self._log = log
        self._selection = Selection(config.series, config.exclude, self._watch)
        self._plugins: dict[str, str] = {}
        self._alive: set[str] = set()
        self._left_out: set[int] = set()
        self._closed_at: float | None = None
        self._now = began
        self._rows = 0
        self._settling = self._rows_to_settle if began - saved.at > GAP_ROWS * config.row and saved.at else 0
        self.records.restore(saved.records)

    @property
    def left_out(self) -> int:
        """Series that were chosen but are not watched."""
        return len(self._left_out)

    @property
    def warming_up(self) -> int:
        """Watched series that cannot be judged yet."""
        return sum(each.verdict is None or each.verdict.warming_up for each in self.watched.values())

    @property
    def rows(self) -> int:
        """Rows that were closed since the start."""
        return self._rows

    def active(self) -> Counter[Kind]:
        """How many anomalies of each kind go on, with those that are only `shown`."""
        return self.actives.counts(self.shown)

    def see(self, report: RunReport) -> None:
        """Take the readings of a finished run of another collector."""
        if report.result not in HAS_DATA:
            return
        self._plugins[report.collector] = report.plugin
        self._alive.add(report.collector)
        self._now = report.ended_at
        for watched, value in self._selection.pairs(report):
            watched.add(value, report.ended_monotonic)

    def is_due(self, monotonic: float) -> bool:
        """Whether a row is over; rows end at multiples of their length, the first begins with the first question."""
        if self._closed_at is None:
            self._closed_at = monotonic
        return monotonic // self._config.row > self._closed_at // self._config.row

    def close_row(self, monotonic: float, when: float) -> list[Record]:
        """Judge a row that ends now (`when`: seconds since 1970); returns the anomalies that begin with it."""
        gap = self._closed_at is not None and monotonic - self._closed_at > GAP_ROWS * self._config.row
        self._closed_at = monotonic
        self._now = when
        if gap:
            self._pause()
            return []
        self._rows += 1
        odd = list(self._judge(when))
        odd += self._judge_groups(when)
        self._settling = max(0, self._settling - 1)
        begun = [] if self._settling else self._begin(odd, when)
        for watched in self.watched.values():
            watched.note(when)
        self._alive.clear()
        self.actives.pass_row(when, self.watched)
        if self._rows % TIDY_ROWS == 0:
            self._tidy(when)
        return begun

    @property
    def _rows_to_settle(self) -> int:
        return max(SETTLE_ROWS, math.ceil(SETTLE_SECONDS / self._config.row))

    def _pause(self) -> None:
        self._log.info("time has passed unseen; nothing is judged for the next %d rows", self._rows_to_settle)
        self._settling = self._rows_to_settle
        self._alive.clear()
        for watched in self.watched.values():
            watched.cut()

    def _watch(self, series: Series) -> Watched | None:
        known = self.watched.get(series.text)
        if known:
            return known
        if len(self.watched) >= self._config.max_watched and not self._make_room():
            if len(self._left_out) < MAX_LEFT_OUT_KNOWN:
                self._left_out.add(hash(series.text))
            return None
        plugin = self._plugins.get(series.source, series.source)
        watched = Watched(series, plugin, self._make(1.0), self._config.row, self._now)
        self._saved.restore_series(watched)
        self.watched[series.text] = watched
        self._left_out.discard(hash(series.text))
        return watched

    def _make_room(self) -> bool:
        longest = max(self.watched.values(), key=lambda each: each.missed)
        if not self._is_gone(longest):
            return False
        del self.watched[longest.series.text]
        return True

    def _is_gone(self, watched: Watched) -> bool:
        return watched.missed * self._config.row >= GONE_SECONDS

    def _judge(self, when: float) -> Iterator[Odd]:
        for text, watched in self.watched.items():
            watched.close(when, alive=watched.series.source in self._alive)
            if watched.is_onset():
                yield Odd(watched, watched.kind_of_onset())
            elif watched.has_gone and not self.actives.covers(text):
                yield Odd(watched, MISSING)
            elif watched.rules.active and watched.value is not None and not self.actives.covers(text):
                yield Odd(watched, watched.rules.active)

    def _judge_groups(self, when: float) -> Iterator[Odd]:
        for component, sizes in self._sizes().items():
            group = self._group(component)
            if self._rows % TIDY_ROWS == 0:
                group.keep(set(sizes))
            if group.update({name: sum(each) / len(each) for name, each in sizes.items()}, when):
                members = [each for each in self.watched.values() if each.component == component]
                yield Odd(max(members, key=lambda each: abs(each.size)), MULTIVARIATE)

    def _sizes(self) -> Mapping[str, Mapping[str, list[float]]]:
        sizes: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        for watched in self.watched.values():
            verdict = watched.verdict
            if verdict and not verdict.warming_up and verdict.size is not None and not watched.rules.is_sparse:
                sizes[watched.component][watched.series.name].append(verdict.size)
        return sizes

    def _group(self, component: str) -> Group:
        if component not in self.groups:
            group = self.groups[component] = Group(self._make(GROUP_FACTOR))
            self._saved.restore_group(component, group)
        return self.groups[component]

    def _begin(self, odd: list[Odd], when: float) -> list[Record]:
        begun = []
        by_component: dict[tuple[str, str], list[Odd]] = defaultdict(list)
        for each in odd:
            family = each.kind if each.kind in OF_RULES else MULTIVARIATE
            by_component[each.watched.component, family].append(each)
        for (component, _), those in by_component.items():
            lead = _lead(those)
            active = self.actives.taking(component, lead.kind)
            if active:
                self._join(active, those)
            else:
                begun.append(self._new(lead, those, odd, when))
        return begun

    def _join(self, active: Active, those: list[Odd]) -> None:
        texts = [each.watched.series.text for each in those]
        active.members.update(texts)
        active.record.relate(texts)
        floor = _floor(active.record.type)
        grade = severity_of(max(abs(each.watched.size) for each in those), len(active.members) - 1, floor)
        active.record.severity = max(active.record.severity, grade)

    def _new(self, lead: Odd, those: list[Odd], odd: list[Odd], when: float) -> Record:
        watched, kind = lead
        score, size = (watched.verdict.score, watched.size) if watched.verdict else (1.0, 0.0)
        related = self._related(lead, those, odd)
        record = Record(
            when,
            kind,
            severity_of(CALM_FREE if kind in OF_RULES else abs(size), len(related), _floor(kind)),
            watched.component,
            watched.series.text,
            sentence(kind, watched.finding(when)) + _together(kind, related),
            score,
            watched.value,
            watched.expected,
            actions=actions_for(watched.component, kind),
        )
        record.relate(related)
        group = self.groups.get(watched.component) if kind == MULTIVARIATE else None
        members = {each.watched.series.text for each in those}
        self.actives.begin(Active(record, watched, group, members=members))
        self.records.add(record)
        return record

    def _related(self, lead: Odd, those: list[Odd], odd: list[Odd]) -> list[str]:
        """The other odd series of this row, those of the same component first."""
        near = [each.watched for each in those]
        if lead.kind == MULTIVARIATE:
            component = lead.watched.component
            near += [w for w in self.watched.values() if w.component == component and abs(w.size) >= SECOND_SIZE]
        texts = [watched.series.text for watched in [*near, *(each.watched for each in odd)]]
        return [text for text in dict.fromkeys(texts) if text != lead.watched.series.text]

    def _tidy(self, when: float) -> None:
        old = [text for text, each in self.watched.items() if when - each.seen > FORGET_SECONDS]
        for text in old:
            del self.watched[text]
        room = len(self.watched) < self._config.max_watched or any(self._is_gone(w) for w in self.watched.values())
        if old or (self._left_out and room):
            self._left_out.clear()
            self._selection.forget()


CALM_FREE = 5.0  # the size that stands for what a rule found: it neither adds to the severity nor takes from it


def _lead(those: list[Odd]) -> Odd:
    """The one that is told: a component as a whole before a series, then the larger."""
    return max(those, key=lambda each: (each.kind == MULTIVARIATE, abs(each.watched.size)))


def _floor(kind: str) -> int:
    return 1 if kind in (STUCK, RARE_EVENT) else 2


def _together(kind: str, related: list[str]) -> str:
    if kind == MULTIVARIATE:
        return f"; {len(related) + 1} series of this component are unusual together"
    return f"; {len(related)} more series are odd at the same time" if related else ""
