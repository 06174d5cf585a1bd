"""Who is told what, and when: grouping, repeats, resolved messages, storms. Pure: it gets the time handed in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import inf

from collector_plugins.alerts.alert import Alert, Severity

STORM_GROUPS = 5  # more groups than this at once are told as one

Group = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """When a channel is told; times in seconds."""

    min_severity: Severity = Severity.WARNING
    send_resolved: bool = True
    group_by: tuple[str, ...] = ("alertname",)
    wait: float = 10.0
    interval: float = 60.0
    repeat: float = 14400.0
    per_minute: float = 10.0


@dataclass(slots=True)
class Told:
    """An alert that a channel was told fires, and when."""

    alert: Alert
    at: float


@dataclass
class Memory:
    """All that a restart must not lose of one channel: what it was told, by alert, and when each group was, by key."""

    told: dict[str, Told] = field(default_factory=dict)
    groups: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Batch:
    """What is told at once: alerts that share the labels `group`, or, as a `summary`, those of many groups."""

    group: Mapping[str, str]
    firing: tuple[Alert, ...]
    resolved: tuple[Alert, ...] = ()
    summary: bool = False


@dataclass
class _Due:
    """A group and what is new of it."""

    labels: Group
    firing: list[Alert] = field(default_factory=list)
    resolved: list[Alert] = field(default_factory=list)
    changed: bool = False
    repeats: bool = False


class Policy:
    """Compares what fires with what one channel was told.

    It goes by the state, not by events: what could not be told now is told later, together with whatever else has
    changed by then, and what came and went in between is not told at all.
    """

    def __init__(self, terms: Terms) -> None:
        self.memory = Memory()
        self._terms = terms
        self._since: dict[Group, float] = {}
        self._tokens = self._burst
        self._refilled = -inf

    @property
    def _burst(self) -> float:
        return max(1.0, self._terms.per_minute)

    def restore(self, memory: Memory, now: float) -> None:
        """Go on where an earlier process ended; what it did in the future, by a wrong clock, was now."""
        told = {key: Told(each.alert, min(each.at, now)) for key, each in memory.told.items()}
        self.memory = Memory(told, {key: min(at, now) for key, at in memory.groups.items()})

    def step(self, now: float, alerts: Iterable[Alert]) -> list[Batch]:
        """What is to be told at `now`, steady seconds since 1970, given all alerts that fire."""
        firing = {alert.id: alert for alert in alerts if alert.severity.rank >= self._terms.min_severity.rank}
        due = self._due(now, self._groups(now, firing))
        self._refill(now)
        if not due:
            return []
        if len(due) <= STORM_GROUPS and len(due) <= self._tokens:
            batches = [self._batch(group) for group in due]
        elif self._tokens >= 1:
            batches = [_summary(due)]
        else:
            return []
        self._tokens -= len(batches)
        for group in due:
            self._note(group, now)
        return [batch for batch in batches if batch.firing or batch.resolved]

    def _groups(self, now: float, firing: Mapping[str, Alert]) -> dict[Group, _Due]:
        groups: dict[Group, _Due] = {}
        for alert in firing.values():
            group = self._group_of(alert, groups)
            told = self.memory.told.get(alert.id)
            group.firing.append(alert)
            group.changed |= told is None
            group.repeats |= told is not None and now - told.at >= self._terms.repeat
        for key, told in list(self.memory.told.items()):
            if key in firing:
                continue
            if self._terms.send_resolved:
                group = self._group_of(told.alert, groups)
                group.resolved.append(replace(told.alert, ends_at=now))
                group.changed = True
            else:
                del self.memory.told[key]
        return groups

    def _group_of(self, alert: Alert, groups: dict[Group, _Due]) -> _Due:
        labels = tuple(alert.labels.get(name, "") for name in self._terms.group_by)
        return groups.setdefault(labels, _Due(labels))

    def _due(self, now: float, groups: Mapping[Group, _Due]) -> list[_Due]:
        changed = {labels for labels, group in groups.items() if group.changed}
        self._since = {labels: self._since.get(labels, now) for labels in changed}
        last = self.memory.groups
        for key in [key for key, at in last.items() if now - at >= self._terms.interval]:
            del last[key]  # no longer of use
        return [group for labels, group in groups.items() if group.repeats or self._may_be_told(labels, now)]

    def _may_be_told(self, labels: Group, now: float) -> bool:
        waited = labels in self._since and now - self._since[labels] >= self._terms.wait
        return waited and _key(labels) not in self.memory.groups

    def _batch(self, group: _Due) -> Batch:
        labels = dict(zip(self._terms.group_by, group.labels, strict=True))
        return Batch(labels, tuple(group.firing), tuple(group.resolved))

    def _note(self, group: _Due, now: float) -> None:
        for alert in group.firing:
            self.memory.told[alert.id] = Told(alert, now)
        for alert in group.resolved:
            self.memory.told.pop(alert.id, None)
        self.memory.groups[_key(group.labels)] = now
        self._since.pop(group.labels, None)

    def _refill(self, now: float) -> None:
        passed = max(0.0, now - self._refilled)
        self._tokens = min(self._burst, self._tokens + passed * self._terms.per_minute / 60.0)
        self._refilled = now


def _key(labels: Group) -> str:
    return "\n".join(labels)


def _summary(due: Iterable[_Due]) -> Batch:
    groups = list(due)
    firing = tuple(alert for group in groups for alert in group.firing)
    return Batch({}, firing, tuple(alert for group in groups for alert in group.resolved), summary=True)
