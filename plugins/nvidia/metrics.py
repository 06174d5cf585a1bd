"""What the plugin publishes: one declaration for each metric."""

from __future__ import annotations

from collector_core import Counter, Gauge, Info, Unit

GPU_LABELS = ("host", "gpu", "uuid")

POWER = Gauge(
    "nvidia_gpu_power_watts",
    "Power of the whole board, as the driver reports it.",
    Unit.WATTS,
    GPU_LABELS,
    topic="power",
    of="gpu",
    title="GPU power",
)
POWER_LIMIT = Gauge(
    "nvidia_gpu_power_limit_watts",
    "Power limit in force: `power_limit_watts` of the host where it is configured, else what the driver enforces.",
    Unit.WATTS,
    GPU_LABELS,
    topic="power_limit",
    of="gpu",
    title="GPU power limit",
)
POWER_LIMIT_USAGE = Gauge(
    "nvidia_gpu_power_limit_usage_ratio",
    "Power divided by the power limit; 1 is the limit.",
    Unit.RATIO,
    GPU_LABELS,
    topic="power_limit_use",
    of="gpu",
    title="Use of the GPU power limit",
)
ENERGY = Counter(
    "nvidia_gpu_energy_joules_total",
    "Energy since the collector started, by the method that nvidia_gpu_energy_method_info names.",
    Unit.JOULES,
    GPU_LABELS,
    topic="energy",
    of="gpu",
    title="GPU energy",
)
ENERGY_METHOD = Info(
    "nvidia_gpu_energy_method_info",
    "Where the energy comes from: nvml_counter (the driver's counter) or power_integral (area under the power curve).",
    (*GPU_LABELS, "method"),
    of="gpu",
)
ENERGY_INTEGRAL = Counter(
    "nvidia_gpu_energy_integral_joules_total",
    "Area under the power curve, for comparison where the driver's counter is known too; do not add it up.",
    Unit.JOULES,
    GPU_LABELS,
    of="gpu",
)
ENERGY_DISAGREEMENT = Gauge(
    "nvidia_gpu_energy_disagreement_ratio",
    "Deviation of the area under the power curve from the driver's counter: 0.02 is 2 % more, negative is less.",
    Unit.RATIO,
    GPU_LABELS,
    of="gpu",
)
ENERGY_GAPS = Counter(
    "nvidia_gpu_energy_unknown_gaps_total",
    "Times the energy between two readings could not be known and was left out.",
    labels=GPU_LABELS,
    of="gpu",
)
TEMPERATURE = Gauge(
    "nvidia_gpu_temperature_celsius",
    "Temperature of the GPU.",
    Unit.CELSIUS,
    GPU_LABELS,
    topic="temperature",
    of="gpu",
    title="GPU temperature",
)
MEMORY_TEMPERATURE = Gauge(
    "nvidia_gpu_memory_temperature_celsius",
    "Temperature of the GPU's memory.",
    Unit.CELSIUS,
    GPU_LABELS,
    topic="memory_temperature",
    of="gpu",
    title="GPU memory temperature",
)
MEMORY_USED = Gauge(
    "nvidia_gpu_memory_used_bytes",
    "Memory in use, excluding what the driver reserves.",
    Unit.BYTES,
    GPU_LABELS,
    topic="memory_used",
    of="gpu",
    title="GPU memory in use",
)
MEMORY_TOTAL = Gauge(
    "nvidia_gpu_memory_total_bytes",
    "Memory of the GPU.",
    Unit.BYTES,
    GPU_LABELS,
    topic="memory_size",
    of="gpu",
    title="GPU memory",
)
UTILIZATION = Gauge(
    "nvidia_gpu_utilization_ratio",
    "Fraction of time in which a kernel was running, 0 to 1.",
    Unit.RATIO,
    GPU_LABELS,
    topic="load",
    of="gpu",
    title="GPU use",
)
MEMORY_UTILIZATION = Gauge(
    "nvidia_gpu_memory_utilization_ratio",
    "Fraction of time in which memory was being read or written, 0 to 1.",
    Unit.RATIO,
    GPU_LABELS,
    topic="memory_load",
    of="gpu",
    title="Use of the GPU's memory bandwidth",
)
ENCODER_UTILIZATION = Gauge(
    "nvidia_gpu_encoder_utilization_ratio",
    "Use of the video encoder, 0 to 1.",
    Unit.RATIO,
    GPU_LABELS,
    topic="encoder_load",
    of="gpu",
    title="Use of the GPU's video encoder",
)
DECODER_UTILIZATION = Gauge(
    "nvidia_gpu_decoder_utilization_ratio",
    "Use of the video decoder, 0 to 1.",
    Unit.RATIO,
    GPU_LABELS,
    topic="decoder_load",
    of="gpu",
    title="Use of the GPU's video decoder",
)
FAN_SPEED = Gauge(
    "nvidia_gpu_fan_speed_ratio",
    "Fan speed requested by the board, as a fraction of the maximum; may exceed 1.",
    Unit.RATIO,
    GPU_LABELS,
    topic="fan_speed",
    of="gpu",
    title="GPU fan speed",
)
CLOCK = Gauge(
    "nvidia_gpu_clock_hertz",
    "Clock frequency by `clock`: graphics, sm, memory, video.",
    Unit.HERTZ,
    (*GPU_LABELS, "clock"),
    topic="frequency",
    of="gpu",
    title="GPU clock frequency",
)
THROTTLED = Gauge(
    "nvidia_gpu_throttled",
    "1 while this reason limits the clocks; several may apply, gpu_idle is harmless.",
    labels=(*GPU_LABELS, "reason"),
    topic="throttling",
    of="gpu",
    title="GPU throttling",
)
ECC_ERRORS = Counter(
    "nvidia_gpu_ecc_errors_total",
    "Memory errors since the driver was loaded, by `kind`: corrected, uncorrected.",
    labels=(*GPU_LABELS, "kind"),
    topic="errors",
    of="gpu",
    title="GPU memory errors",
)
PCIE_THROUGHPUT = Gauge(
    "nvidia_gpu_pcie_throughput_bytes_per_second",
    "PCIe traffic over the last 20 ms, by `direction` as the GPU sees it: receive, transmit.",
    labels=(*GPU_LABELS, "direction"),
    topic="pcie_throughput",
    of="gpu",
    title="PCIe traffic of a GPU",
)
MIG_ENABLED = Gauge(
    "nvidia_gpu_mig_enabled",
    "1 if the GPU is split into slices (MIG), 0 if it could be.",
    labels=GPU_LABELS,
    of="gpu",
)
MIG_MEMORY_USED = Gauge(
    "nvidia_mig_memory_used_bytes",
    "Memory in use of one slice.",
    Unit.BYTES,
    (*GPU_LABELS, "mig", "profile"),
    topic="slice_memory_used",
    of="gpu",
    title="Memory in use of a GPU slice",
)
MIG_MEMORY_TOTAL = Gauge(
    "nvidia_mig_memory_total_bytes",
    "Memory of one slice. Power is that of the whole GPU and belongs to no slice.",
    Unit.BYTES,
    (*GPU_LABELS, "mig", "profile"),
    topic="slice_memory_size",
    of="gpu",
    title="Memory of a GPU slice",
)
PROCESS_MEMORY = Gauge(
    "nvidia_process_memory_bytes",
    "Memory of the GPU that a process uses; only with `processes: true`.",
    Unit.BYTES,
    (*GPU_LABELS, "pid", "process"),
    topic="process_memory",
    of="gpu",
    title="GPU memory of a process",
)
GPU_INFO = Info(
    "nvidia_gpu_info",
    "Model of the GPU and version of its driver.",
    (*GPU_LABELS, "name", "driver"),
    of="gpu",
    title="GPU",
)

GPU_ASLEEP = Gauge(
    "nvidia_gpu_asleep",
    "1 while the kernel has suspended the GPU, so that it is not read; by address on the PCI bus.",
    labels=("host", "pci"),
    of="gpu",
)

HOST_UP = Gauge(
    "nvidia_host_up",
    "1 if the host's GPUs could be read.",
    labels=("host", "source"),
    topic="availability",
    of="gpu_host",
    title="Host with GPUs",
)
HOST_UNAVAILABLE = Info(
    "nvidia_host_unavailable_info", "Why a host's GPUs could not be read.", ("host", "source", "reason"), of="gpu_host"
)
HOST_GPUS = Gauge(
    "nvidia_host_gpus",
    "GPUs of the host that answered or sleep.",
    labels=("host",),
    topic="gpus",
    of="gpu_host",
    title="GPUs of a host",
)
HOST_CONNECTIONS = Counter(
    "nvidia_host_connections_total", "ssh connections that were opened to the host.", labels=("host",), of="gpu_host"
)
HOST_ANSWER_AGE = Gauge(
    "nvidia_host_answer_age_seconds",
    "Time since the values that are shown were read.",
    Unit.SECONDS,
    labels=("host",),
    of="gpu_host",
    title="Age of a GPU host's values",
)
HOSTS = Gauge(
    "nvidia_hosts",
    "Hosts whose GPUs should be read.",
    of="gpu_cluster",
    title="Hosts with GPUs",
)
HOSTS_REPORTING = Gauge(
    "nvidia_hosts_reporting",
    "Hosts whose GPUs could be read.",
    topic="hosts",
    of="gpu_cluster",
    title="Hosts whose GPUs can be read",
)
CLUSTER_POWER = Gauge(
    "nvidia_cluster_power_watts",
    "Sum of the power of all GPUs, here and on other hosts; absent while a host is missing.",
    Unit.WATTS,
    topic="power",
    of="gpu_cluster",
    title="Power of all GPUs",
)

GPU_METRICS = (
    POWER,
    POWER_LIMIT,
    POWER_LIMIT_USAGE,
    ENERGY,
    ENERGY_METHOD,
    ENERGY_INTEGRAL,
    ENERGY_DISAGREEMENT,
    ENERGY_GAPS,
    TEMPERATURE,
    MEMORY_TEMPERATURE,
    MEMORY_USED,
    MEMORY_TOTAL,
    UTILIZATION,
    MEMORY_UTILIZATION,
    ENCODER_UTILIZATION,
    DECODER_UTILIZATION,
    FAN_SPEED,
    CLOCK,
    THROTTLED,
    ECC_ERRORS,
    PCIE_THROUGHPUT,
    MIG_ENABLED,
    MIG_MEMORY_USED,
    MIG_MEMORY_TOTAL,
    PROCESS_MEMORY,
    GPU_INFO,
)
HOST_METRICS = (
    GPU_ASLEEP,
    HOST_UP,
    HOST_UNAVAILABLE,
    HOST_GPUS,
    HOST_CONNECTIONS,
    HOST_ANSWER_AGE,
    HOSTS,
    HOSTS_REPORTING,
    CLUSTER_POWER,
)
