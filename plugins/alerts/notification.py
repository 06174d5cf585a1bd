"""One message to one channel: as an object, as text, and as the JSON of a webhook."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from collector_plugins.alerts.alert import Alert, fingerprint, format_rfc3339
from collector_plugins.alerts.grouping import AlertBatch

MAX_ALERTS = 50  # firing ones, and resolved ones, in one message; the rest is counted
MAX_NAMES = 5  # in a headline
PAYLOAD_VERSION = "4"  # https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
NO_END = "0001-01-01T00:00:00Z"  # Go's zero time, which Alertmanager sends while an alert fires


@dataclass(frozen=True, slots=True)
class Notification:
    """One message to one channel. Every attempt to send it carries the same `id`; `omitted` counts alerts left out."""

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
        """`firing` while any of its alerts fires, else `resolved`."""
        return "firing" if self.firing else "resolved"

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """All of them: those that fire, the most severe first, then those that are resolved."""
        return (*_by_severity(self.firing), *self.resolved)


def build_notification(channel: str, batch: AlertBatch, now: float) -> Notification:
    """The message for a batch; if there are too many alerts, it holds the most severe ones."""
    firing = _by_severity(batch.firing)
    kept, resolved = tuple(firing[:MAX_ALERTS]), batch.resolved[:MAX_ALERTS]
    omitted = len(firing) + len(batch.resolved) - len(kept) - len(resolved)
    parts = [channel, f"{now:.3f}", *(alert.id for alert in firing), "/", *(alert.id for alert in batch.resolved)]
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
    return Notification(digest, channel, now, dict(batch.group), kept, resolved, _headline(batch), omitted)


def _by_severity(alerts: Sequence[Alert]) -> list[Alert]:
    return sorted(alerts, key=lambda alert: -alert.severity.rank)


def _headline(batch: AlertBatch) -> str:
    alerts = (*batch.firing, *batch.resolved)
    if len(alerts) == 1:
        state = "FIRING" if batch.firing else "RESOLVED"
        return f"[{state}] {alerts[0].severity} {alerts[0].name}: {alerts[0].summary}"
    counts = Counter(alert.name for alert in alerts).most_common(MAX_NAMES)
    names = ", ".join(f"{name} ({count})" for name, count in counts)
    if not batch.firing:
        return f"[RESOLVED:{len(batch.resolved)}] {names}"
    return f"[FIRING:{len(batch.firing)}] {names}" + (f", {len(batch.resolved)} resolved" if batch.resolved else "")


def text_lines(message: Notification) -> Iterator[str]:
    """The message for people to read."""
    yield one_line(message.headline)
    for alert in message.alerts:
        yield from _alert_lines(alert)
    if message.omitted:
        yield f"… and {message.omitted} more: see GET /api/v1/alerts"


def _alert_lines(alert: Alert) -> Iterator[str]:
    """One alert: what, since when, and what to do."""
    state = "resolved" if alert.is_resolved else "firing"
    yield one_line(f"- {state} {alert.severity} {alert.name}: {alert.summary}")
    until = f", until {format_rfc3339(alert.ends_at)}" if alert.ends_at is not None else ""
    yield f"  since {format_rfc3339(alert.starts_at)}{until}"
    if alert.flapping:
        yield "  flapping: no further messages until it has calmed down"
    yield from (f"  {name}: {one_line(text)}" for name, text in _details(alert))


def _details(alert: Alert) -> Iterator[tuple[str, str]]:
    if alert.description:
        yield "description", alert.description
    if alert.fix and not alert.is_resolved:
        yield "fix", alert.fix
    yield "labels", ", ".join(f"{name}={value}" for name, value in alert.labels.items())


def one_line(text: str) -> str:
    """The text without line breaks and without characters that control a terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def annotations_of(alert: Alert) -> dict[str, str]:
    """The texts of an alert besides its labels, as annotations; empty ones are left out."""
    texts = {
        "summary": alert.summary,
        "description": alert.description,
        "fix": alert.fix,
        "value": f"{alert.value:g}" if alert.value is not None else "",
        "flapping": "true" if alert.flapping else "",
    }
    return {name: text for name, text in texts.items() if text}


def webhook_payload(message: Notification) -> dict[str, Any]:
    """The JSON that Alertmanager's webhooks have, so that its receivers understand ours."""
    alerts = message.alerts
    return {
        "version": PAYLOAD_VERSION,
        "groupKey": fingerprint(message.group),
        "truncatedAlerts": message.omitted,
        "status": message.status,
        "receiver": message.channel,
        "groupLabels": dict(message.group),
        "commonLabels": _common_items([alert.labels for alert in alerts]),
        "commonAnnotations": _common_items([annotations_of(alert) for alert in alerts]),
        "externalURL": "",
        "headline": message.headline,
        "alerts": [alert_payload(alert) for alert in alerts],
    }


def alert_payload(alert: Alert) -> dict[str, Any]:
    """One alert in the JSON of webhooks, of the log and of `GET /api/v1/alerts`."""
    return {
        "status": "resolved" if alert.is_resolved else "firing",
        "labels": dict(alert.labels),
        "annotations": annotations_of(alert),
        "startsAt": format_rfc3339(alert.starts_at),
        "endsAt": NO_END if alert.ends_at is None else format_rfc3339(alert.ends_at),
        "generatorURL": "",
        "fingerprint": alert.id,
    }


def _common_items(mappings: Sequence[Mapping[str, str]]) -> dict[str, str]:
    first = mappings[0] if mappings else {}
    return {name: text for name, text in first.items() if all(each.get(name) == text for each in mappings)}
