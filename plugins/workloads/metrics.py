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

ALL = (ENERGY, IDLE, UNATTRIBUTED, MEASURED, ENDED, CONSERVATION, INFO)
