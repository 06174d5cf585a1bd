"""The metrics of the qemu plugin."""

from __future__ import annotations

from collector_core import Counter, Gauge, Unit

VM_LABELS = ("vm", "uuid")

VM_CPU_USAGE = Gauge(
    "qemu_vm_cpu_usage_cores",
    "Number of cores kept busy by the guest's process since the previous run.",
    labels=VM_LABELS,
    topic="busy_cores",
    of="vm",
    title="CPU cores used by a virtual machine",
)
VM_CPU_SECONDS = Counter(
    "qemu_vm_cpu_seconds_total",
    "CPU time of the guest's process, and of earlier ones with the same name seen by the collector.",
    Unit.SECONDS,
    VM_LABELS,
    topic="cpu_time",
    of="vm",
    title="CPU time of a virtual machine",
)
VM_VCPUS = Gauge(
    "qemu_vm_vcpus",
    "Virtual CPUs of the guest: its live vCPU threads, else the number on its command line.",
    labels=VM_LABELS,
    topic="vcpus",
    of="vm",
    title="Virtual CPUs of a virtual machine",
)
VM_STATIC_POWER = Gauge(
    "qemu_vm_static_power_watts",
    "The guest's share of the idle host: f(0) × vCPUs / server cores.",
    Unit.WATTS,
    VM_LABELS,
    topic="static_power",
    of="vm",
    title="Share of a virtual machine in the host's idle power",
)
VM_DYNAMIC_POWER = Gauge(
    "qemu_vm_dynamic_power_watts",
    "What the guest's load would add to an idle host: (f(x) − f(0)) × ratio.",
    Unit.WATTS,
    VM_LABELS,
    topic="dynamic_power",
    of="vm",
    title="Power that a virtual machine's load adds",
)
VM_POWER = Gauge(
    "qemu_vm_power_watts",
    "Power of the guest as if it were alone: static + dynamic. Part of the host's power; do not add it to that.",
    Unit.WATTS,
    VM_LABELS,
    topic="power",
    of="vm",
    title="Power of a virtual machine",
)
VM_ENERGY = Counter(
    "qemu_vm_energy_joules_total",
    "Integral of qemu_vm_power_watts since the collector started.",
    Unit.JOULES,
    VM_LABELS,
    topic="energy",
    of="vm",
    title="Energy of a virtual machine",
)
VM_EMISSIONS_RATE = Gauge(
    "qemu_vm_emissions_grams_per_hour",
    "CO2 equivalent: power × PUE × emission factor.",
    labels=VM_LABELS,
    topic="emission_rate",
    of="vm",
    title="Emissions of a virtual machine per hour",
)
VM_EMISSIONS = Counter(
    "qemu_vm_emissions_grams_total",
    "CO2 equivalent of qemu_vm_energy_joules_total.",
    Unit.GRAMS,
    VM_LABELS,
    topic="emissions",
    of="vm",
    title="Emissions of a virtual machine",
)
VM_OUTSIDE_RANGE = Gauge(
    "qemu_vm_outside_fitted_range",
    "1 while the guest's load is outside the fitted range of the model and clamped to its bound.",
    labels=VM_LABELS,
    of="vm",
)
VMS = Gauge("qemu_vms", "Number of running guests.", topic="number", of="vm", title="Virtual machines that run")
HOST_CPU_USAGE = Gauge(
    "qemu_host_cpu_usage_cores",
    "Number of busy cores of the host since the previous run, including guests.",
    topic="busy_cores",
    of="vm_host",
    title="CPU cores busy on this host",
)
UNACCOUNTED_CPU = Gauge(
    "qemu_unaccounted_cpu_cores",
    "Busy cores of the host that no guest accounts for.",
    topic="unattributed_cores",
    of="vm_host",
    title="CPU cores busy outside virtual machines",
)
UNACCOUNTED_POWER = Gauge(
    "qemu_unaccounted_power_watts",
    "f of the whole host's load minus the power of all guests; absent if the guests' power exceeds it.",
    Unit.WATTS,
    topic="unattributed_power",
    of="vm_host",
    title="Power of this host outside virtual machines",
)
UNKNOWN_GAPS = Counter(
    "qemu_unknown_gaps_total",
    "Times the interval between two runs was too long to know the guests' energy, which is left out.",
    of="vm",
)

OF_A_VM = (
    VM_CPU_USAGE,
    VM_CPU_SECONDS,
    VM_VCPUS,
    VM_STATIC_POWER,
    VM_DYNAMIC_POWER,
    VM_POWER,
    VM_ENERGY,
    VM_EMISSIONS_RATE,
    VM_EMISSIONS,
    VM_OUTSIDE_RANGE,
)
ALL = (*OF_A_VM, VMS, HOST_CPU_USAGE, UNACCOUNTED_CPU, UNACCOUNTED_POWER, UNKNOWN_GAPS)
