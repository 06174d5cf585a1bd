"""The most recent incidents, and how many there were."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable

from collector_plugins.anomaly.incidents.incident import Incident, Kind


class IncidentStore:
    """Keeps the last `limit` incidents; `detected` counts those of each kind since the start."""

    def __init__(self, limit: int) -> None:
        self._kept: deque[Incident] = deque(maxlen=limit)
        self.detected: Counter[Kind] = Counter()

    def add(self, incident: Incident) -> None:
        """Keep an incident that begins, and count it under the kind that it has now."""
        self._kept.append(incident)
        self.detected[incident.kind] += 1

    def restore(self, incidents: Iterable[Incident]) -> None:
        """Take over those of before a restart, the oldest first, as older than all that are kept; none is counted."""
        newer = list(self._kept)
        self._kept.clear()
        self._kept.extend([*incidents, *newer])

    def newest_first(self) -> list[Incident]:
        """All that are kept."""
        return list(reversed(self._kept))
