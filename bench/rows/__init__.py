"""The rows of the speed table: each module measures one kind of thing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bench.effort import Effort
from bench.figures import Figure, Table
from bench.rows import (
    anomaly,
    between,
    forecast,
    history,
    history_postgres,
    idle,
    imports,
    isolation,
    measure,
    memory,
    nab,
    nvidia,
    paced,
    qemu,
    render,
    start,
    throughput,
    timeline,
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
    "imports": imports.measure,
    "anomaly": anomaly.measure,
    "history": history.measure,
    "forecast": forecast.measure,
    "history-postgres": history_postgres.measure,
    "nab": nab.measure,
    "qemu": qemu.measure,
    "qemu-c": qemu.measure_beside_c,
    "timeline": timeline.measure,
}
