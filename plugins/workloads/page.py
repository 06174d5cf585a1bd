"""The section Workloads of the status page: who draws the most, now and since the start."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from itertools import islice

from collector_core import PageSection, PageTable, quantity
from collector_plugins.workloads.accounts import SeriesName

WINDOW_SECONDS = 60.0
MOST_SHOWN = 20
ORDER = 5  # after the power of the machine

IDLE = SeriesName("idle", "", "", "")
NOBODY = SeriesName("unattributed", "", "", "")
_TITLES = {IDLE: "idle", NOBODY: "nobody (kernel threads, interrupts)"}

GERMAN = {
    "Workloads": "Lasten",
    "mean of the last {} seconds": "Mittel der letzten {} Sekunden",
    "Power by workload is shown once there are two readings.": "Leistung je Last steht hier nach zwei Messungen.",
    "kind": "Art",
    "power": "Leistung",
    "share": "Anteil",
    "energy": "Energie",
    "idle": "Leerlauf",
    "nobody (kernel threads, interrupts)": "niemand (Kernel-Threads, Unterbrechungen)",
    "guest": "Gast",
    "session": "Sitzung",
    "unit": "Dienst",
    "other": "andere",
}


class PowerTable:
    """Joules of each workload over the last minute, which are its watts."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, Mapping[SeriesName, float]]] = deque()

    def record(self, now: float, joules: Mapping[SeriesName, float]) -> None:
        """Take the joules so far of every workload at `now` (seconds, monotonic)."""
        self._looks.append((now, joules))
        while len(self._looks) > 2 and self._looks[1][0] <= now - WINDOW_SECONDS:
            self._looks.popleft()

    def watts(self) -> dict[SeriesName, float]:
        """Mean power of each since the oldest look, the highest first; nothing before there are two looks."""
        if len(self._looks) < 2:
            return {}
        (since, before), (now, after) = self._looks[0], self._looks[-1]
        drawn = {name: max(0.0, joules - before.get(name, 0.0)) for name, joules in after.items()}
        return {name: drawn[name] / (now - since) for name in sorted(drawn, key=lambda each: (-drawn[each], each))}

    def section(self) -> PageSection:
        """The table for people."""
        watts = self.watts()
        total = sum(watts.values())
        joules = self._looks[-1][1] if self._looks else {}
        rows = [
            (
                _TITLES.get(name, name.kind),
                "/".join(filter(None, (name.namespace, name.name, name.part))),
                quantity(power, "W"),
                f"{power / total:.1%}" if total else "",
                quantity(joules[name] / 3600, "Wh"),
            )
            for name, power in islice(watts.items(), MOST_SHOWN)
        ]
        table = PageTable(columns=("kind", "name", "power", "share", "energy"), rows=rows)
        return PageSection(
            name="workloads",
            page="workloads",
            title="Workloads",
            note=f"mean of the last {WINDOW_SECONDS:g} seconds",
            text="" if rows else "Power by workload is shown once there are two readings.",
            tables=(table,) if rows else (),
            order=ORDER,
            translations={"de": GERMAN},
        )
