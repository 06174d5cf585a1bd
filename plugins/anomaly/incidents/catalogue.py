"""What is known of components beyond what the declarations of metrics say: established names, and what to look at."""

from __future__ import annotations

from collections.abc import Mapping

from collector_core import Series

# Components of bundled plugins were named before declarations said what a metric is of, and people filter anomalies and
# write alerts by these names: by plugin, and by plugin and topic.
ESTABLISHED_COMPONENTS: Mapping[str, str] = {
    "energy": "power",
    "estimate": "power",
    "inference": "inference",
    "quantum": "quantum",
    "rapl": "power",
    "solix": "battery",
}
ESTABLISHED_COMPONENTS_OF_TOPICS: Mapping[tuple[str, str], str] = {("system", "temperature"): "temperature"}

ACTIONS: Mapping[str, tuple[str, ...]] = {
    "cpu": (
        "Find the processes that use the CPU: top, or ps aux --sort=-%cpu | head",
        "Compare with jobs and cron entries that started at that time",
    ),
    "memory": (
        "Find the processes that use the memory: ps aux --sort=-rss | head",
        "Look for the kernel's out-of-memory killer: journalctl -k | grep -i oom",
    ),
    "disk": ("Find the processes that read and write: iotop -o", "Check the health of the disks: smartctl -a DEVICE"),
    "network": (
        "Find out who sends and receives: ss -tnp, or iftop",
        "Check cable, switch port and errors: ip -s link",
    ),
    "temperature": ("Check fans, dust and air flow", "Compare with the load and the temperature of the room"),
    "power": (
        "Find the component that draws it: sum by (component) (energy_power_watts)",
        "Compare with CPU and GPU use at that time",
    ),
    "gpu": (
        "See what runs on the GPU: nvidia-smi",
        "Check throttling and fans: nvidia-smi -q -d PERFORMANCE,TEMPERATURE",
    ),
    "vm": ("Find out which guest it is and what runs in it", "Check whether guests were moved or restarted"),
    "battery": ("Check the device in its app", "Compare with sunshine and loads at that time"),
    "node": ("Read the log of the node", "Check peers, disk space and whether the node is in sync"),
    "inference": ("Read the log of the model server", "Check queue length, batch size and GPU use"),
    "quantum": ("Check the random source and the CPU load at that time",),
}
ACTIONS_FOR_ANY = ("Look at this series and its neighbours at that time",)
ACTIONS_BY_TYPE: Mapping[str, tuple[str, ...]] = {
    "drift": ("Look for what grows or wears a little every day: a leak, a log, dust, a fan, a battery",),
    "stuck": ("Check that the sensor or its source still measures: energy-collector doctor",),
    "zero": ("Check that the source measures and the device is on: energy-collector doctor",),
    "missing": ("Check that the device or service is there: energy-collector doctor",),
}


def component_of(series: Series, plugin: str) -> str:
    """What the series is of, as its metric declares it; the name of the plugin where it declares nothing."""
    established = ESTABLISHED_COMPONENTS_OF_TOPICS.get((plugin, series.topic)) or ESTABLISHED_COMPONENTS.get(plugin)
    return established or series.of or plugin


def actions_for(component: str, anomaly_type: str) -> tuple[str, ...]:
    """What to look at first."""
    return ACTIONS_BY_TYPE.get(anomaly_type, ()) + ACTIONS.get(component, ACTIONS_FOR_ANY)
