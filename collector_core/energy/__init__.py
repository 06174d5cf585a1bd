"""Energy that adds up: the meters of plugins, which of them count, their sums, and what a piece of work costs."""

from typing import TYPE_CHECKING, Any

from collector_core.energy.choice import Prefer, choose
from collector_core.energy.ledger import Account, Ledger, account_of
from collector_core.energy.meters import Component, EnergyMeter, EnergyMethod, EnergyReading

if TYPE_CHECKING:
    from collector_core.energy.levels import Level
    from collector_core.energy.measurement import Disagreement, Measurement
    from collector_core.energy.monitor import EnergyMonitor
    from collector_core.energy.report import markdown_report
    from collector_core.energy.store import KeptMeasurement, MeasurementStore

__all__ = [
    "Account",
    "Component",
    "Disagreement",
    "EnergyMeter",
    "EnergyMethod",
    "EnergyMonitor",
    "EnergyReading",
    "KeptMeasurement",
    "Ledger",
    "Level",
    "Measurement",
    "MeasurementStore",
    "Prefer",
    "account_of",
    "choose",
    "markdown_report",
]

_MEASURING = {
    "Disagreement": "measurement",
    "EnergyMonitor": "monitor",
    "KeptMeasurement": "store",
    "Level": "levels",
    "Measurement": "measurement",
    "MeasurementStore": "store",
    "markdown_report": "report",
}


def __getattr__(name: str) -> Any:
    """What measures is imported when it is asked for: it needs collectors, and they need this package."""
    if name not in _MEASURING:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - together with what it imports

    return getattr(import_module(f"{__name__}.{_MEASURING[name]}"), name)
