"""What a quantum simulation pushes: any of these, in base units."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import StrictInt, model_validator

from collector_core import Field, Metric, Options
from collector_plugins.quantum import metrics

Whole = Annotated[StrictInt, Field(ge=0, le=10**15)]


class Simulation(Options):
    """One run of a circuit. What is not known is left out; at least one number must be there."""

    qubits: Annotated[StrictInt, Field(ge=1, le=1_000_000)] | None = None
    circuit_depth: Whole | None = None
    gates: Whole | None = None
    shots: Whole | None = None
    gate_fidelity_ratio: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    runtime_seconds: Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)] | None = None
    memory_bytes: Whole | None = None
    backend: str = Field("", max_length=100)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("is empty: give at least one of its fields, e.g. qubits")
        return self

    def values(self) -> dict[Metric, float]:
        """Its numbers by their metrics, which are called as its fields are."""
        named = {metric.name.removeprefix("quantum_simulation_"): metric for metric in metrics.SIMULATION}
        told = self.model_dump(include=set(named), exclude_none=True)
        return {named[name]: float(value) for name, value in told.items()}
