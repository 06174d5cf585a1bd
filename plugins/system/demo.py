"""A simulated machine, for `run --demo`: the demo rack as its operating system would show it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import exp

from collector_core.demo import Totals, daily, noise, spikes
from collector_core.demo.rack import Rack
from collector_core.procfs import CPU_MODES
from collector_plugins.system import System
from collector_plugins.system.source import CpuModel, CpuTimes, Disk, Filesystem, Interface, Memory

CPUS = 32
MODE_SHARES = {"user": 0.71, "nice": 0.02, "system": 0.22, "irq": 0.01, "softirq": 0.03, "steal": 0.01}
LOWEST_HERTZ = 1.2e9
HIGHEST_HERTZ = 3.6e9
SWAP_BYTES = float(16 << 30)
BOOTED = 1_764_547_200.0  # 2025-12-01
BYTES_PER_OPERATION = 24_576.0
BYTES_PER_PACKET = 900.0
PERIODS = {"1m": 60.0, "5m": 300.0, "15m": 900.0}

# Size in bytes, the part in use at the beginning of a week, and what is written in a day.
FILESYSTEMS = {
    ("/", "ext4"): (200e9, 0.41, 1.1e9),
    ("/var/lib/libvirt", "xfs"): (3.8e12, 0.63, 9e9),
    ("/srv/backup", "btrfs"): (16e12, 0.55, 160e9),
}
DAY = 86_400.0


class DemoSource:
    """What the operating system of the demo rack says; a `Source` as every other."""

    def __init__(self, now: Callable[[], float], rack: Rack) -> None:
        self._now = now
        self._rack = rack
        self._totals = Totals()

    def cpu_times(self) -> CpuTimes:
        """Seconds since the collector started."""
        when = self._now()
        cores = {cpu: self._modes(cpu, load, when) for cpu, load in self._cpu_loads(when).items()}
        return CpuTimes(CPU_MODES, tuple(map(sum, zip(*cores.values(), strict=True))), cores)

    def cpu_frequencies(self) -> Mapping[str, float]:
        """Busy CPUs run faster."""
        when = self._now()
        span = HIGHEST_HERTZ - LOWEST_HERTZ
        return {cpu: LOWEST_HERTZ + span * load**0.5 for cpu, load in self._cpu_loads(when).items()}

    def cpu_info(self) -> CpuModel:
        """The rack's processors."""
        return CpuModel(self._rack.cpu_model, self._rack.cores, CPUS)

    def boot_time(self) -> float:
        """Always the same."""
        return BOOTED

    def load_averages(self) -> Mapping[str, float]:
        """The busy cores of the period, the latest counting most, as the kernel does it."""
        when = self._now()
        return {period: self._mean_busy(when, seconds) for period, seconds in PERIODS.items()}

    def memory(self) -> Memory:
        """Guests take it, caches fill most of the rest."""
        when, total = self._now(), self._rack.memory_bytes
        used = total * self._rack.memory_used_ratio(when)
        cached = 0.8 * (total - used)
        buffers = 0.02 * total
        swap = SWAP_BYTES * daily(when, 0.01, 0.06, peak_hour=20)
        return Memory(total, total - used, used, total - used - cached - buffers, buffers, cached, SWAP_BYTES, swap)

    def disks(self) -> Mapping[str, Disk]:
        """Two fast disks that guests use, and one that backups go to."""
        when = self._now()
        work = self._rack.cpu_load(when)
        backup = spikes(when, "backup disk", 1.8e8, every=12 * 3600.0, length=5400.0)
        return {
            "nvme0n1": self._disk("nvme0n1", 6e7 * work, 9e7 * work, 1.5e9, when),
            "nvme1n1": self._disk("nvme1n1", 5e7 * work, 7e7 * work, 1.5e9, when),
            "sda": self._disk("sda", 2e5, 4e5 + backup, 2.2e8, when),
        }

    def filesystems(self) -> Mapping[tuple[str, str], Filesystem | OSError]:
        """They fill in the course of a week and are cleaned up."""
        into_week = self._now() % (7 * DAY) / DAY
        return {
            key: Filesystem(
                size,
                size - min(0.97 * size, used * size + into_week * growth),
                size / 16384,
                size / 20000,
                readonly=False,
            )
            for key, (size, used, growth) in FILESYSTEMS.items()
        }

    def interfaces(self) -> Mapping[str, Interface]:
        """The way out, and the bridge of the guests."""
        when = self._now()
        users = daily(when, 1.5e5, 6e6, peak_hour=19.5) * (1 + noise(when, "network", 0.5, 90.0))
        return {
            "enp1s0": self._interface("enp1s0", 0.3 * users, users, when),
            "virbr0": self._interface("virbr0", 1.4 * users, 1.6 * users, when),
        }

    def temperatures(self) -> Mapping[tuple[str, str], float]:
        """Processors follow their power, disks their work, the board the room."""
        when = self._now()
        room = daily(when, 21.0, 25.0, peak_hour=16.0)
        packages = enumerate(self._rack.package_watts(when))
        chips = {("coretemp", f"Package id {number}"): room + 10 + 0.5 * watts for number, watts in packages}
        disk = room + 14 + 12 * self._rack.cpu_load(when)
        return chips | {("nvme", "Composite"): disk, ("acpitz", "temp1"): room + 5}

    def sockets(self) -> Mapping[tuple[str, str], float]:
        """More by day."""
        tcp = round(daily(self._now(), 60, 420, peak_hour=19.5))
        return {("tcp", "inuse"): tcp, ("tcp", "tw"): tcp // 5, ("udp", "inuse"): 14.0, ("all", "used"): 300.0 + tcp}

    def close(self) -> None:
        """There is nothing to let go of."""

    def _cpu_loads(self, when: float) -> dict[str, float]:
        """How busy each CPU is, 0 to 1: around the load of all."""
        mean = self._rack.cpu_load(when)
        return {str(cpu): min(1.0, mean * (1 + noise(when, f"cpu {cpu}", 0.8, 60.0))) for cpu in range(CPUS)}

    def _modes(self, cpu: str, load: float, when: float) -> tuple[float, ...]:
        rates = {mode: share * load for mode, share in MODE_SHARES.items()}
        rates["iowait"] = 0.04 * (1 - load)
        rates["idle"] = 0.96 * (1 - load)
        return tuple(self._totals.grow((cpu, mode), rates[mode], when) for mode in CPU_MODES)

    def _mean_busy(self, when: float, seconds: float) -> float:
        weights = {ago: exp(-ago / seconds) for ago in (0.0, seconds / 2, seconds, 2 * seconds)}
        return sum(self._rack.busy_cores(when - ago) * each for ago, each in weights.items()) / sum(weights.values())

    def _disk(self, name: str, read: float, written: float, most: float, when: float) -> Disk:
        reads, writes = read / BYTES_PER_OPERATION, written / BYTES_PER_OPERATION
        busy = min(1.0, (read + written) / most)
        latency = 2e-4 * (1 + 3 * busy)
        rates = (read, written, reads, writes, reads * latency, writes * latency, busy)
        return Disk(*(self._totals.grow((name, number), rate, when) for number, rate in enumerate(rates)))

    def _interface(self, name: str, received: float, sent: float, when: float) -> Interface:
        lost = spikes(when, f"{name} drops", 0.5, every=DAY, length=1800.0)
        rates = (received, sent, received / BYTES_PER_PACKET, sent / BYTES_PER_PACKET, 0.0, 0.0, lost, 0.0)
        return Interface(*(self._totals.grow((name, number), rate, when) for number, rate in enumerate(rates)))


class DemoSystem(System):
    """The simulated machine; reads nothing."""

    def open(self) -> None:
        """Nothing is opened; counters go on."""

    def close(self) -> None:
        """There is nothing to let go of."""

    def _new_source(self) -> DemoSource:
        return DemoSource(self.ctx.clock.time, Rack())
