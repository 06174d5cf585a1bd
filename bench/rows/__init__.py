"""The rows of the speed table: each module measures one kind of thing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bench.effort import Effort
from bench.figures import Figure, Table
from bench.rows import (
    anomaly,
    battery,
    between,
    counts,
    forecast,
    history,
    history_postgres,
    idle,
    imports,
    isolation,
    measure,
    memory,
    meters,
    nab,
    nvidia,
    paced,
    page,
    parts,
    peers,
    qemu,
    remote_write,
    render,
    sites,
    sites_postgres,
    soak,
    start,
    throughput,
    timeline,
    workloads,
)

Row = Callable[[Effort], list[Figure | Table]]

ROWS: Mapping[str, Row] = {
    "paced": paced.measure,
    "between": between.measure,
    "throughput": throughput.measure,
    "render": render.measure,
    "memory": memory.measure,
    "start": start.measure,
    "idle": idle.measure,
    "isolation": isolation.measure,
    "nvidia": nvidia.measure,
    "measure": measure.measure,
    "meters": meters.measure,
    "page": page.measure,
    "parts": parts.measure,
    "peers": peers.measure,
    "imports": imports.measure,
    "counts": counts.measure,
    "anomaly": anomaly.measure,
    "battery": battery.measure,
    "history": history.measure,
    "forecast": forecast.measure,
    "history-postgres": history_postgres.measure,
    "nab": nab.measure,
    "qemu": qemu.measure,
    "qemu-c": qemu.measure_beside_c,
    "remote-write": remote_write.measure,
    "sites": sites.measure,
    "sites-postgres": sites_postgres.measure,
    "soak": soak.measure,
    "timeline": timeline.measure,
    "workloads": workloads.measure,
    "workloads-peer": workloads.measure_beside_process_exporter,
}

# More than a few seconds even with the least effort: only run in full, or when asked for.
SLOW = {
    "anomaly",
    "battery",
    "forecast",
    "history",
    "history-postgres",
    "isolation",
    "meters",
    "nab",
    "nvidia",
    "page",
    "remote-write",
    "sites-postgres",
    "soak",
    "timeline",
}
