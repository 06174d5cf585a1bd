"""What a series is about: its component, how people call it, and what may be done when it is odd."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import NamedTuple

MAX_LABELS_SHOWN = 4


class Topic(NamedTuple):
    """A kind of metric: `pattern` of its name, `component`, and `words` for the start of a sentence."""

    pattern: str
    component: str
    words: str


# The first that fits.
TOPICS = (
    Topic("system_cpu_usage_ratio", "cpu", "CPU use of this machine"),
    Topic("system_cpu_core_usage_ratio", "cpu", "Use of a CPU core"),
    Topic("system_load_average", "cpu", "Load average of this machine"),
    Topic("system_cpu_*", "cpu", ""),
    Topic("system_memory_used_bytes", "memory", "Memory in use on this machine"),
    Topic("system_memory_available_bytes", "memory", "Available memory of this machine"),
    Topic("system_swap_used_bytes", "memory", "Swap in use on this machine"),
    Topic("system_memory_*", "memory", ""),
    Topic("system_swap_*", "memory", ""),
    Topic("system_disk_read_bytes_total", "disk", "Reading from disk"),
    Topic("system_disk_written_bytes_total", "disk", "Writing to disk"),
    Topic("system_disk_*", "disk", ""),
    Topic("system_filesystem_*", "disk", ""),
    Topic("system_network_receive_bytes_total", "network", "Network traffic received"),
    Topic("system_network_transmit_bytes_total", "network", "Network traffic sent"),
    Topic("system_network_*", "network", ""),
    Topic("system_sockets", "network", "Open sockets"),
    Topic("performance_network_latency_seconds", "network", "Network latency"),
    Topic("performance_network_loss_ratio", "network", "Network packet loss"),
    Topic("system_temperature_celsius", "temperature", "Temperature"),
    Topic("energy_power_watts", "power", "Power"),
    Topic("energy_*", "power", ""),
    Topic("rapl_energy_joules_total", "power", "Power of a processor zone"),
    Topic("rapl_*", "power", ""),
    Topic("estimate_*", "power", ""),
    Topic("nvidia_gpu_power_watts", "gpu", "GPU power"),
    Topic("nvidia_gpu_temperature_celsius", "gpu", "GPU temperature"),
    Topic("nvidia_gpu_utilization_ratio", "gpu", "GPU use"),
    Topic("nvidia_gpu_memory_used_bytes", "gpu", "GPU memory in use"),
    Topic("nvidia_*", "gpu", ""),
    Topic("qemu_vm_power_watts", "vm", "Power of a virtual machine"),
    Topic("qemu_vm_cpu_usage_cores", "vm", "CPU cores used by a virtual machine"),
    Topic("qemu_*", "vm", ""),
    Topic("solix_*", "battery", ""),
    Topic("blockchain_transactions_per_second", "node", "Transactions per second of the node"),
    Topic("blockchain_mempool_transactions", "node", "Pending transactions of the node"),
    Topic("blockchain_peers", "node", "Peers of the node"),
    Topic("blockchain_*", "node", ""),
    Topic("inference_latency_p95_seconds", "inference", "95th percentile of the inference latency"),
    Topic("inference_requests_per_second", "inference", "Inference requests per second"),
    Topic("inference_*", "inference", ""),
    Topic("quantum_*", "quantum", ""),
)

ACTIONS: Mapping[str, tuple[str, ...]] = {
    "cpu": (
        "See which processes use the CPU: top, or ps aux --sort=-%cpu | head",
        "Compare with jobs and cron tables that began at that time",
    ),
    "memory": (
        "See which processes use the memory: ps aux --sort=-rss | head",
        "Look for the kernel's out-of-memory killer: journalctl -k | grep -i oom",
    ),
    "disk": ("See which processes read and write: iotop -o", "Check the disks' health: smartctl -a DEVICE"),
    "network": (
        "See who sends and receives: ss -tnp, or iftop",
        "Check cable, switch port and errors: ip -s link",
    ),
    "temperature": ("Check fans, dust and air flow", "Compare with the load and the temperature of the room"),
    "power": (
        "See which component draws it: sum by (component) (energy_power_watts)",
        "Compare with CPU and GPU use of the same time",
    ),
    "gpu": (
        "See what runs on the GPU: nvidia-smi",
        "Check throttling and fans: nvidia-smi -q -d PERFORMANCE,TEMPERATURE",
    ),
    "vm": ("See which guest it is and what runs within it", "Check that guests did not move or restart"),
    "battery": ("Check the device in its app", "Compare with sun and loads of that time"),
    "node": ("Read the node's log", "Check peers, disk space and whether the node is in sync"),
    "inference": ("Read the model server's log", "Check queue length, batch size and GPU use"),
    "quantum": ("Check the random source and the CPU's load at that time",),
}
ACTIONS_FOR_ANY = ("Look at the series and its neighbours at that time",)
ACTIONS_BY_TYPE: Mapping[str, tuple[str, ...]] = {
    "stuck": ("Check that the sensor or its source still measures: energy-collector doctor",),
    "zero": ("Check that the source measures and the device is on: energy-collector doctor",),
    "missing": ("Check that the device or service is there: energy-collector doctor",),
}


def topic_of(name: str, plugin: str) -> Topic:
    """What the metric `name` of `plugin` is about; a metric that nobody knows belongs to its plugin."""
    for topic in TOPICS:
        if fnmatchcase(name, topic.pattern):
            return topic
    return Topic(name, plugin, "")


def title(name: str, words: str, labels: Mapping[str, str]) -> str:
    """The series as the start of a sentence: `Network traffic received (device=eth0)`."""
    shown = [f"{label}={value}" for label, value in labels.items() if value][:MAX_LABELS_SHOWN]
    return (words or name) + (f" ({', '.join(shown)})" if shown else "")


def actions_for(component: str, kind: str) -> tuple[str, ...]:
    """What to look at first."""
    return ACTIONS_BY_TYPE.get(kind, ()) + ACTIONS.get(component, ACTIONS_FOR_ANY)
