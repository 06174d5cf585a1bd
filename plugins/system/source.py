"""What a source of host metrics delivers, the same shapes on every operating system."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

LOAD_PERIODS = ("1m", "5m", "15m")
IDLE_MODES = frozenset({"idle", "iowait"})


class CpuTimes(NamedTuple):
    """Seconds since boot per mode, in the order of `modes`: of all CPUs together and of each."""

    modes: tuple[str, ...]
    total: tuple[float, ...]
    cores: dict[str, tuple[float, ...]]


class CpuModel(NamedTuple):
    """What the processor is; `cores` are physical, `threads` what the scheduler sees."""

    model: str
    cores: int
    threads: int


class Memory(NamedTuple):
    """Bytes; None where the system does not say."""

    total: float | None = None
    available: float | None = None
    used: float | None = None
    free: float | None = None
    buffers: float | None = None
    cached: float | None = None
    swap_total: float | None = None
    swap_used: float | None = None


class Disk(NamedTuple):
    """Counters since boot: bytes, operations and seconds."""

    read_bytes: float
    written_bytes: float
    reads: float
    writes: float
    read_seconds: float | None
    write_seconds: float | None
    busy_seconds: float | None


class Interface(NamedTuple):
    """Counters since the interface came up."""

    receive_bytes: float
    transmit_bytes: float
    receive_packets: float
    transmit_packets: float
    receive_errors: float
    transmit_errors: float
    receive_drops: float
    transmit_drops: float


class Filesystem(NamedTuple):
    """Bytes and inodes; `available` is what an unprivileged user can still use."""

    size: float
    available: float
    inodes: float | None
    inodes_available: float | None
    readonly: bool | None


class Source(Protocol):
    """Where host metrics come from. What a system does not have is None or left out of the mapping, never 0."""

    def cpu_times(self) -> CpuTimes | None:
        """Seconds each CPU spent in each mode."""

    def cpu_frequencies(self) -> Mapping[str, float]:
        """Hertz by CPU."""

    def cpu_info(self) -> CpuModel | None:
        """What the processor is; never changes."""

    def boot_time(self) -> float | None:
        """Seconds since 1970."""

    def load_averages(self) -> Mapping[str, float]:
        """Runnable tasks by period: 1m, 5m, 15m."""

    def memory(self) -> Memory:
        """Memory and swap space."""

    def disks(self) -> Mapping[str, Disk | ValueError]:
        """Chosen disks by name; an error is that of one disk only."""

    def filesystems(self) -> Mapping[tuple[str, str], Filesystem | OSError]:
        """Chosen file systems by mount point and type; an error is that of one file system only."""

    def interfaces(self) -> Mapping[str, Interface | ValueError]:
        """Chosen network interfaces by name; an error is that of one interface only."""

    def temperatures(self) -> Mapping[tuple[str, str], float]:
        """Degrees Celsius by chip and sensor."""

    def sockets(self) -> Mapping[tuple[str, str], float]:
        """Number of sockets by kind and state."""

    def close(self) -> None:
        """Let go of every descriptor; reading again opens them again."""
