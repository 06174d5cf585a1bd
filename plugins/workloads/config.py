"""Options of the workloads plugin."""

from __future__ import annotations

from typing import Annotated

from collector_core import CollectorConfig, Duration, Field, Options
from collector_plugins.workloads.rules import IdleRule

Watts = Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)]


class IdleWatts(Options):
    """What components draw with nothing to do."""

    cpu: Watts | None = Field(None, description="Watts of the processors; learnt by default.")
    dram: Watts | None = Field(None, description="Watts of the memory; learnt by default.")

    def of(self, component: str) -> float | None:
        """The watts of a component, if they are given."""
        return {"cpu": self.cpu, "dram": self.dram}.get(component)


class Config(CollectorConfig):
    """Options of the workloads plugin."""

    idle_watts: IdleWatts = Field(
        default_factory=IdleWatts, description="Power with nothing to do, by component; learnt where it is not given."
    )
    idle: IdleRule = Field(
        IdleRule.SEPARATE,
        description="Who bears the idle energy: separate (nobody), by_use, or by_reservation (by `cpu.max`).",
    )
    keep: Duration = Field(600.0, description="How long the series of a workload outlive it.")
    max_workloads: int = Field(
        500, ge=1, le=100_000, description="Workloads with series of their own; the others are summed as `other`."
    )
