"""Watts, energy and emissions of guests, from their use of CPUs: a column for each quantity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import NamedTuple

from collector_core import NotAvailable
from collector_core.procfs import CLOCK_TICKS_PER_SECOND, CPU_FILE
from collector_plugins.qemu.config import Power
from collector_plugins.qemu.guest import Guest
from collector_plugins.qemu.host import Host
from collector_plugins.qemu.labels import Totals
from collector_plugins.qemu.model import Carbon, PowerModel


class Row(NamedTuple):
    """What one run says of one guest; None is not known. `load` is in the model's unit."""

    guest: Guest
    load: float | None
    cores: float | None
    cpu_seconds: float
    vcpus: int
    static: float | None
    dynamic: float | None
    total: float | None
    joules: float | None
    grams_per_hour: float | None
    grams: float | None
    is_outside: bool | None


class Columns(NamedTuple):
    """What one run says of all guests: the columns of `Row`, in the order of `guests`.

    Those guests that were read twice come first: a column that needs that ends with them. One that nothing is known of
    is empty.
    """

    guests: Sequence[Guest]
    load: Sequence[float] = ()
    cores: Sequence[float] = ()
    cpu_seconds: Sequence[float] = ()
    vcpus: Sequence[int] = ()
    static: Sequence[float] = ()
    dynamic: Sequence[float] = ()
    total: Sequence[float] = ()
    joules: Sequence[float] = ()
    grams_per_hour: Sequence[float] = ()
    grams: Sequence[float] = ()
    is_outside: Sequence[bool] = ()

    @property
    def published(self) -> Sequence[Sequence[float]]:
        """Those of `metrics.OF_A_VM`, in that order."""
        return self[2:]

    def rows(self) -> list[Row]:
        """The same, guest by guest."""
        return list(map(Row._make, zip_longest(*self)))


class Meter:
    """Turns guests into columns. Raises `NotAvailable` where the host does not say how many cores it has.

    `max_gap`: readings further apart, in seconds, say nothing of the energy between them.
    """

    def __init__(self, power: Power, host: Host, max_gap: float) -> None:
        self.power = power
        self.model = _model(power, host)
        self.carbon = None if power.emission_factor is None else Carbon(power.pue, power.emission_factor)
        self._max_gap = max_gap
        cpus = host.cpus or power.server_cores or 1
        self._per_core = power.cpu_unit.per_core(cpus)

    def take(self, totals_of: Mapping[Guest, Totals]) -> Columns:
        """Take what each guest's last reading brought into its totals."""
        guests, totals = _twice_read_first(totals_of)
        growths = [guest.growth for guest in guests]
        spans = [guest.elapsed for guest in guests if guest.elapsed > 0]
        for each, growth in zip(totals, growths, strict=True):
            each.ticks += growth
        columns = Columns(
            guests,
            cores=[growth / CLOCK_TICKS_PER_SECOND / span for growth, span in zip(growths, spans, strict=False)],
            cpu_seconds=[each.ticks / CLOCK_TICKS_PER_SECOND for each in totals],
            vcpus=[guest.vcpus for guest in guests],
        )
        return self._with_power(self.model, columns, totals, spans) if self.model else columns

    def host_watts(self, cores: float) -> float | None:
        """f of the whole host's load."""
        return self.model.polynomial(cores * self._per_core) if self.model else None

    def _with_power(
        self, model: PowerModel, columns: Columns, totals: Sequence[Totals], spans: Sequence[float]
    ) -> Columns:
        load = [cores * self._per_core for cores in columns.cores]
        static, dynamic = model.static(columns.vcpus), model.dynamic(load)
        total = [watts + more for watts, more in zip(static, dynamic, strict=False)]
        # The mean power of the time since the last reading: the energy is a rectangle, not a trapezium.
        max_gap = self._max_gap
        for span, each, watts in zip(spans, totals, total, strict=False):
            if span <= max_gap:
                each.joules += watts * span
        joules = [each.joules for each in totals]
        columns = columns._replace(load=load, static=static, dynamic=dynamic, total=total, joules=joules)
        columns = columns._replace(is_outside=model.polynomial.is_outside(load))
        carbon = self.carbon
        if carbon is None:
            return columns
        return columns._replace(grams_per_hour=carbon.grams_per_hour(total), grams=carbon.grams(joules))


def _twice_read_first(totals_of: Mapping[Guest, Totals]) -> tuple[Sequence[Guest], Sequence[Totals]]:
    """The guests, those first that were read twice, and their totals."""
    if min([guest.elapsed for guest in totals_of], default=0.0) > 0:
        return list(totals_of), list(totals_of.values())
    guests = sorted(totals_of, key=lambda guest: guest.elapsed <= 0)
    return guests, [totals_of[guest] for guest in guests]


def _model(power: Power, host: Host) -> PowerModel | None:
    if power.polynomial is None:
        return None
    cores = power.server_cores or host.physical_cores()
    if cores is None:
        detail = f"{CPU_FILE} does not say how many cores the host has"
        raise NotAvailable("not_found", detail, fix="set the option `server_cores`")
    return PowerModel(power.polynomial, power.cinergy_ratio, cores)
