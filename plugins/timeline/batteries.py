"""Batteries: charge in percent, power in and out, and the grid as import minus export."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from collector_core import OutputSample
from collector_plugins.timeline.rows import PERCENT, Row, label

EVENTS = {
    "solix_battery_charge_ratio": ("solix_battery_soc", PERCENT),
    "solix_input_power_watts": ("solix_power_input", 1.0),
    "solix_output_power_watts": ("solix_power_output", 1.0),
}
GRID_EVENT = "solix_grid_power"
GRID = {"solix_grid_import_power_watts": 1.0, "solix_grid_export_power_watts": -1.0}
AGE = "solix_reading_age_seconds"
FAST = "solix_fast_polling"

SERIES = (*EVENTS, *GRID, AGE, FAST)

_Device = tuple[str, str]  # collector and serial number


class _Told:
    """What is told of devices and their collectors beside their values."""

    def __init__(self, samples: Sequence[OutputSample]) -> None:
        self._fast = {each.series.source: bool(each.value) for each in samples if each.series.name == FAST}
        self._ages: dict[_Device, dict[str, float]] = {}
        for each in samples:
            if each.series.name == AGE:
                self._ages.setdefault(_device(each), {})[label(each, "source")] = each.value

    def metadata(self, sample: OutputSample) -> Mapping[str, Any]:
        """What the row of a sample says of its device; the data come from whatever was read last."""
        ages = self._ages.get(_device(sample), {})
        return {
            "device_sn": label(sample, "device"),
            "device_name": label(sample, "name"),
            "data_source": min(ages, key=ages.__getitem__, default=None),
            "polling_mode": "FAST" if self._fast.get(sample.series.source) else "normal",
        }


def battery_rows(samples: Sequence[OutputSample]) -> Iterator[Row]:
    """The rows of all batteries among the samples."""
    told = _Told(samples)
    for sample in samples:
        if sample.series.name in EVENTS:
            event, scale = EVENTS[sample.series.name]
            yield _row(event, round(sample.value * scale, 6), sample, told)
    yield from _grid_rows(samples, told)


def _grid_rows(samples: Sequence[OutputSample], told: _Told) -> Iterator[Row]:
    """Import minus export of one run; a device that tells only one of them has no other."""
    flows: dict[_Device, list[OutputSample]] = {}
    for sample in samples:
        if sample.series.name in GRID:
            flows.setdefault(_device(sample), []).append(sample)
    for found in flows.values():
        newest = max(sample.time for sample in found)
        current = [sample for sample in found if sample.time == newest]
        yield _row(GRID_EVENT, sum(GRID[each.series.name] * each.value for each in current), current[0], told)


def _row(event: str, value: float, sample: OutputSample, told: _Told) -> Row:
    return Row(event, f"solix_{label(sample, 'device')}", value, sample.time, told.metadata(sample))


def _device(sample: OutputSample) -> _Device:
    return sample.series.source, label(sample, "device")
