"""What the system plugin publishes: one declaration for each metric, and the rows in which they are filled."""

from __future__ import annotations

from collector_core import Counter, Gauge, Info, Metric, Unit

CPU_SECONDS = Counter(
    "system_cpu_seconds_total",
    "Time the CPU spent in each mode; the modes do not overlap (guests run in user and nice).",
    Unit.SECONDS,
    ("cpu", "mode"),
    topic="cpu_time",
    of="cpu",
    title="CPU time of this machine",
)
CPU_USAGE = Gauge(
    "system_cpu_usage_ratio",
    "Fraction of time since the previous run that the CPUs were not idle, 0 to 1.",
    Unit.RATIO,
    topic="load",
    of="cpu",
    title="CPU use of this machine",
)
CPU_CORE_USAGE = Gauge(
    "system_cpu_core_usage_ratio",
    "Fraction of time since the previous run that each CPU was not idle, 0 to 1.",
    Unit.RATIO,
    ("cpu",),
    topic="core_load",
    of="cpu",
    title="Use of a CPU core",
)
CPU_FREQUENCY = Gauge(
    "system_cpu_frequency_hertz",
    "Clock frequency of each CPU.",
    Unit.HERTZ,
    ("cpu",),
    topic="frequency",
    of="cpu",
    title="Clock frequency of a CPU",
)
CPU_INFO = Info(
    "system_cpu_info",
    "Model of the processor, its physical cores and its threads.",
    ("model", "cores", "threads"),
    of="cpu",
    title="Processor of this machine",
)
BOOT_TIME = Gauge(
    "system_boot_time_seconds",
    "Boot time of the machine, in seconds since 1970.",
    Unit.SECONDS,
    topic="boot_time",
    of="host",
    title="Boot time of this machine",
)
LOAD_AVERAGE = Gauge(
    "system_load_average",
    "Tasks that are running or waiting, averaged over the period (1m, 5m, 15m).",
    labels=("period",),
    topic="load_average",
    of="cpu",
    title="Load average of this machine",
)

MEMORY_TOTAL = Gauge(
    "system_memory_total_bytes",
    "Memory the system can use.",
    Unit.BYTES,
    topic="size",
    of="memory",
    title="Memory of this machine",
)
MEMORY_AVAILABLE = Gauge(
    "system_memory_available_bytes",
    "Memory available to programs without swapping (caches are reclaimed).",
    Unit.BYTES,
    topic="available",
    of="memory",
    title="Available memory of this machine",
)
MEMORY_USED = Gauge(
    "system_memory_used_bytes",
    "Memory that is not available.",
    Unit.BYTES,
    topic="used",
    of="memory",
    title="Memory in use on this machine",
)
MEMORY_FREE = Gauge(
    "system_memory_free_bytes",
    "Memory not used at all, not even as cache.",
    Unit.BYTES,
    topic="free",
    of="memory",
    title="Unused memory of this machine",
)
MEMORY_BUFFERS = Gauge(
    "system_memory_buffers_bytes",
    "Cache of raw disk blocks.",
    Unit.BYTES,
    topic="buffers",
    of="memory",
    title="Memory used for buffers",
)
MEMORY_CACHED = Gauge(
    "system_memory_cached_bytes",
    "File cache, including tmpfs and reclaimable slabs, as counted by free(1).",
    Unit.BYTES,
    topic="cached",
    of="memory",
    title="Memory used for the page cache",
)
SWAP_TOTAL = Gauge(
    "system_swap_total_bytes",
    "Swap space.",
    Unit.BYTES,
    topic="swap_size",
    of="memory",
    title="Swap space of this machine",
)
SWAP_USED = Gauge(
    "system_swap_used_bytes",
    "Swap space in use.",
    Unit.BYTES,
    topic="swap_used",
    of="memory",
    title="Swap in use on this machine",
)

_DEVICE = ("device",)
DISK_READ_BYTES = Counter(
    "system_disk_read_bytes_total",
    "Bytes read from the disk.",
    Unit.BYTES,
    _DEVICE,
    topic="read",
    of="disk",
    title="Reading from disk",
)
DISK_WRITTEN_BYTES = Counter(
    "system_disk_written_bytes_total",
    "Bytes written to the disk.",
    Unit.BYTES,
    _DEVICE,
    topic="written",
    of="disk",
    title="Writing to disk",
)
DISK_READS = Counter(
    "system_disk_reads_total",
    "Reads completed by the disk.",
    labels=_DEVICE,
    topic="read_operations",
    of="disk",
    title="Disk reads",
)
DISK_WRITES = Counter(
    "system_disk_writes_total",
    "Writes completed by the disk.",
    labels=_DEVICE,
    topic="write_operations",
    of="disk",
    title="Disk writes",
)
DISK_READ_SECONDS = Counter(
    "system_disk_read_seconds_total",
    "Total time spent on reads; divided by the reads, the mean latency.",
    Unit.SECONDS,
    _DEVICE,
    topic="read_time",
    of="disk",
    title="Time spent reading from disk",
)
DISK_WRITE_SECONDS = Counter(
    "system_disk_write_seconds_total",
    "Total time spent on writes; divided by the writes, the mean latency.",
    Unit.SECONDS,
    _DEVICE,
    topic="write_time",
    of="disk",
    title="Time spent writing to disk",
)
DISK_BUSY_SECONDS = Counter(
    "system_disk_busy_seconds_total",
    "Time the disk was busy; its rate is the utilisation.",
    Unit.SECONDS,
    _DEVICE,
    topic="busy_time",
    of="disk",
    title="Time the disk was busy",
)

_MOUNT = ("mountpoint", "fstype")
FILESYSTEM_SIZE = Gauge(
    "system_filesystem_size_bytes",
    "Size of the file system.",
    Unit.BYTES,
    _MOUNT,
    topic="size",
    of="disk",
    title="Size of a file system",
)
FILESYSTEM_AVAILABLE = Gauge(
    "system_filesystem_available_bytes",
    "Space that unprivileged users can still use.",
    Unit.BYTES,
    _MOUNT,
    topic="available",
    of="disk",
    title="Available space of a file system",
)
FILESYSTEM_INODES = Gauge(
    "system_filesystem_inodes",
    "Files that the file system has room for.",
    labels=_MOUNT,
    topic="inodes",
    of="disk",
    title="Inodes of a file system",
)
FILESYSTEM_INODES_AVAILABLE = Gauge(
    "system_filesystem_inodes_available",
    "Files that unprivileged users can still create.",
    labels=_MOUNT,
    topic="inodes_available",
    of="disk",
    title="Available inodes of a file system",
)
FILESYSTEM_READONLY = Gauge(
    "system_filesystem_readonly",
    "1 if the file system is read-only, for example after a disk error.",
    labels=_MOUNT,
    topic="read_only",
    of="disk",
    title="File system mounted read-only",
)

RECEIVE_BYTES = Counter(
    "system_network_receive_bytes_total",
    "Bytes received.",
    Unit.BYTES,
    _DEVICE,
    topic="received",
    of="network",
    title="Network traffic received",
)
TRANSMIT_BYTES = Counter(
    "system_network_transmit_bytes_total",
    "Bytes sent.",
    Unit.BYTES,
    _DEVICE,
    topic="sent",
    of="network",
    title="Network traffic sent",
)
RECEIVE_PACKETS = Counter(
    "system_network_receive_packets_total",
    "Packets received.",
    labels=_DEVICE,
    topic="packets_received",
    of="network",
    title="Network packets received",
)
TRANSMIT_PACKETS = Counter(
    "system_network_transmit_packets_total",
    "Packets sent.",
    labels=_DEVICE,
    topic="packets_sent",
    of="network",
    title="Network packets sent",
)
RECEIVE_ERRORS = Counter(
    "system_network_receive_errors_total",
    "Packets received in error.",
    labels=_DEVICE,
    topic="errors",
    of="network",
    title="Network receive errors",
)
TRANSMIT_ERRORS = Counter(
    "system_network_transmit_errors_total",
    "Packets that could not be sent.",
    labels=_DEVICE,
    topic="errors",
    of="network",
    title="Network transmit errors",
)
RECEIVE_DROPS = Counter(
    "system_network_receive_drops_total",
    "Packets received and dropped.",
    labels=_DEVICE,
    topic="drops",
    of="network",
    title="Network packets dropped on receipt",
)
TRANSMIT_DROPS = Counter(
    "system_network_transmit_drops_total",
    "Packets dropped before they were sent.",
    labels=_DEVICE,
    topic="drops",
    of="network",
    title="Network packets dropped before sending",
)

TEMPERATURE = Gauge(
    "system_temperature_celsius",
    "Temperature at each sensor of each chip.",
    Unit.CELSIUS,
    ("chip", "sensor"),
    topic="temperature",
    of="host",
    title="Temperature of this machine",
)
SOCKETS = Gauge(
    "system_sockets",
    "Sockets by kind (tcp, tcp6, udp, …; all) and state (inuse, orphan, tw, alloc; used).",
    labels=("kind", "state"),
    topic="sockets",
    of="network",
    title="Open sockets",
)

# Each in the order of the fields of its shape in source.py.
MEMORY = (
    MEMORY_TOTAL,
    MEMORY_AVAILABLE,
    MEMORY_USED,
    MEMORY_FREE,
    MEMORY_BUFFERS,
    MEMORY_CACHED,
    SWAP_TOTAL,
    SWAP_USED,
)
DISK = (
    DISK_READ_BYTES,
    DISK_WRITTEN_BYTES,
    DISK_READS,
    DISK_WRITES,
    DISK_READ_SECONDS,
    DISK_WRITE_SECONDS,
    DISK_BUSY_SECONDS,
)
FILESYSTEM = (
    FILESYSTEM_SIZE,
    FILESYSTEM_AVAILABLE,
    FILESYSTEM_INODES,
    FILESYSTEM_INODES_AVAILABLE,
    FILESYSTEM_READONLY,
)
NETWORK = (
    RECEIVE_BYTES,
    TRANSMIT_BYTES,
    RECEIVE_PACKETS,
    TRANSMIT_PACKETS,
    RECEIVE_ERRORS,
    TRANSMIT_ERRORS,
    RECEIVE_DROPS,
    TRANSMIT_DROPS,
)
CPU = (CPU_SECONDS, CPU_USAGE, CPU_CORE_USAGE, CPU_FREQUENCY, CPU_INFO, BOOT_TIME, LOAD_AVERAGE)

ALL: tuple[Metric, ...] = (*CPU, *MEMORY, *DISK, *FILESYSTEM, *NETWORK, TEMPERATURE, SOCKETS)
