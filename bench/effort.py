"""How much a run of the benchmarks measures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """Numbers of repetitions and lengths in seconds; `pairs` are measurements of ours and theirs in turn."""

    pairs: int = 7
    extra_pairs: int = 3
    paced_seconds: int = 8
    scrapes: int = 300
    load_seconds: int = 2
    slow_load_seconds: int = 10
    series: int = 10_000
    render_series: int = 100_000
    memory_scrapes: int = 30
    idle_windows: int = 3
    idle_seconds: int = 20
    imports: int = 5
    isolation_seconds: int = 20
    ssh_hosts: int = 50
    ssh_cycles: int = 5
    guests: int = 1_000
    blocks: int = 2000
    curve_seconds: int = 5
    anomaly_minutes: int = 60
    quiet_months: int = 12
    timeline_rows: int = 20_000
    history_series: int = 500
    history_days: int = 30
    forecasts: int = 24
    homes: int = 8
    soak_hours: int = 4


FULL = Effort()
QUICK = Effort(
    pairs=1,
    extra_pairs=1,
    paced_seconds=2,
    scrapes=20,
    load_seconds=1,
    slow_load_seconds=1,
    series=1_000,
    render_series=5_000,
    memory_scrapes=2,
    idle_windows=1,
    idle_seconds=2,
    imports=1,
    isolation_seconds=2,
    ssh_hosts=5,
    ssh_cycles=1,
    guests=100,
    blocks=100,
    curve_seconds=1,
    anomaly_minutes=5,
    quiet_months=1,
    timeline_rows=2_000,
    history_series=50,
    history_days=3,
    forecasts=3,
    homes=1,
    soak_hours=2,
)
