"""Notices alerts of rules that fire where no anomaly was reported: what the detectors have missed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from collector_core import Published, Selector
from collector_plugins.anomaly.incidents.incident import Incident
from collector_plugins.anomaly.incidents.track_record import Miss

BEFORE_SECONDS = 3600.0  # an anomaly that ended longer ago than this has nothing to do with the alert
AFTER_SECONDS = 600.0  # an anomaly that begins this long after the alert still counts as found
ACTIVE_ALERTS = Selector.parse('{__topic__="alerts",__of__="alert_rule"}')
ANOMALY_ALERTS = frozenset({"MinorAnomaly", "Anomaly", "SevereAnomaly", "CriticalAnomaly"})
UPKEEP_ALERTS = frozenset({"AlertChannelDown", "CollectorDown", "ConfigurationNotApplied", "StateDamaged"})


class RuleWatch:
    """Follows the number of firing alerts of each rule; alerts of anomalies and of this program's upkeep do not count.

    What fires when the first run is seen may be old, and is not counted.
    """

    def __init__(self) -> None:
        self._firing: set[str] | None = None
        self._waiting: list[Miss] = []

    def observe(self, published: Published, when: float) -> None:
        """Take a run, which may have no alerts in it; `when` is in seconds since 1970."""
        counts = {series.labels.get("alert", ""): value for series, value in ACTIVE_ALERTS.select([published])}
        if not counts:
            return
        firing = {alert for alert, number in counts.items() if number > 0} - ANOMALY_ALERTS - UPKEEP_ALERTS
        if self._firing is not None:
            self._waiting += [Miss(when, alert) for alert in sorted(firing - self._firing)]
        self._firing = firing

    def missed(self, incidents: Iterable[Incident], now: float) -> Iterator[Miss]:
        """The alerts before which, and soon after which, there was none of these anomalies; each is returned once."""
        due = [miss for miss in self._waiting if now - miss.time >= AFTER_SECONDS]
        if due:
            known = tuple(incidents)
            self._waiting = [miss for miss in self._waiting if miss not in due]
            yield from (miss for miss in due if not any(_is_near(miss.time, each) for each in known))


def _is_near(when: float, incident: Incident) -> bool:
    ended = float("inf") if incident.ended is None else incident.ended
    return incident.time - AFTER_SECONDS <= when <= ended + BEFORE_SECONDS
