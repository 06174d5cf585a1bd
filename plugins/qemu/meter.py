"""Watts, energy and emissions of guests, from their use of CPUs."""

from __future__ import annotations

from typing import NamedTuple

from collector_core import NotAvailable
from collector_plugins.qemu.config import Power
from collector_plugins.qemu.guest import Guest
from collector_plugins.qemu.host import Host
from collector_plugins.qemu.model import Carbon, PowerModel, Watts
from collector_plugins.qemu.procfs import TICKS_PER_SECOND
from collector_plugins.qemu.roster import Labels, Totals


class Row(NamedTuple):
    """What one run says of one guest; None is not known. `load` is in the model's unit, `rate` in grams per hour."""

    guest: Guest
    labels: Labels
    vcpus: int
    cores: float | None
    cpu_seconds: float
    load: float | None = None
    static: float | None = None
    watts: Watts | None = None
    joules: float | None = None
    rate: float | None = None
    grams: float | None = None
    outside: bool | None = None


class Meter:
    """Turns guests into rows. Raises `NotAvailable` where the host does not say how many cores it has.

    `max_gap`: readings further apart, in seconds, say nothing of the energy between them.
    """

    def __init__(self, power: Power, host: Host, max_gap: float) -> None:
        self.power = power
        self.max_gap = max_gap
        self.model = _model(power, host)
        self.carbon = None if power.emission_factor is None else Carbon(power.pue, power.emission_factor)
        cpus = host.cpus or power.server_cores or 1
        self._per_core = power.cpu_unit.per_core(cpus)

    def row(self, guest: Guest, totals: Totals) -> Row:
        """Take what a guest's last reading brought into its totals."""
        totals.ticks += guest.growth
        row = (guest, guest.labels, guest.vcpus, guest.cores, totals.ticks / TICKS_PER_SECOND)
        return Row(*row) if self.model is None else self._with_power(row, self.model, totals)

    def host_watts(self, cores: float) -> float | None:
        """f of the whole host's load."""
        return self.model.polynomial(cores * self._per_core) if self.model else None

    def _with_power(
        self, row: tuple[Guest, Labels, int, float | None, float], model: PowerModel, totals: Totals
    ) -> Row:
        guest, _, vcpus, cores, _ = row
        if cores is None:
            grams = self.carbon.grams(totals.joules) if self.carbon else None
            return Row(*row, static=model.static(vcpus), joules=totals.joules, grams=grams)
        load = cores * self._per_core
        watts = model.estimate(load, vcpus)
        # The mean power of the time since the last reading: the energy is a rectangle, not a trapezium.
        if guest.elapsed <= self.max_gap:
            totals.joules += watts.total * guest.elapsed
        outside = model.polynomial.is_outside(load) if model.polynomial.fitted_range else None
        rate, grams = None, None
        if self.carbon:
            rate, grams = self.carbon.grams_per_hour(watts.total), self.carbon.grams(totals.joules)
        return Row(*row, load, watts.static, watts, totals.joules, rate, grams, outside)


def _model(power: Power, host: Host) -> PowerModel | None:
    if power.polynomial is None:
        return None
    cores = power.server_cores or host.physical_cores()
    if cores is None:
        detail = "/proc/cpuinfo does not say how many cores the host has"
        raise NotAvailable("not_found", detail, fix="set the option `server_cores`")
    return PowerModel(power.polynomial, power.cinergy_ratio, cores)
