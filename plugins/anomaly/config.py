"""Options of the anomaly plugin, and what is watched by default."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from collector_core import (
    CalendarDay,
    CollectorConfig,
    ConfigPath,
    Duration,
    Field,
    Selector,
    SelectorText,
    TimeZoneName,
)
from collector_plugins.anomaly.detector import CHOSEN, FLEET, Settings

DAY = 86_400.0
STRICT_LEVEL = 1.2  # from which on it decides as for many series

# Loads, powers, temperatures and rates that have a usual level, whoever publishes them; then more of this kind, by name
# where the topic is too wide. Sizes that drift for ever (disk space, energy) and facts that never change have none.
DEFAULT_SERIES = (
    '{__topic__=~"power|temperature|load|throughput"}',
    '{__topic__=~"read|written|received|sent|drops|packet_loss"}',
    'system_load_average{period="5m"}',
    "system_memory_used_bytes",
    "system_swap_used_bytes",
    "system_network_*_errors_total",
    "rapl_energy_joules_total",
    "nvidia_gpu_memory_used_bytes",
    "qemu_vm_cpu_usage_cores",
    "solix_*_power_watts",
    "blockchain_transaction_validation_seconds",
    "blockchain_blocks_per_minute",
    "blockchain_mempool_transactions",
    "blockchain_peers",
    "blockchain_time_to_finality_seconds",
    "inference_tokens_per_second",
    "inference_latency_p95_seconds",
    "inference_requests_waiting",
    "performance_network_latency_seconds",
)
DEFAULT_HISTORY = (
    "system_cpu_usage_ratio",
    "system_memory_used_bytes",
    "energy_power_watts",
    "nvidia_gpu_power_watts",
    "inference_requests_per_second",
    "blockchain_transactions_per_second",
)


class Config(CollectorConfig):
    """Options of the anomaly plugin."""

    series: tuple[SelectorText, ...] = Field(
        DEFAULT_SERIES,
        description='Series to watch: names with `*`, and labels as in PromQL, such as `system_cpu_*{cpu=~"0|1"}`; '
        '`{__topic__="power"}` is everything whose metric is about power.',
    )
    exclude: tuple[SelectorText, ...] = Field(
        (), description="Series not to watch although they are chosen; written like `series`."
    )
    row: Duration = Field(
        60.0,
        ge=0.1,
        le=3600,
        description="Length of a row in seconds, or 1m: readings are averaged over it before they are judged.",
    )
    level: float = Field(
        FLEET.level,
        gt=0,
        le=100,
        description="How unusual a row must be to count as an anomaly: 1.5 suits many series, with hardly a "
        "false alarm per series and month; 0.8 suits a few where nothing may be missed.",
    )
    tolerance: float | None = Field(
        None,
        ge=0,
        le=10,
        description="How far a value must leave the range of everything before to count as a record, as a share of "
        "it: by default 0.1 with a `level` of 1.2 or more, and 0 below that.",
    )
    warm_up_days: float = Field(
        2.0,
        ge=0,
        le=14,
        allow_inf_nan=False,
        description="Days, and at least 150 rows, for which a new series is learnt and not judged.",
    )
    time_zone: TimeZoneName | None = Field(
        None,
        description="Zone in which hours and weekdays are counted, such as Europe/Oslo, with daylight saving; by "
        "default that of the machine.",
    )
    holidays: tuple[CalendarDay, ...] = Field(
        (), description="Days on which it is like Sunday: `12-25` in every year, `2026-04-03` in one.", max_length=1000
    )
    max_watched: int = Field(2000, ge=1, le=20_000, description="Series beyond this number are counted, not watched.")
    max_records: int = Field(500, ge=1, le=10_000, description="Number of anomalies kept for `/api/v1/anomalies`.")
    save_every: Duration = Field(
        1800.0, ge=60, le=86_400, description="Seconds, or 30m, between two saves of what was learnt."
    )
    state_dir: ConfigPath | None = Field(
        None, description="Folder for what was learnt; by default ~/.local/state/energy-collector/anomaly/NAME."
    )
    history_series: tuple[SelectorText, ...] = Field(
        DEFAULT_HISTORY,
        description="Series that `energy-collector anomaly train` trains a model on; the first 20 that it finds.",
    )
    history_days: int = Field(
        14, ge=0, le=365, description="Days of the history of these series that it is trained on."
    )
    model_file: ConfigPath | None = Field(
        None,
        description="Model that predicts series, of `energy-collector anomaly train` or an ONNX file of your own; by "
        "default the one in `state_dir`.",
    )

    @property
    def detector_settings(self) -> Settings:
        """How the detectors decide."""
        base = FLEET if self.level >= STRICT_LEVEL else CHOSEN
        tolerance = base.tolerance if self.tolerance is None else self.tolerance
        return replace(base, level=self.level, warm_up_seconds=self.warm_up_days * DAY, tolerance=tolerance)

    @property
    def zone(self) -> tzinfo | None:
        """The zone in which hours are counted; None is that of the machine."""
        return ZoneInfo(self.time_zone) if self.time_zone else None

    @property
    def selectors(self) -> Sequence[Selector]:
        """What chooses the series to watch."""
        return [*map(Selector.parse, self.series)]

    @property
    def excluded(self) -> Sequence[Selector]:
        """What chooses the series not to watch."""
        return [*map(Selector.parse, self.exclude)]

    @property
    def history_selectors(self) -> Sequence[Selector]:
        """What chooses the series that a model is trained on."""
        return [*map(Selector.parse, self.history_series)]

    def folder(self, home: Path, name: str) -> Path:
        """Where the instance `name` keeps what it learnt: `state_dir`, or a folder below `home`, the user's own."""
        return self.state_dir or home / "anomaly" / name
