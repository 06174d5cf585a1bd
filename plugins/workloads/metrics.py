"""What the plugin publishes: one declaration for each metric."""

from __future__ import annotations

from collector_core import Counter, Gauge, Info, Unit

_COMPONENT = ("component",)

ENERGY = Counter(
    "workloads_energy_joules_total",
    "Energy of the machine that was handed to a workload; each joule has one.",
    Unit.JOULES,
    ("kind", "name", "namespace", "part", *_COMPONENT),
    topic="energy",
    of="workload",
    title="Energy of a workload",
)
IDLE = Counter(
    "workloads_idle_joules_total",
    "Energy that the machine would have drawn with nothing to do, and that no workload was given.",
    Unit.JOULES,
    _COMPONENT,
    topic="idle_energy",
    of="host",
    title="Idle energy of this machine",
)
UNATTRIBUTED = Counter(
    "workloads_unattributed_joules_total",
    "Energy that belongs to no workload: kernel threads, interrupts, and what was drawn before the first look.",
    Unit.JOULES,
    _COMPONENT,
    topic="unattributed_energy",
    of="host",
    title="Unattributed energy of this machine",
)
MEASURED = Counter(
    "workloads_measured_joules_total",
    "Energy taken from the ledger: the sum of what workloads were given, idle, unattributed and ended.",
    Unit.JOULES,
    _COMPONENT,
    topic="handed_out_energy",
    of="host",
    title="Energy that is handed to workloads",
)
ENDED = Counter(
    "workloads_ended_joules_total",
    "Energy of workloads whose series have ended.",
    Unit.JOULES,
    _COMPONENT,
    topic="ended_energy",
    of="host",
    title="Energy of workloads that ended",
)
CONSERVATION = Gauge(
    "workloads_conservation_ratio",
    "Energy of workloads, idle, unattributed and ended by the energy measured: 1 while no joule is lost or doubled.",
    Unit.RATIO,
    _COMPONENT,
    topic="conservation",
    of="host",
    title="Conservation of energy",
)
INFO = Info(
    "workloads_info",
    "What a workload is; unknown properties are empty.",
    ("kind", "name", "namespace", "image", "runtime", "owner", "user", "slice"),
    of="workload",
    title="Workload",
)

WORK = Gauge(
    "workloads_work_joules",
    "Energy of the machine, or of a workload, per unit of work within `work_window`; absent while no work is done.",
    Unit.JOULES,
    ("work",),
    topic="energy_per_work",
    of="host",
    title="Energy per unit of work",
)
WORK_INFO = Info(
    "workloads_work_info",
    "Whose energy a kind of work is made with: a workload's, or the machine's where `kind` and `name` are empty.",
    ("work", "kind", "name"),
    topic="made_with",
    of="work",
    title="Work",
)


def _process(kind: type[Gauge] | type[Counter], name: str, help: str, unit: Unit | str, topic: str) -> Gauge | Counter:
    title = f"{topic.replace('_', ' ').capitalize()} of a watched process"
    return kind(f"workloads_process_{name}", help, unit, ("process",), topic=topic, of="process", title=title)


PROCESS_MEMORY = _process(Gauge, "resident_memory_bytes", "Memory in RAM.", Unit.BYTES, "used")
PROCESS_THREADS = _process(Gauge, "threads", "Threads.", "", "threads")
PROCESS_FILES = _process(Gauge, "open_files", "Open file descriptors.", "", "open_files")
PROCESS_CPU = _process(Counter, "cpu_seconds_total", "CPU time, with that of ended children.", Unit.SECONDS, "cpu_time")
PROCESS_READ = _process(Counter, "read_bytes_total", "Bytes read from disks.", Unit.BYTES, "read")
PROCESS_WRITTEN = _process(Counter, "written_bytes_total", "Bytes written to disks.", Unit.BYTES, "written")
PROCESS_POWER = _process(
    Gauge, "power_watts", "Power by CPU time, by the rule for workloads, without idle power.", Unit.WATTS, "power"
)
PROCESS_EXHAUSTED = _process(
    Gauge,
    "memory_exhausted_timestamp_seconds",
    "Unix time at which memory ends if the process goes on leaking as it does; absent while it does not.",
    Unit.SECONDS,
    "memory_exhausted",
)

PROCESS = (
    PROCESS_MEMORY,
    PROCESS_THREADS,
    PROCESS_FILES,
    PROCESS_CPU,
    PROCESS_READ,
    PROCESS_WRITTEN,
    PROCESS_POWER,
    PROCESS_EXHAUSTED,
)
ALL = (ENERGY, IDLE, UNATTRIBUTED, MEASURED, ENDED, CONSERVATION, INFO, WORK, WORK_INFO, *PROCESS)
