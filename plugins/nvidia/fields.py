"""Which of nvidia-smi's fields become which metrics, and how a row of its table becomes a GPU."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from collector_core import Metric
from collector_plugins.nvidia import csvtable, metrics
from collector_plugins.nvidia.gpu import Gpu, Series, throttled
from collector_plugins.nvidia.pci import sysfs_address
from collector_plugins.nvidia.possible import possible

# Names changed between drivers; of each line the first name that a driver knows is asked for.
INDEX = ("index",)
UUID = ("uuid", "gpu_uuid")
NAME = ("name", "gpu_name")
DRIVER = ("driver_version",)
BUS_ID = ("pci.bus_id", "gpu_bus_id")
EVENT_REASONS = ("clocks_event_reasons.active", "clocks_throttle_reasons.active")
MIG_MODE = ("mig.mode.current",)

_MIG_MODES = {"enabled": 1.0, "disabled": 0.0}


@dataclass(frozen=True)
class Field:
    """A number: its names, what it becomes, its unit at nvidia-smi and by what to multiply it for the base unit."""

    names: tuple[str, ...]
    series: Series
    unit: str = ""
    factor: float = 1.0


def _field(names: str, metric: Metric, *labels: str, unit: str = "") -> Field:
    factor = {"%": 0.01, "MHz": 1e6, "MiB": float(1 << 20)}.get(unit, 1.0)
    return Field(tuple(names.split("|")), Series(metric, labels), unit, factor)


FIELDS = (
    _field("power.draw", metrics.POWER, unit="W"),
    _field("enforced.power.limit|power.limit", metrics.POWER_LIMIT, unit="W"),
    _field("temperature.gpu", metrics.TEMPERATURE),
    _field("temperature.memory", metrics.MEMORY_TEMPERATURE),
    _field("memory.used", metrics.MEMORY_USED, unit="MiB"),
    _field("memory.total", metrics.MEMORY_TOTAL, unit="MiB"),
    _field("utilization.gpu", metrics.UTILIZATION, unit="%"),
    _field("utilization.memory", metrics.MEMORY_UTILIZATION, unit="%"),
    _field("utilization.encoder", metrics.ENCODER_UTILIZATION, unit="%"),
    _field("utilization.decoder", metrics.DECODER_UTILIZATION, unit="%"),
    _field("fan.speed", metrics.FAN_SPEED, unit="%"),
    _field("clocks.current.graphics|clocks.gr", metrics.CLOCK, "graphics", unit="MHz"),
    _field("clocks.current.sm|clocks.sm", metrics.CLOCK, "sm", unit="MHz"),
    _field("clocks.current.memory|clocks.mem", metrics.CLOCK, "memory", unit="MHz"),
    _field("clocks.current.video|clocks.video", metrics.CLOCK, "video", unit="MHz"),
    _field("ecc.errors.corrected.volatile.total", metrics.ECC_ERRORS, "corrected"),
    _field("ecc.errors.uncorrected.volatile.total", metrics.ECC_ERRORS, "uncorrected"),
)

WANTED = (INDEX, UUID, NAME, DRIVER, BUS_ID, *(field.names for field in FIELDS), EVENT_REASONS, MIG_MODE)
NEEDED = (INDEX, UUID)


def choose(known: Collection[str] | None, refused: Collection[str] = ()) -> list[str]:
    """Of each wanted field the first name that the driver knows (None: it did not say) and did not refuse."""
    chosen = []
    for names in WANTED:
        usable = (name for name in names if (known is None or name in known) and name not in refused)
        chosen += [name] if (name := next(usable, "")) else []
    return chosen


def gpus(table: csvtable.Table) -> tuple[list[Gpu], dict[str, Exception]]:
    """The GPUs of a table, and of what is no GPU's row why, by what it is."""
    found: dict[str, Gpu] = {}
    failures: dict[str, Exception] = {}
    for position, row in enumerate(table.rows):
        index = _text(row, INDEX) or (str(position) if _text(row, UUID) or _text(row, NAME) else "")
        if not index.isdecimal() or index in found:
            failures[f"row {csvtable.quoted(index)}"] = ValueError(f"no GPU, or twice: {csvtable.quoted(str(row))}")
        else:
            found[index] = _gpu(index, row, table.units)
    return list(found.values()), failures


def _gpu(index: str, row: Mapping[str, str], units: Mapping[str, str]) -> Gpu:
    problems: list[str] = []
    series = dict(_numbers(row, units, problems))
    series.update(_reasons(row, problems))
    mode = _first(row, MIG_MODE).strip("[]").lower()
    if mode in _MIG_MODES:
        series[Series(metrics.MIG_ENABLED)] = _MIG_MODES[mode]
    series[Series(metrics.GPU_INFO, (_text(row, NAME), _text(row, DRIVER)))] = 1.0
    address = sysfs_address(_text(row, BUS_ID))
    return Gpu(index, _text(row, UUID), possible(series), problems=tuple(problems), address=address)


def _numbers(row: Mapping[str, str], units: Mapping[str, str], problems: list[str]) -> Iterator[tuple[Series, float]]:
    for field in FIELDS:
        name = next((name for name in field.names if name in row), None)
        if name is None or csvtable.is_absent(row[name]):
            continue
        try:
            yield field.series, _value(row[name], units[name], field)
        except ValueError as error:
            problems.append(f"{name} {error}")


def _value(cell: str, unit: str, field: Field) -> float:
    if unit not in ("", field.unit):
        raise ValueError(f"is in {unit} and not in {field.unit or 'a plain number'}")
    value = csvtable.number(cell, field.unit) * field.factor
    if value < 0 and field.series.metric not in (metrics.TEMPERATURE, metrics.MEMORY_TEMPERATURE):
        raise ValueError(f"is negative: {cell}")
    return value


def _reasons(row: Mapping[str, str], problems: list[str]) -> Iterator[tuple[Series, float]]:
    cell = _first(row, EVENT_REASONS)
    if csvtable.is_absent(cell):
        return
    try:
        yield from throttled(csvtable.bits(cell))
    except ValueError as error:
        problems.append(f"clocks_event_reasons.active {error}")


def _first(row: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((row[name] for name in names if name in row), "")


def _text(row: Mapping[str, str], names: tuple[str, ...]) -> str:
    cell = _first(row, names)
    return "" if csvtable.is_absent(cell) else cell
