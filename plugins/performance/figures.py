"""Which series make up a snapshot of the node: one row per figure, the sections in the order in which people read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

Combine = Literal["sum", "mean", "max"]


class Figure(NamedTuple):
    """One figure of a section.

    Series that `selector` finds are combined to one number, or to one for each value of the labels in `by`. With `rate`
    they are counters, of which the increase per second counts.
    """

    name: str
    selector: str
    combine: Combine = "sum"
    by: tuple[str, ...] = ()
    rate: bool = False


_GPU = ("host", "gpu")

SECTIONS: Mapping[str, tuple[Figure, ...]] = {
    "energy": (
        Figure("power_watts", "energy_power_watts"),
        Figure("estimated_power_watts", 'energy_power_watts{method="model"}'),
        Figure("component_power_watts", "energy_power_watts", by=("component", "method")),
    ),
    "cpu": (
        Figure("usage_ratio", "system_cpu_usage_ratio", "mean"),
        Figure("core_usage_ratio", "system_cpu_core_usage_ratio", "mean", ("cpu",)),
        Figure("frequency_hertz", "system_cpu_frequency_hertz", "mean"),
        Figure("load_average", "system_load_average", "mean", ("period",)),
        Figure("temperature_celsius", "system_temperature_celsius", "max", ("chip",)),
        Figure("power_watts", 'energy_power_watts{component="cpu"}'),
    ),
    "gpu": (
        Figure("utilization_ratio", "nvidia_gpu_utilization_ratio", "mean", _GPU),
        Figure("power_watts", "nvidia_gpu_power_watts", "sum", _GPU),
        Figure("temperature_celsius", "nvidia_gpu_temperature_celsius", "max", _GPU),
        Figure("memory_used_bytes", "nvidia_gpu_memory_used_bytes", "sum", _GPU),
        Figure("memory_total_bytes", "nvidia_gpu_memory_total_bytes", "sum", _GPU),
    ),
    "memory": (
        Figure("total_bytes", "system_memory_total_bytes"),
        Figure("used_bytes", "system_memory_used_bytes"),
        Figure("available_bytes", "system_memory_available_bytes"),
        Figure("swap_used_bytes", "system_swap_used_bytes"),
    ),
    "network": (
        Figure("receive_bytes_per_second", "system_network_receive_bytes_total", rate=True),
        Figure("transmit_bytes_per_second", "system_network_transmit_bytes_total", rate=True),
        Figure("errors_per_second", "system_network_*_errors_total", rate=True),
        Figure("drops_per_second", "system_network_*_drops_total", rate=True),
    ),
    "disk": (
        Figure("read_bytes_per_second", "system_disk_read_bytes_total", rate=True),
        Figure("written_bytes_per_second", "system_disk_written_bytes_total", rate=True),
        Figure("size_bytes", "system_filesystem_size_bytes", "max", ("mountpoint",)),
        Figure("available_bytes", "system_filesystem_available_bytes", "max", ("mountpoint",)),
    ),
    "inference": (
        Figure("latency_mean_seconds", "inference_latency_mean_seconds", "mean", ("model",)),
        Figure("latency_p95_seconds", "inference_latency_p95_seconds", "max", ("model",)),
        Figure("latency_p99_seconds", "inference_latency_p99_seconds", "max", ("model",)),
        Figure("requests_per_second", "inference_requests_per_second", "sum", ("model",)),
        Figure("tokens_per_second", "inference_tokens_per_second", "sum", ("model",)),
        Figure("accelerator_utilization_ratio", "inference_accelerator_utilization_ratio", "mean", ("model",)),
        Figure("energy_per_request_joules", "inference_energy_per_request_joules", "mean", ("model",)),
    ),
    "node": (
        Figure("transactions_per_second", "blockchain_transactions_per_second", "sum", ("node",)),
        Figure("block_height", "blockchain_block_height", "max", ("node",)),
        Figure("blocks_per_minute", "blockchain_blocks_per_minute", "max", ("node",)),
        Figure("mempool_transactions", "blockchain_mempool_transactions", "max", ("node",)),
        Figure("peers", "blockchain_peers", "max", ("node",)),
        Figure("syncing", "blockchain_syncing", "max", ("node",)),
        Figure("time_to_finality_seconds", "blockchain_time_to_finality_seconds", "max", ("node",)),
        Figure("energy_per_transaction_joules", "blockchain_energy_per_transaction_joules", "mean", ("node",)),
    ),
    "quantum": (
        Figure("random_bytes_per_second", "quantum_random_throughput_bytes_per_second", "sum", ("source",)),
        Figure("overhead_ratio", "quantum_overhead_ratio", "max", ("operation", "algorithm")),
        Figure("merkle_operations_per_second", "quantum_merkle_operations_per_second", "sum", ("hash",)),
        Figure("security_bits", "quantum_security_level", "max", ("algorithm", "kind")),
    ),
    "predictions": (Figure("expected_value", "anomaly_predicted_value", "mean", ("series",)),),
}
