"""Watts, energy and emissions of guests, from their use of CPUs."""

from __future__ import annotations

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
    static: float | None = None
    dynamic: float | None = None
    total: float | None = None
    joules: float | None = None
    grams_per_hour: float | None = None
    grams: float | None = None
    is_outside: bool | None = None

    @property
    def values(self) -> tuple[float | None, ...]:
        """What is published, in the order of `metrics.OF_A_VM`."""
        return self[2:]


class Meter:
    """Turns guests into rows. Raises `NotAvailable` where the host does not say how many cores it has.

    `max_gap`: readings further apart, in seconds, say nothing of the energy between them.
    """

    def __init__(self, power: Power, host: Host, max_gap: float) -> None:
        self.power = power
        self.model = _model(power, host)
        self.carbon = None if power.emission_factor is None else Carbon(power.pue, power.emission_factor)
        self._max_gap = max_gap
        cpus = host.cpus or power.server_cores or 1
        self._per_core = power.cpu_unit.per_core(cpus)

    def row(self, guest: Guest, totals: Totals) -> Row:
        """Take what a guest's last reading brought into its totals."""
        totals.ticks += guest.growth
        if self.model is not None and guest.cores is not None:
            return self._with_power(self.model, guest, guest.cores, totals)
        row = Row(guest, None, guest.cores, totals.ticks / CLOCK_TICKS_PER_SECOND, guest.vcpus)
        if self.model is None:
            return row
        grams = self.carbon.grams(totals.joules) if self.carbon else None
        return row._replace(static=self.model.static(guest.vcpus), joules=totals.joules, grams=grams)

    def host_watts(self, cores: float) -> float | None:
        """f of the whole host's load."""
        return self.model.polynomial(cores * self._per_core) if self.model else None

    def _with_power(self, model: PowerModel, guest: Guest, cores: float, totals: Totals) -> Row:
        load = cores * self._per_core
        static, dynamic, total = model.estimate(load, guest.vcpus)
        # The mean power of the time since the last reading: the energy is a rectangle, not a trapezium.
        if guest.elapsed <= self._max_gap:
            totals.joules += total * guest.elapsed
        seconds, joules, carbon = totals.ticks / CLOCK_TICKS_PER_SECOND, totals.joules, self.carbon
        rate, grams = (carbon.grams_per_hour(total), carbon.grams(joules)) if carbon else (None, None)
        outside = None if model.polynomial.fitted_range is None else model.polynomial.is_outside(load)
        return Row(guest, load, cores, seconds, guest.vcpus, static, dynamic, total, joules, rate, grams, outside)


def _model(power: Power, host: Host) -> PowerModel | None:
    if power.polynomial is None:
        return None
    cores = power.server_cores or host.physical_cores()
    if cores is None:
        detail = f"{CPU_FILE} does not say how many cores the host has"
        raise NotAvailable("not_found", detail, fix="set the option `server_cores`")
    return PowerModel(power.polynomial, power.cinergy_ratio, cores)
