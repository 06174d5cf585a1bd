"""GPUs: one row per node for power, temperature and utilisation, and one for the power of all nodes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from collector_core import OutputSample
from collector_plugins.timeline.rows import Row, label, percent

POWER = "nvidia_gpu_power_watts"
POWER_LIMIT = "nvidia_gpu_power_limit_watts"
TEMPERATURE = "nvidia_gpu_temperature_celsius"
MEMORY_USED = "nvidia_gpu_memory_used_bytes"
MEMORY_TOTAL = "nvidia_gpu_memory_total_bytes"
UTILIZATION = "nvidia_gpu_utilization_ratio"
FAN_SPEED = "nvidia_gpu_fan_speed_ratio"
INFO = "nvidia_gpu_info"

SERIES = (POWER, POWER_LIMIT, TEMPERATURE, MEMORY_USED, MEMORY_TOTAL, UTILIZATION, FAN_SPEED, INFO)
MEBIBYTE = 1 << 20
CARRIED_INTERVALS = 3
CARRIED_SECONDS = 300.0  # at least, for collectors that run more rarely than rows are written


@dataclass
class _Gpu:
    values: dict[str, float] = field(default_factory=dict)
    model: str = ""


@dataclass
class Node:
    """The GPUs of one host, as of one run."""

    name: str
    time: float
    gpus: dict[str, _Gpu] = field(default_factory=dict)

    def known(self, metric: str) -> list[float]:
        """The values of all GPUs that tell this one."""
        return [gpu.values[metric] for gpu in self.gpus.values() if metric in gpu.values]

    def total(self, metric: str) -> float | None:
        """The sum of the values, None if there is none."""
        known = self.known(metric)
        return sum(known) if known else None


class GpuRows:
    """Makes the rows of GPUs; remembers each collector's last run, since some run more rarely than rows come.

    `interval` is the time between rows, in seconds.
    """

    def __init__(self, interval: float) -> None:
        self._carried = max(CARRIED_INTERVALS * interval, CARRIED_SECONDS)
        self._runs: dict[str, list[OutputSample]] = {}

    def rows(self, samples: Sequence[OutputSample]) -> Iterator[Row]:
        """The rows of all nodes among the samples, and of the cluster."""
        gpus = [sample for sample in samples if sample.series.name in SERIES]
        if gpus:
            for node in _nodes(gpus):
                yield from _node_rows(node)
            self._remember(gpus)
            yield from _cluster_row(_nodes([sample for run in self._runs.values() for sample in run]))

    def _remember(self, samples: Sequence[OutputSample]) -> None:
        by_collector: dict[str, list[OutputSample]] = {}
        for sample in samples:
            by_collector.setdefault(sample.series.source, []).append(sample)
        for collector, found in by_collector.items():
            newest = max(sample.time for sample in found)
            self._runs[collector] = [sample for sample in found if sample.time == newest]
        oldest = max(run[0].time for run in self._runs.values()) - self._carried
        self._runs = {collector: run for collector, run in self._runs.items() if run[0].time >= oldest}


def _nodes(samples: Sequence[OutputSample]) -> list[Node]:
    """The nodes, each as its last run saw it; a GPU that two collectors see counts once."""
    newest: dict[tuple[str, str], float] = {}
    for sample in samples:
        place = sample.series.source, label(sample, "host")
        newest[place] = max(newest.get(place, sample.time), sample.time)
    nodes: dict[str, Node] = {}
    for sample in samples:
        host = label(sample, "host")
        if sample.time == newest[sample.series.source, host]:
            node = nodes.setdefault(host, Node(host, sample.time))
            node.time = max(node.time, sample.time)
            gpu = node.gpus.setdefault(label(sample, "uuid") or label(sample, "gpu"), _Gpu())
            if sample.series.name == INFO:
                gpu.model = label(sample, "name")
            else:
                gpu.values[sample.series.name] = sample.value
    return list(nodes.values())


def _node_rows(node: Node) -> Iterator[Row]:
    temperatures, loads = node.known(TEMPERATURE), node.known(UTILIZATION)
    values = {
        "gpu_power_draw": node.total(POWER),
        "gpu_temperature": max(temperatures, default=None),
        "gpu_utilization": percent(fmean(loads)) if loads else None,
    }
    metadata = _metadata(node, values)
    for event, value in values.items():
        if value is not None:
            yield Row(event, f"gpu_{node.name}", value, node.time, metadata)


def _metadata(node: Node, values: dict[str, float | None]) -> dict[str, Any]:
    """What readers of the rows know; a key whose value nobody tells is null."""
    return {
        "node": node.name,
        "gpus": len(node.gpus),
        "gpu_model": ", ".join(sorted({gpu.model for gpu in node.gpus.values() if gpu.model})) or None,
        "power_draw_w": values["gpu_power_draw"],
        "power_limit_w": node.total(POWER_LIMIT),
        "power_efficiency_pct": _share_of_limit(node),
        "temperature_c": values["gpu_temperature"],
        "memory_used_mb": _mebibytes(node.total(MEMORY_USED)),
        "memory_total_mb": _mebibytes(node.total(MEMORY_TOTAL)),
        "gpu_utilization_pct": values["gpu_utilization"],
        "fan_speed_pct": percent(max(node.known(FAN_SPEED), default=None)),
    }


def _share_of_limit(node: Node) -> float | None:
    """Power of the limit, of those GPUs that tell both."""
    both = [gpu.values for gpu in node.gpus.values() if gpu.values.get(POWER_LIMIT) and POWER in gpu.values]
    return percent(sum(gpu[POWER] for gpu in both) / sum(gpu[POWER_LIMIT] for gpu in both), 1) if both else None


def _cluster_row(nodes: Sequence[Node]) -> Iterator[Row]:
    watts = [total for node in nodes if (total := node.total(POWER)) is not None]
    if watts:
        metadata = {"nodes_reporting": len(watts), "total_watts": sum(watts)}
        yield Row("cluster_gpu_power_total", "gpu_cluster", sum(watts), max(node.time for node in nodes), metadata)


def _mebibytes(size: float | None) -> int | None:
    """As nvidia-smi counts megabytes."""
    return None if size is None else round(size / MEBIBYTE)
