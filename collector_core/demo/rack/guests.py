"""The virtual machines of the demo rack: how busy each of them is, and when."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import NAMESPACE_DNS, uuid5

from collector_core.demo.signals import HOUR, daily, noise, pick, spikes


@dataclass(frozen=True)
class DemoGuest:
    """A virtual machine; `low` and `high` are how busy its CPUs are by day and by night, 0 to 1.

    `job_hours` is how long its jobs take, which come and go by chance; 0 where it has none.
    """

    name: str
    vcpus: int
    low: float
    high: float
    peak_hour: float = 14.0
    weekend: float = 1.0
    job_hours: float = 0.0

    @property
    def uuid(self) -> str:
        """Always the same."""
        return str(uuid5(NAMESPACE_DNS, f"{self.name}.demo"))

    def busy_cores(self, when: float) -> float:
        """Cores that it keeps busy, more than 0 and at most `vcpus`."""
        use = daily(when, self.low, self.high, peak_hour=self.peak_hour, weekend=self.weekend)
        if self.job_hours:
            use += pick((0.0, 0.0, 0.25, 0.6), when, self.name, self.job_hours * HOUR)
        use *= 1 + noise(when, self.name, 0.3, 240.0)
        return self.vcpus * min(1.0, max(0.004, use))


@dataclass(frozen=True)
class DemoBackup(DemoGuest):
    """A guest that works hard once a night."""

    def busy_cores(self, when: float) -> float:
        """As of every guest, and its nightly work."""
        night = daily(when, 0.0, 1.0, peak_hour=2.5) > 0.97
        work = spikes(when, self.name, 0.9, every=12 * HOUR, length=2 * HOUR) if night else 0.0
        return min(float(self.vcpus), super().busy_cores(when) + self.vcpus * work)


GUESTS: tuple[DemoGuest, ...] = (
    DemoGuest("web-1", 2, 0.08, 0.75, 19.0),
    DemoGuest("web-2", 2, 0.08, 0.70, 19.0),
    DemoGuest("api", 4, 0.10, 0.65, 18.0),
    DemoGuest("database", 4, 0.15, 0.55, 18.5),
    DemoGuest("cache", 1, 0.05, 0.40, 19.0),
    DemoGuest("mail", 1, 0.02, 0.18, 10.0, 0.2),
    DemoGuest("ci-runner", 6, 0.02, 0.25, 13.5, 0.1, job_hours=0.4),
    DemoGuest("desktop", 2, 0.01, 0.35, 14.0, 0.0),
    DemoGuest("files", 1, 0.03, 0.25, 15.0, 0.5),
    DemoGuest("monitoring", 2, 0.12, 0.16),
    DemoGuest("home-assistant", 1, 0.05, 0.12, 20.0),
    DemoBackup("backup", 2, 0.01, 0.03),
)
