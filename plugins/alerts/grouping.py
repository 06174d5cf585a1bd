"""What a channel is notified of, and when: groups, repeats, resolved alerts, storms. Pure: the time is passed in.

The decision goes by state, not by events: what fires is compared with what the channel was notified of. What could not
be sent is sent later, merged with whatever has changed since; what came and went in between is not sent at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from collector_plugins.alerts.alert import Alert, Severity

MAX_GROUPS_AT_ONCE = 5  # more groups than this become one summary

GroupKey = tuple[str, ...]  # the values of the labels in `group_by`


@dataclass(frozen=True, slots=True)
class GroupingOptions:
    """When a channel is notified; durations are in seconds."""

    min_severity: Severity
    send_resolved: bool
    group_by: tuple[str, ...]
    group_wait: float
    group_interval: float
    repeat_interval: float
    per_minute: float


@dataclass(slots=True)
class NotifiedAlert:
    """An alert that a channel was notified of while it fired, and when, in seconds since 1970."""

    alert: Alert
    at: float


@dataclass
class NotificationLog:
    """Everything a restart must preserve of one channel: the alerts it knows of, by id, and each group's last time."""

    notified: dict[str, NotifiedAlert] = field(default_factory=dict)
    last_sent: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AlertBatch:
    """What is sent as one notification: alerts that share the labels `group`; a summary of many groups has none."""

    group: Mapping[str, str]
    firing: tuple[Alert, ...]
    resolved: tuple[Alert, ...] = ()


@dataclass
class _Group:
    key: GroupKey
    firing: list[Alert] = field(default_factory=list)
    resolved: list[Alert] = field(default_factory=list)
    changed: bool = False
    repeats: bool = False


class AlertGrouper:
    """Decides for one channel which notifications are due."""

    def __init__(self, options: GroupingOptions) -> None:
        self.log = NotificationLog()
        self._options = options
        self._changed_since: dict[GroupKey, float] = {}
        self._tokens = self._max_tokens
        self._refilled_at = 0.0

    @property
    def _max_tokens(self) -> float:
        return max(1.0, self._options.per_minute)

    def restore_log(self, log: NotificationLog, now: float) -> None:
        """Continue from the log of an earlier process; times that a wrong clock put into the future count as now."""
        told = {key: NotifiedAlert(each.alert, min(each.at, now)) for key, each in log.notified.items()}
        self.log = NotificationLog(told, {key: min(at, now) for key, at in log.last_sent.items()})

    def take_due_batches(self, now: float, firing: Iterable[Alert]) -> list[AlertBatch]:
        """What is due at `now`, in steady seconds since 1970, given all alerts that fire; it counts as sent."""
        severe = {alert.id: alert for alert in firing if alert.severity.rank >= self._options.min_severity.rank}
        due = self._due_groups(now, self._groups(now, severe))
        self._refill_tokens(now)
        if not due or self._tokens < 1:
            return []
        fits = len(due) <= MAX_GROUPS_AT_ONCE and len(due) <= self._tokens
        batches = [self._batch(group) for group in due] if fits else [_summary(due)]
        self._tokens -= len(batches)
        for group in due:
            self._record_sent(group, now)
        return batches

    def _groups(self, now: float, firing: Mapping[str, Alert]) -> dict[GroupKey, _Group]:
        groups: dict[GroupKey, _Group] = {}
        for alert in firing.values():
            group = self._group_of(alert, groups)
            told = self.log.notified.get(alert.id)
            group.firing.append(alert)
            group.changed |= told is None
            group.repeats |= told is not None and now - told.at >= self._options.repeat_interval
        for key, told in list(self.log.notified.items()):
            if key in firing:
                continue
            if self._options.send_resolved:
                group = self._group_of(told.alert, groups)
                group.resolved.append(replace(told.alert, ends_at=now))
                group.changed = True
            else:
                del self.log.notified[key]
        return groups

    def _group_of(self, alert: Alert, groups: dict[GroupKey, _Group]) -> _Group:
        key = tuple(alert.labels.get(name, "") for name in self._options.group_by)
        return groups.setdefault(key, _Group(key))

    def _due_groups(self, now: float, groups: Mapping[GroupKey, _Group]) -> list[_Group]:
        changed = [key for key, group in groups.items() if group.changed]
        self._changed_since = {key: self._changed_since.get(key, now) for key in changed}
        last_sent = self.log.last_sent
        for text in [text for text, at in last_sent.items() if now - at >= self._options.group_interval]:
            del last_sent[text]  # holds nothing back any more
        return [group for group in groups.values() if group.repeats or self._may_send(group.key, now)]

    def _may_send(self, key: GroupKey, now: float) -> bool:
        since = self._changed_since.get(key)
        has_waited = since is not None and now - since >= self._options.group_wait
        return has_waited and _text_of(key) not in self.log.last_sent

    def _batch(self, group: _Group) -> AlertBatch:
        labels = dict(zip(self._options.group_by, group.key, strict=True))
        return AlertBatch(labels, tuple(group.firing), tuple(group.resolved))

    def _record_sent(self, group: _Group, now: float) -> None:
        for alert in group.firing:
            self.log.notified[alert.id] = NotifiedAlert(alert, now)
        for alert in group.resolved:
            del self.log.notified[alert.id]
        self.log.last_sent[_text_of(group.key)] = now
        self._changed_since.pop(group.key, None)

    def _refill_tokens(self, now: float) -> None:
        elapsed = max(0.0, now - self._refilled_at)
        self._tokens = min(self._max_tokens, self._tokens + elapsed * self._options.per_minute / 60.0)
        self._refilled_at = now


def _text_of(key: GroupKey) -> str:
    return "\n".join(key)


def _summary(due: Sequence[_Group]) -> AlertBatch:
    firing = tuple(alert for group in due for alert in group.firing)
    return AlertBatch({}, firing, tuple(alert for group in due for alert in group.resolved))
