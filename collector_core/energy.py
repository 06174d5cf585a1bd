"""Energy for whoever measures: what a piece of work costs, the meters behind it, and measurements that are kept."""

from typing import TYPE_CHECKING, Any

from collector_core.measure.levels import Level
from collector_core.measure.measurement import Disagreement, Measurement, OtherUse
from collector_core.measure.monitor import EnergyMonitor
from collector_core.metering import (
    Account,
    Component,
    EnergyMeter,
    EnergyMethod,
    EnergyReading,
    Ledger,
    Prefer,
    account_of,
    choose,
)

if TYPE_CHECKING:
    from collector_core.calibration.machine import Calibration, calibrate
    from collector_core.measure.kept import KeptMeasurement
    from collector_core.measure.operation_model import OperationModel, Prediction
    from collector_core.measure.report import markdown_report
    from collector_core.measure.store import MeasurementStore, measurements_between

__all__ = [
    "Account",
    "Calibration",
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
    "OperationModel",
    "OtherUse",
    "Prediction",
    "Prefer",
    "account_of",
    "calibrate",
    "choose",
    "markdown_report",
    "measurements_between",
]

_LAZY = {
    "Calibration": "calibration.machine",
    "KeptMeasurement": "measure.kept",
    "MeasurementStore": "measure.store",
    "OperationModel": "measure.operation_model",
    "Prediction": "measure.operation_model",
    "calibrate": "calibration.machine",
    "markdown_report": "measure.report",
    "measurements_between": "measure.store",
}


def __getattr__(name: str) -> Any:
    """What keeps measurements or calibrates is imported when it is asked for: who only measures needs no database."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - together with what it imports

    return getattr(import_module(f"collector_core.{_LAZY[name]}"), name)
