"""One message to one channel, and how it reads."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from collector_plugins.alerts.alert import Alert, identity, rfc3339
from collector_plugins.alerts.policy import Batch

MAX_ALERTS = 50  # of each kind in one message; the rest is counted
PAYLOAD_VERSION = "4"  # https://prometheus.io/docs/alerting/latest/configuration/#webhook_config


@dataclass(frozen=True, slots=True)
class Notification:
    """What one channel is told at once. `id` is the same however often it is sent; `omitted` alerts are left out."""

    id: str
    channel: str
    created_at: float
    group: Mapping[str, str]
    firing: tuple[Alert, ...]
    resolved: tuple[Alert, ...] = ()
    headline: str = ""
    omitted: int = 0

    @property
    def status(self) -> str:
        """`firing` while any of its alerts does, else `resolved`."""
        return "firing" if self.firing else "resolved"

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """All of them, the worst first."""
        order = sorted(self.firing, key=lambda alert: -alert.severity.rank)
        return (*order, *self.resolved)


def notification(channel: str, batch: Batch, now: float) -> Notification:
    """The message for a batch; the most severe alerts are named in it."""
    firing = sorted(batch.firing, key=lambda alert: -alert.severity.rank)
    kept, ended = tuple(firing[:MAX_ALERTS]), batch.resolved[:MAX_ALERTS]
    omitted = len(batch.firing) + len(batch.resolved) - len(kept) - len(ended)
    parts = [channel, f"{now:.3f}", *(alert.id for alert in firing), "/", *(alert.id for alert in batch.resolved)]
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
    return Notification(digest, channel, now, dict(batch.group), kept, ended, _headline(batch), omitted)


def _headline(batch: Batch) -> str:
    first = (batch.firing or batch.resolved)[0]
    state = "FIRING" if batch.firing else "RESOLVED"
    total = len(batch.firing) + len(batch.resolved)
    if total == 1:
        return f"[{state}] {first.severity} {first.name}: {first.summary}"
    names = Counter(alert.name for alert in (*batch.firing, *batch.resolved)).most_common(5)
    told = ", ".join(f"{name} ({number})" for name, number in names)
    return f"[{state}:{len(batch.firing)}] {told}" + (f", {len(batch.resolved)} resolved" if batch.resolved else "")


def lines(message: Notification) -> Iterator[str]:
    """The message as people read it."""
    yield one_line(message.headline)
    for alert in message.alerts:
        yield from alert_lines(alert)
    if message.omitted:
        yield f"… and {message.omitted} more: GET /api/v1/alerts has all"


def alert_lines(alert: Alert) -> Iterator[str]:
    """One alert: what, since when, and what to do."""
    state = "resolved" if alert.ends_at is not None else "firing"
    yield one_line(f"- {state} {alert.severity} {alert.name}: {alert.summary}")
    yield f"  since {rfc3339(alert.starts_at)}" + (f", until {rfc3339(alert.ends_at)}" if alert.ends_at else "")
    if alert.flapping:
        yield "  it comes and goes: no more messages until it has calmed down"
    yield from (f"  {name}: {one_line(text)}" for name, text in _extras(alert))


def _extras(alert: Alert) -> Iterator[tuple[str, str]]:
    if alert.description:
        yield "what", alert.description
    if alert.fix and alert.ends_at is None:
        yield "fix", alert.fix
    yield "labels", ", ".join(f"{name}={text}" for name, text in alert.labels.items())


def one_line(text: str) -> str:
    """Without line breaks and what would steer a terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def texts_of(alert: Alert) -> dict[str, str]:
    """What is said of an alert beside its labels; empty ones are left out."""
    value = f"{alert.value:g}" if alert.value is not None else ""
    all_of_them = {"summary": alert.summary, "description": alert.description, "fix": alert.fix, "value": value}
    all_of_them["flapping"] = "true" if alert.flapping else ""
    return {name: text for name, text in all_of_them.items() if text}


def payload(message: Notification) -> dict[str, Any]:
    """The JSON of a webhook, in the form that Alertmanager's has, so that its receivers understand it."""
    alerts = message.alerts
    return {
        "version": PAYLOAD_VERSION,
        "groupKey": identity(message.group),
        "truncatedAlerts": message.omitted,
        "status": message.status,
        "receiver": message.channel,
        "groupLabels": dict(message.group),
        "commonLabels": _common([alert.labels for alert in alerts]),
        "commonAnnotations": _common([texts_of(alert) for alert in alerts]),
        "externalURL": "",
        "headline": message.headline,
        "alerts": [entry(alert) for alert in alerts],
    }


def entry(alert: Alert) -> dict[str, Any]:
    """One alert in a webhook's JSON, in the log and at `GET /api/v1/alerts`."""
    return {
        "status": "firing" if alert.ends_at is None else "resolved",
        "labels": dict(alert.labels),
        "annotations": texts_of(alert),
        "startsAt": rfc3339(alert.starts_at),
        "endsAt": "0001-01-01T00:00:00Z" if alert.ends_at is None else rfc3339(alert.ends_at),
        "generatorURL": "",
        "fingerprint": alert.id,
    }


def _common(texts: list[Mapping[str, str]] | list[dict[str, str]]) -> dict[str, str]:
    first = texts[0] if texts else {}
    return {name: text for name, text in first.items() if all(each.get(name) == text for each in texts)}
