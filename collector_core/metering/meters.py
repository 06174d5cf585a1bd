"""What plugins hand over so that watts can be added up: one meter for each thing whose energy they know."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from functools import cached_property
from math import isfinite
from typing import NamedTuple, cast

from collector_core.errors import DeclarationError, ReadingError
from collector_core.model.power_integral import MOST_WATTS
from collector_core.model.words import is_snake_case


class Component(StrEnum):
    """What usually draws the energy; any other snake_case word may. `host` is the machine as a whole."""

    CPU = "cpu"
    DRAM = "dram"
    GPU = "gpu"
    BATTERY = "battery"
    PLUG = "plug"
    HOST = "host"


class EnergyMethod(StrEnum):
    """How energy usually comes to be known, the most trusted way first; any other snake_case word may say it."""

    METER = "meter"
    RAPL = "rapl"
    NVML_COUNTER = "nvml_counter"
    POWER_INTEGRAL = "power_integral"
    MODEL = "model"


class Supply(IntEnum):
    """Where a meter that feeds a machine stands in the chain that supplies it, the outermost first."""

    UPS = 0
    PLUG = 1
    CHASSIS = 2


class EnergyReading(NamedTuple):
    """Joules since the meter began, which never fall, and the monotonic time in seconds at which that was so.

    `unknown_gaps` counts how often energy could not be known and is not among the joules: between two readings with the
    same number every joule is known, across a gap power is unknown too.
    """

    joules: float
    time: float
    unknown_gaps: int = 0

    def watts_since(self, before: EnergyReading) -> float | None:
        """Mean power since an earlier reading; None where it is not earlier, or the energy between is not known."""
        if self.time <= before.time or self.joules < before.joules or self.unknown_gaps != before.unknown_gaps:
            return None
        return (self.joules - before.joules) / (self.time - before.time)


class Origin(NamedTuple):
    """Another collector that a meter is of: its `agent` is a name that no other process has.

    `source` is whom it was taken from, `hops` through how many collectors it came; `is_own_host` says that it measures
    the machine on which that agent runs. `grams_per_kwh` is the carbon of its energy where that is known there.
    """

    agent: str
    source: str = ""
    hops: int = 1
    is_own_host: bool = False
    grams_per_kwh: float | None = None


Read = Callable[[], EnergyReading | None]
BusyByProcess = Callable[[], Mapping[int, float] | None]


_NUMBERS = frozenset({int, float})


def untold() -> None:
    """Nothing is known of processes."""


class Account(NamedTuple):
    """What a sum belongs to."""

    component: str
    device: str
    method: str


@dataclass(frozen=True)
class EnergyMeter:
    """The energy of one thing, from one source.

    `component` is a `Component` or a word of your own, `method` an `EnergyMethod` or a word of your own. `device` tells
    things of one component apart; two meters with the same component and device know the same thing.
    `uncertainty` is the expected error as a ratio, `period` the seconds between two updates of the source.

    `latest` says what is known already: it neither blocks nor raises, on any thread. `read` looks now, may touch the
    source, and raises what the source raises. Both say None while nothing is known.

    `covers` names components whose energy is within this one: a platform meter covers the processors. `inside` names
    the component that this one is a part of, so that it is never added: a virtual machine is inside the cpu.

    `of_machine` says of a component of your own that it is a part of this machine, so that its energy counts as the
    machine's: an accelerator's does, a greenhouse's does not.

    `counting_since` is for a meter that stood at 0 joules at that time (monotonic seconds, in this process), so that
    the ledger loses nothing of what it counted before its first reading. Without it, the first reading enters the
    ledger as 0, whatever it says: a device's own counter has counted all its life.

    `max_watts` is the most that the device can draw, in watts, with short peaks: faster growth is a broken reading and
    never counts as energy. Without it only what no single device draws (a megawatt) is refused.

    `feeds` names what gets its power through this one: `host` or `this` is this machine, `COMPONENT/DEVICE` or
    `PLUGIN/DEVICE` another meter. `supply` is where it stands where several feed the same. `plugin` is the plugin that
    hands it over; the framework knows it.

    `host` is the machine that it is a part of, where that is another one than this; `origin` is for a meter of another
    collector. Neither is this machine's energy: they count in the ledger of the site alone.

    `busy_by_process` says for how many seconds each process has kept the device busy so far, by pid, where the driver
    tells; else None. It neither blocks nor raises, on any thread.

    Raises `DeclarationError` for a component or method that is not snake_case, for an uncertainty or a period that is
    not a finite number from 0 on, and for a `max_watts` that is not a positive number.
    """

    component: Component | str
    device: str
    method: EnergyMethod | str
    uncertainty: float
    period: float
    latest: Read
    read: Read
    covers: frozenset[Component | str] = frozenset()
    inside: Component | str | None = None
    of_machine: bool = False
    counting_since: float | None = None
    max_watts: float = MOST_WATTS
    feeds: tuple[str, ...] = ()
    supply: Supply = Supply.PLUG
    plugin: str = ""
    host: str = ""
    origin: Origin | None = None
    busy_by_process: BusyByProcess = untold

    def __post_init__(self) -> None:
        words = (self.component, self.method, *self.covers, *(() if self.inside is None else (self.inside,)))
        for word in words:
            if not is_snake_case(word):
                raise DeclarationError(f"energy meter {self.name}: {word!r} must be snake_case, e.g. network_card")
        for name in ("uncertainty", "period"):
            value = getattr(self, name)
            if not (isfinite(value) and value >= 0):
                raise DeclarationError(f"energy meter {self.name}: {name} is {value}, must be a number from 0 on")
        if not (isfinite(self.max_watts) and self.max_watts > 0):
            raise DeclarationError(
                f"energy meter {self.name}: max_watts is {self.max_watts}, must be a positive number"
            )

    def __hash__(self) -> int:
        return hash((self.account, self.host))

    @cached_property
    def account(self) -> Account:
        """Where its joules are booked."""
        return Account(self.component, self.device, self.method)

    @property
    def is_foreign(self) -> bool:
        """Whether it is another machine's, or another collector's."""
        return bool(self.host or self.origin)

    @property
    def name(self) -> str:
        """Component, device and method: `cpu package-0 (rapl)`."""
        return f"{self.component} {self.device} ({self.method})"


def account_of(meter: EnergyMeter) -> Account:
    """Where a meter's joules are booked."""
    return meter.account


def checked(reading: object) -> EnergyReading | None:
    """What a meter said; raises `ReadingError` where that is no energy at a time."""
    if reading is None:
        return None
    if not isinstance(reading, EnergyReading):
        raise ReadingError(f"{reading!r} is not an EnergyReading")
    if not _are_finite(reading) or reading.joules < 0:
        raise ReadingError(f"{reading!r} is not an energy: joules from 0 on, at a time in seconds")
    return reading


def _are_finite(numbers: Iterable[object]) -> bool:
    if not _NUMBERS.issuperset(map(type, numbers)) and not all(isinstance(each, int | float) for each in numbers):
        return False
    return all(map(isfinite, cast("Iterable[float]", numbers)))


def guarded(meter: object, failed: Callable[[str, BaseException], None], plugin: str = "") -> EnergyMeter:
    """The same meter for others to ask: where its `latest` raises or says what is no energy, it says None.

    `failed` is told the meter's name and the error; `plugin` is whose it is. Raises `ReadingError` for what is not a
    meter.
    """
    if not isinstance(meter, EnergyMeter):
        raise ReadingError(f"{meter!r} is not an EnergyMeter")

    def latest() -> EnergyReading | None:
        try:
            return checked(meter.latest())
        except BaseException as error:  # noqa: BLE001 - a plugin may raise anything
            failed(meter.name, error)
            return None

    return replace(meter, latest=latest, plugin=plugin)
