"""What the estimate consists of on a machine: a curve and an expected error for each component."""

from __future__ import annotations

from dataclasses import dataclass

from collector_core import Component
from collector_plugins.estimate.machine import Machine
from collector_plugins.estimate.modelfile import Model, curves
from collector_plugins.estimate.power import Activity, Curve, memory_watts, tdp_curve
from collector_plugins.estimate.sizing import Origin, Sizing

# Mean error of the curves in power.py against RAPL on the two servers of the tests: 8 to 34 % by TDP, below 8 % with
# five measured points. What is not known of the processor comes on top, and of a guest what its neighbours do.
UNCERTAINTY = {
    Origin.TABLE: 0.35,
    Origin.CONFIGURED: 0.35,
    Origin.FAMILY: 0.5,
    Origin.UNKNOWN: 1.0,
    Origin.MODEL_FILE: 0.1,
}
UNCERTAINTY_OF_GUESTS = 0.2
UNCERTAINTY_OF_MEMORY = 0.5  # its size says little of its number of modules and nothing of its use


@dataclass(frozen=True)
class ComponentModel:
    """What one component draws, and the expected error of that as a ratio."""

    curve: Curve
    uncertainty: float


def estimated_components(machine: Machine, sizing: Sizing, idle_watts: float | None) -> dict[Component, ComponentModel]:
    """Processors by their TDP, memory by its size where that is known."""
    curve = tdp_curve(sizing, cpus=machine.cpu.threads, virtual=machine.virtual, idle_watts=idle_watts)
    uncertainty = UNCERTAINTY[sizing.source] + (UNCERTAINTY_OF_GUESTS if machine.virtual else 0.0)
    return {Component.CPU: ComponentModel(curve, uncertainty)} | _memory(machine)


def calibrated_components(machine: Machine, sizing: Sizing, model: Model) -> dict[Component, ComponentModel]:
    """What was measured, bent between its points as the curve by TDP is; memory by its size where it was not."""
    shape = tdp_curve(sizing, cpus=machine.cpu.threads, virtual=machine.virtual)
    uncertainty = UNCERTAINTY[Origin.MODEL_FILE]
    measured = {
        component: ComponentModel(curve, uncertainty) for component, curve in curves(model.points, shape).items()
    }
    return _memory(machine) | measured


def _memory(machine: Machine) -> dict[Component, ComponentModel]:
    if machine.memory_bytes is None:
        return {}
    watts = memory_watts(machine.memory_bytes)
    return {Component.DRAM: ComponentModel(_always(watts), UNCERTAINTY_OF_MEMORY)}


def _always(watts: float) -> Curve:
    def curve(_: Activity) -> float:
        return watts

    return curve
