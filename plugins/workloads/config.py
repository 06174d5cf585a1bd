"""Options of the workloads plugin."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

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


def _expression(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return text


Name = Annotated[str, Field(min_length=1, max_length=64)]
Expression = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_expression)]


class Group(Options):
    """Processes that count together, wherever they run."""

    name: Name = Field(description="The label `name`.")
    match: Expression = Field(description="Regular expression that is found in the name of a process, e.g. ^geth$.")


class Config(CollectorConfig):
    """Options of the workloads plugin."""

    idle_watts: IdleWatts = Field(
        default_factory=IdleWatts, description="Power with nothing to do, by component; learnt where it is not given."
    )
    idle: IdleRule = Field(
        IdleRule.SEPARATE,
        description="Who bears the idle energy: separate (nobody), by_use, or by_reservation (by `cpu.max`).",
    )
    groups: tuple[Group, ...] = Field(
        (), description="Processes that are a workload of their own, taken out of their unit or container."
    )
    keep: Duration = Field(600.0, description="How long the series of a workload outlive it.")
    max_workloads: int = Field(
        500, ge=1, le=100_000, description="Workloads with series of their own; the others are summed as `other`."
    )
