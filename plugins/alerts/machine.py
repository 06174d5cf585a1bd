"""From what holds to what fires: pending, firing, resolved, and alerts that flap. Pure: it gets the time handed in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from collector_plugins.alerts.alert import Alert

MAX_REMEMBERED = 5000  # alerts whose earlier starts are kept


@dataclass(frozen=True, slots=True)
class Terms:
    """Seconds: how long a condition must hold before the alert fires, and stays away before it resolves."""

    hold: float = 0.0
    keep: float = 0.0


@dataclass(frozen=True, slots=True)
class Flapping:
    """An alert that starts `starts` times within `window` seconds flaps, until nothing changed for `calm` seconds."""

    starts: int = 4
    window: float = 3600.0
    calm: float = 900.0


class Sighting(NamedTuple):
    """What a rule says of a series now: `make` writes the alert, for the time (seconds since 1970) of its start."""

    rule: str
    terms: Terms
    make: Callable[[float], Alert]
    holds: bool = True


@dataclass(slots=True)
class Entry:
    """An alert that is pending or fires; `holds` says whether its condition did when it was looked at last.

    `held` are the seconds for which it has been seen to hold, `steady` those since that last changed. What nobody saw,
    while the program or the machine slept, counts for neither.
    """

    rule: str
    alert: Alert
    keep: float = 0.0
    firing: bool = False
    holds: bool = True
    held: float = 0.0
    steady: float = 0.0


@dataclass
class Memory:
    """All that a restart must not lose: alerts by rule and series, and when those that fired had started."""

    entries: dict[str, Entry] = field(default_factory=dict)
    starts: dict[str, list[float]] = field(default_factory=dict)


class Machine:
    """Keeps the alerts of all rules; `most` is how many a single rule may have, so that a bug cannot flood anybody.

    Steps further apart than `max_gap` seconds count as that long. After a restart nothing resolves for `grace` seconds
    only because its series is not there yet.
    """

    def __init__(self, flapping: Flapping, *, max_gap: float, grace: float, most: int = 500) -> None:
        self.memory = Memory()
        self.untracked = 0
        self._flapping = flapping
        self._max_gap = max_gap
        self._grace = grace
        self._most = most
        self._last: float | None = None
        self._restored: set[str] = set()
        self._restored_until = 0.0

    @property
    def firing(self) -> list[Alert]:
        """The alerts that fire, in the order in which their conditions began to hold."""
        return [entry.alert for entry in self.memory.entries.values() if entry.firing]

    @property
    def pending(self) -> list[Alert]:
        """The alerts that do not fire yet."""
        return [entry.alert for entry in self.memory.entries.values() if not entry.firing]

    def restore(self, memory: Memory, now: float) -> None:
        """Go on where an earlier process ended; `now` as in `step`."""
        self.memory = memory
        self._restored, self._restored_until = set(memory.entries), now + self._grace

    def step(self, now: float, seen: Mapping[str, Sighting], rules: Collection[str]) -> None:
        """Take what the rules say at `now`, steady seconds since 1970, by rule and series.

        Series that are not among `seen` are gone. `rules` are the names of those that there are; alerts of others end.
        """
        passed = 0.0 if self._last is None else min(max(0.0, now - self._last), self._max_gap)
        self._last = now
        self.untracked = 0
        self._release_all(now, passed, seen, rules)
        sizes = Counter(entry.rule for entry in self.memory.entries.values())
        for key, sighting in seen.items():
            if sighting.holds:
                self._hold(key, sighting, now, passed, sizes)
        self._forget(now)

    def _release_all(self, now: float, passed: float, seen: Mapping[str, Sighting], rules: Collection[str]) -> None:
        for key, entry in list(self.memory.entries.items()):
            sighting = seen.get(key)
            if entry.rule not in rules:
                del self.memory.entries[key]
            elif sighting is None and key in self._restored and now < self._restored_until:
                continue
            elif sighting is None or not sighting.holds:
                self._release(key, entry, passed)

    def _hold(self, key: str, sighting: Sighting, now: float, passed: float, sizes: Counter[str]) -> None:
        entry = self.memory.entries.get(key)
        if entry is None:
            if sizes[sighting.rule] >= self._most:
                self.untracked += 1
                return
            sizes[sighting.rule] += 1
            entry = self.memory.entries[key] = Entry(sighting.rule, sighting.make(now), sighting.terms.keep)
        else:
            entry.held += 0.0 if entry.firing else passed
            self._see(entry, passed, holds=True)
            entry.alert = replace(sighting.make(entry.alert.starts_at), flapping=entry.alert.flapping)
            entry.keep = sighting.terms.keep
        if not entry.firing and entry.held >= sighting.terms.hold:
            self._fire(key, entry, now)
        elif entry.alert.flapping and entry.steady >= self._flapping.calm:
            entry.alert = replace(entry.alert, flapping=False)
            self.memory.starts.pop(key, None)

    def _fire(self, key: str, entry: Entry, now: float) -> None:
        entry.firing, entry.steady = True, 0.0
        recent = [at for at in self.memory.starts.get(key, ()) if now - at < self._flapping.window]
        recent = [*recent, now][-self._flapping.starts :]
        self.memory.starts[key] = recent
        entry.alert = replace(entry.alert, starts_at=now, flapping=len(recent) >= self._flapping.starts)

    def _release(self, key: str, entry: Entry, passed: float) -> None:
        """The condition does not hold: a pending alert was none, one that fires goes on for as long as it should."""
        self._see(entry, passed, holds=False)
        keep = max(entry.keep, self._flapping.calm) if entry.alert.flapping else entry.keep
        if not entry.firing or entry.steady >= keep:
            del self.memory.entries[key]
            if entry.alert.flapping:
                self.memory.starts.pop(key, None)

    def _see(self, entry: Entry, passed: float, *, holds: bool) -> None:
        longest = max(self._flapping.calm, entry.keep)
        entry.steady = min(entry.steady + passed, longest) if entry.holds is holds else 0.0
        entry.holds = holds

    def _forget(self, now: float) -> None:
        starts = self.memory.starts
        for key in [key for key, times in starts.items() if now - times[-1] >= self._flapping.window]:
            del starts[key]
        for key in list(starts)[: max(0, len(starts) - MAX_REMEMBERED)]:
            del starts[key]
