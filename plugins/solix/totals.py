"""Totals that a device does not report, from the parts that it does.

Models differ in what they report: AC and DC, DC alone, single ports, single solar inputs. A total that is reported
counts; otherwise it is the sum of the parts. Solar panels are plugged into the DC inlet, so the two are not added.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from collector_core import Metric
from collector_plugins.solix import metrics
from collector_plugins.solix.series import Series

FLOWS_THROUGH: Final = frozenset({"solarbank", "pps", "solarbank_pps", "charger", "powerbank"})
"""The classes whose devices have an input and an output."""

USB = "usb"
"""The port that stands for all USB ports together."""


def with_totals(kind: str, told: Mapping[Series, float]) -> dict[Series, float]:
    """What a device of a class reports, and the solar power, input and output that follow from it."""
    found = dict(told)
    _add_total(found, metrics.SOLAR, _sum_of(found, metrics.SOLAR_CHANNEL))
    if kind in FLOWS_THROUGH:
        _add_total(found, metrics.DC_OUTPUT, _ports(found))
        direct = _largest(found.get(Series(metrics.DC_INPUT)), found.get(Series(metrics.SOLAR)))
        _add_total(found, metrics.INPUT, _sum(found.get(Series(metrics.AC_INPUT)), direct))
        _add_total(
            found, metrics.OUTPUT, _sum(found.get(Series(metrics.AC_OUTPUT)), found.get(Series(metrics.DC_OUTPUT)))
        )
    return found


def _add_total(found: dict[Series, float], metric: Metric, total: float | None) -> None:
    if total is not None:
        found.setdefault(Series(metric), total)


def _ports(found: Mapping[Series, float]) -> float | None:
    """What leaves through the DC ports."""
    ports = {series.label: watts for series, watts in found.items() if series.metric is metrics.PORT}
    usb = [watts for port, watts in ports.items() if port.startswith(USB) and port != USB]
    others = [watts for port, watts in ports.items() if not port.startswith(USB)]
    return _sum(ports.get(USB, _sum(*usb)), *others)


def _sum_of(found: Mapping[Series, float], metric: Metric) -> float | None:
    return _sum(*(value for series, value in found.items() if series.metric is metric))


def _sum(*parts: float | None) -> float | None:
    """The sum of the parts that are known; None where none is."""
    known = [part for part in parts if part is not None]
    return sum(known) if known else None


def _largest(*readings: float | None) -> float | None:
    return max((reading for reading in readings if reading is not None), default=None)
