"""Options of the anomaly plugin, and what is watched where nothing else is said."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from collector_core import CollectorConfig, ConfigPath, Duration, Field, Selector
from collector_plugins.anomaly.detector import FLEET_LEVEL

# Loads, powers, temperatures and rates that have a usual level. Sizes that drift for ever (space on disks, energy) and
# facts that never change have none.
DEFAULT_SERIES = (
    "system_cpu_usage_ratio",
    'system_load_average{period="5m"}',
    "system_memory_used_bytes",
    "system_swap_used_bytes",
    "system_temperature_celsius",
    "system_disk_*_bytes_total",
    "system_network_*_bytes_total",
    "system_network_*_errors_total",
    "system_network_*_drops_total",
    "energy_power_watts",
    "rapl_energy_joules_total",
    "nvidia_gpu_power_watts",
    "nvidia_gpu_temperature_celsius",
    "nvidia_gpu_utilization_ratio",
    "nvidia_gpu_memory_used_bytes",
    "qemu_vm_power_watts",
    "qemu_vm_cpu_usage_cores",
    "solix_*_power_watts",
    "blockchain_transactions_per_second",
    "blockchain_transaction_validation_seconds",
    "blockchain_blocks_per_minute",
    "blockchain_mempool_transactions",
    "blockchain_peers",
    "blockchain_time_to_finality_seconds",
    "inference_requests_per_second",
    "inference_tokens_per_second",
    "inference_latency_p95_seconds",
    "inference_requests_waiting",
    "inference_accelerator_utilization_ratio",
    "quantum_random_throughput_bytes_per_second",
    "performance_network_latency_seconds",
    "performance_network_loss_ratio",
)
DEFAULT_HISTORY = (
    "system_cpu_usage_ratio",
    "system_memory_used_bytes",
    "energy_power_watts",
    "nvidia_gpu_power_watts",
    "inference_requests_per_second",
    "blockchain_transactions_per_second",
)


def _selectors(given: tuple[str, ...]) -> tuple[str, ...]:
    for text in given:
        Selector.parse(text)
    return given


Patterns = Annotated[tuple[str, ...], AfterValidator(_selectors)]


class Config(CollectorConfig):
    """Options of the anomaly plugin."""

    series: Patterns = Field(
        DEFAULT_SERIES,
        description='What is watched: names with `*`, and labels as in PromQL, such as `system_cpu_*{cpu=~"0|1"}`.',
    )
    exclude: Patterns = Field((), description="What is not watched though `series` names it; written in the same way.")
    row: Duration = Field(
        60.0,
        ge=0.1,
        le=3600,
        description="Seconds, or 1m: readings are averaged over so long before they are judged.",
    )
    level: float = Field(
        FLEET_LEVEL,
        gt=0,
        le=100,
        description="How odd a row must be: 4.2 for many series, at most about one false alarm a month of each; "
        "0.8 where few are watched and nothing may be missed.",
    )
    warm_up_days: float = Field(
        2.0,
        ge=0,
        le=14,
        allow_inf_nan=False,
        description="For so long, and at least 150 rows, a new series is learnt and not judged.",
    )
    max_watched: int = Field(2000, ge=1, le=20_000, description="More series than this are counted, not watched.")
    max_records: int = Field(500, ge=1, le=10_000, description="Anomalies kept for `/api/v1/anomalies`.")
    save_every: Duration = Field(
        1800.0, ge=60, le=86_400, description="Seconds, or 30m: how often what was learnt is saved."
    )
    state_dir: ConfigPath | None = Field(
        None, description="Folder of what was learnt; by default ~/.local/state/energy-collector/anomaly/NAME."
    )
    history_series: Patterns = Field(
        DEFAULT_HISTORY, description="Series whose rows are kept in files to train a model on; at most 20 of them."
    )
    history_days: int = Field(14, ge=0, le=365, description="Days for which these rows are kept; 0: no history.")
    model_file: ConfigPath | None = Field(
        None,
        description="Model that predicts (ONNX); by default what `energy-collector anomaly train` left in `state_dir`.",
    )

    def folder(self, home: Path, name: str) -> Path:
        """Where the instance `name` keeps what it learnt, below the user's folder `home` if nothing else is said."""
        return self.state_dir or home / "anomaly" / name
