"""What GPUs of all makes publish that are read from the kernel: the same families, told apart by `driver`."""

from __future__ import annotations

from collector_core.model.metrics import Counter, Gauge, Info
from collector_core.model.units import Unit

GPU = "gpu"
LABELS = (GPU, "driver")


def _gauge(quantity: str, help: str, unit: Unit, topic: str, title: str) -> Gauge:
    return Gauge(f"{GPU}_{quantity}", help, unit, LABELS, topic=topic, of=GPU, title=title, given_name=True)


POWER = _gauge(
    "power_watts",
    "Power of the GPU: of the whole card, or of the chip that it shares with the processor (an APU).",
    Unit.WATTS,
    "power",
    "GPU power",
)
ENERGY = Counter(
    f"{GPU}_energy_joules_total",
    "Energy of the GPU: as it counts it, else the area under its power since the collector started.",
    Unit.JOULES,
    LABELS,
    topic="energy",
    of=GPU,
    title="GPU energy",
    given_name=True,
)
UTILIZATION = _gauge(
    "utilization_ratio", "Part of the time in which the GPU was busy, 0 to 1.", Unit.RATIO, "load", "GPU use"
)
TEMPERATURE = _gauge("temperature_celsius", "Temperature of the GPU.", Unit.CELSIUS, "temperature", "GPU temperature")
MEMORY_USED = _gauge(
    "memory_used_bytes", "Memory of the GPU that is in use.", Unit.BYTES, "memory_used", "GPU memory in use"
)
MEMORY_TOTAL = _gauge("memory_total_bytes", "Memory of the GPU.", Unit.BYTES, "memory_size", "GPU memory")
ASLEEP = _gauge(
    "asleep",
    "1 while the kernel has suspended the GPU, so that it is not read.",
    Unit.NONE,
    "asleep",
    "Whether a GPU is asleep",
)
INFO = Info(
    f"{GPU}_info",
    "Model of the GPU: its name, else vendor and device on the PCI bus.",
    (*LABELS, "name"),
    given_name=True,
)

ALL = (POWER, ENERGY, UTILIZATION, TEMPERATURE, MEMORY_USED, MEMORY_TOTAL, ASLEEP, INFO)
