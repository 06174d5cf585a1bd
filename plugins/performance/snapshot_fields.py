"""Which figures a snapshot of the node has: one row per figure, the sections in the order in which people read."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

Combine = Literal["sum", "mean", "max"]


class Figure(NamedTuple):
    """One figure of a section: what is published about `topic` of `of`, whichever plugin publishes it.

    Series with the labels in `only` are combined to one number, or to one for each value of the labels in `by`.
    Of counters the increase per second counts.
    """

    name: str
    topic: str
    of: str
    combine: Combine = "sum"
    by: tuple[str, ...] = ()
    only: Mapping[str, str] = MappingProxyType({})


_GPU = ("host", "gpu")
_MODEL = ("model",)
_NODE = ("node",)

SECTIONS: Mapping[str, tuple[Figure, ...]] = {
    "energy": (
        Figure("power_watts", "power", "host"),
        Figure("estimated_power_watts", "power", "host", only={"method": "model"}),
        Figure("component_power_watts", "power", "host", by=("component", "method")),
    ),
    "cpu": (
        Figure("usage_ratio", "load", "cpu", "mean"),
        Figure("core_usage_ratio", "core_load", "cpu", "mean", ("cpu",)),
        Figure("frequency_hertz", "frequency", "cpu", "mean"),
        Figure("load_average", "load_average", "cpu", "mean", ("period",)),
        Figure("temperature_celsius", "temperature", "host", "max", ("chip",)),
        Figure("power_watts", "power", "host", only={"component": "cpu"}),
    ),
    "gpu": (
        Figure("utilization_ratio", "load", "gpu", "mean", _GPU),
        Figure("power_watts", "power", "gpu", "sum", _GPU),
        Figure("temperature_celsius", "temperature", "gpu", "max", _GPU),
        Figure("memory_used_bytes", "memory_used", "gpu", "sum", _GPU),
        Figure("memory_total_bytes", "memory_size", "gpu", "sum", _GPU),
    ),
    "memory": (
        Figure("total_bytes", "size", "memory"),
        Figure("used_bytes", "used", "memory"),
        Figure("available_bytes", "available", "memory"),
        Figure("swap_used_bytes", "swap_used", "memory"),
    ),
    "network": (
        Figure("receive_bytes_per_second", "received", "network"),
        Figure("transmit_bytes_per_second", "sent", "network"),
        Figure("errors_per_second", "errors", "network"),
        Figure("drops_per_second", "drops", "network"),
        Figure("latency_seconds", "latency", "network", "mean", ("target",)),
        Figure("loss_ratio", "packet_loss", "network", "mean", ("target",)),
    ),
    "disk": (
        Figure("read_bytes_per_second", "read", "disk"),
        Figure("written_bytes_per_second", "written", "disk"),
        Figure("size_bytes", "size", "disk", "max", ("mountpoint",)),
        Figure("available_bytes", "available", "disk", "max", ("mountpoint",)),
    ),
    "inference": (
        Figure("latency_mean_seconds", "latency", "model_server", "mean", _MODEL),
        Figure("latency_p95_seconds", "latency_p95", "model_server", "max", _MODEL),
        Figure("latency_p99_seconds", "latency_p99", "model_server", "max", _MODEL),
        Figure("requests_per_second", "throughput", "model_server", "sum", _MODEL),
        Figure("tokens_per_second", "token_rate", "model_server", "sum", _MODEL),
        Figure("accelerator_utilization_ratio", "load", "model_server", "mean", _MODEL),
        Figure("energy_per_request_joules", "energy_per_request", "model_server", "mean", _MODEL),
    ),
    "node": (
        Figure("transactions_per_second", "throughput", "node", "sum", _NODE),
        Figure("block_height", "block_height", "node", "max", _NODE),
        Figure("blocks_per_minute", "block_rate", "node", "max", _NODE),
        Figure("mempool_transactions", "queue", "node", "max", _NODE),
        Figure("peers", "peers", "node", "max", _NODE),
        Figure("syncing", "syncing", "node", "max", _NODE),
        Figure("time_to_finality_seconds", "finality_time", "node", "max", _NODE),
        Figure("energy_per_transaction_joules", "energy_per_transaction", "node", "mean", _NODE),
    ),
    "quantum": (
        Figure("random_bytes_per_second", "throughput", "random_source", "sum", ("source",)),
        Figure("overhead_ratio", "overhead", "cryptography", "max", ("operation", "algorithm")),
        Figure("merkle_operations_per_second", "hash_rate", "cryptography", "sum", ("hash",)),
        Figure("security_bits", "security_strength", "cryptography", "max", ("algorithm", "kind")),
    ),
    "predictions": (Figure("expected_value", "expected_value", "series", "mean", ("series",)),),
}

# What is displayed above; anything else that is published is added with the unit in its
# name: to the section about the same thing, or to one of its own.
DISPLAYED = frozenset((figure.topic, figure.of) for figures in SECTIONS.values() for figure in figures)
SECTION_OF: Mapping[str, str] = {
    **{section: section for section in SECTIONS},
    "model_server": "inference",
    "random_source": "quantum",
    "cryptography": "quantum",
    "series": "predictions",
}
