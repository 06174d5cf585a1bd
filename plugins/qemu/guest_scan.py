"""One machine: its guests and CPUs, read once per run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from collector_core import Context, NotAvailable
from collector_plugins.qemu.config import Power
from collector_plugins.qemu.discovery import Discovery
from collector_plugins.qemu.guest import Guest
from collector_plugins.qemu.host import Host
from collector_plugins.qemu.labels import GuestLabels, Totals
from collector_plugins.qemu.meter import Columns, Meter
from collector_plugins.qemu.proc import Proc

# Runs further apart than this say nothing of the energy between them: a suspend, a stopped process.
GAP_INTERVALS = 3
SHORTEST_GAP_SECONDS = 10.0

_FIX_ROOT = "mount the host's /proc below `root`, e.g. docker run --pid=host -v /proc:/host/proc:ro, with root: /host"
_FIX_HIDDEN = "run energy-collector as root, or remount /proc with hidepid=0 or with gid= of a group that it is in"


@dataclass(frozen=True)
class Run:
    """What one run found. `busy_cores` is of the whole host; `broken` are guests that could not be read, by name."""

    columns: Columns
    broken: Sequence[tuple[str, Exception]]
    busy_cores: float | None
    is_after_gap: bool


class GuestScan:
    """Scans the machine below the configured root. Raises `NotAvailable` where there is no /proc."""

    def __init__(self, ctx: Context, power: Power, labels: GuestLabels) -> None:
        proc = Proc(ctx)
        if not proc.directory.is_dir():
            raise NotAvailable("not_found", f"{proc.directory} does not exist", fix=_FIX_ROOT)
        self._now = ctx.clock.monotonic
        self._ran_at = self._now()
        self._host = Host(proc)
        self._host.busy_cores(self._ran_at)
        self._max_gap = max(GAP_INTERVALS * ctx.interval, SHORTEST_GAP_SECONDS)
        self.meter = Meter(power, self._host, self._max_gap)
        self._labels = labels
        self._totals: dict[Guest, Totals] = {}
        self._discovery = Discovery(proc, self._now)

    def run(self) -> Run:
        """Read every guest once; raises `NotAvailable` where processes may not be seen."""
        now = self._now()
        is_after_gap = bool(self._totals) and now - self._ran_at > self._max_gap
        self._ran_at = now
        busy = self._host.busy_cores(now)
        if self._discovery.update():
            self._totals = self._labels.assign(list(self._discovery.guests.values()))
        if not self._totals and self._discovery.denied:
            detail = f"what {len(self._discovery.denied)} processes run may not be seen: /proc is mounted with hidepid"
            raise NotAvailable("permission", detail, fix=_FIX_HIDDEN)
        broken = self._discovery.broken
        found = [guest for guest in self._discovery.guests.values() if guest.pid not in broken]
        columns = self.meter.take({guest: self._totals[guest] for guest in found})
        failures = [(self._discovery.guests[pid].labels[0], error) for pid, error in broken.items()]
        return Run(columns, failures, busy, is_after_gap)

    def close(self) -> None:
        """Let go of every file."""
        self._discovery.close()


def count_guests(ctx: Context) -> int:
    """How many guests run now; 0 where that cannot be seen."""
    discovery = Discovery(Proc(ctx), ctx.clock.monotonic)
    try:
        discovery.update()
        return len(discovery.guests)
    except OSError:
        return 0
    finally:
        discovery.close()
