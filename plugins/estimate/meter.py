"""Joules of the estimate over time, and the meters that hand them over."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import partial

from collector_core import Clock, Component, EnergyMeter, EnergyMethod, EnergyReading, PowerIntegral
from collector_plugins.estimate.activity import CpuReading, Cpus
from collector_plugins.estimate.components import ComponentModel

# The kernel counts the whole time between two readings, so that its mean is known however long that was. Only a curve
# that is not straight makes the power at the mean differ from the mean power, and more so the longer it was.
MAX_GAP_SECONDS = 3600.0

# CPU times stand still while the machine is suspended, the clock does not. They are not exact to the tick either.
ASLEEP_FACTOR = 2.0
ASLEEP_SLACK_SECONDS = 5.0

# A tick of /proc/stat is 10 ms on nearly all kernels.
PERIOD_SECONDS = 0.01

DEVICES = {Component.CPU: "cpu", Component.DRAM: "memory"}


class Estimator:
    """Reads the CPUs, on any thread, and adds up what each component drew since the last reading."""

    def __init__(self, cpus: Cpus, components: Mapping[Component, ComponentModel], clock: Clock) -> None:
        self._cpus = cpus
        self._components = components
        self._clock = clock
        self._integrals = {component: PowerIntegral(MAX_GAP_SECONDS) for component in components}
        self._lock = threading.Lock()
        self._last: tuple[CpuReading, float] | None = None
        self._readings: Mapping[Component, EnergyReading] = {}

    @property
    def unknown_gaps(self) -> int:
        """How often what was drawn between two readings could not be known."""
        return max(integral.unknown_gaps for integral in self._integrals.values())

    def update(self) -> None:
        """Read the CPUs; raises `OSError` and `ValueError`, and then nothing has changed."""
        with self._lock:
            reading, now = self._cpus.read(), self._clock.monotonic()
            if self._last is None:
                self._begin(reading, now)
            elif now > self._last[1] and reading.total != self._last[0].total:
                self._add(reading, now)

    def forget(self) -> None:
        """Nobody reads for a while: what is drawn until the next reading is unknown."""
        with self._lock:
            self._last, self._readings = None, {}
            for integral in self._integrals.values():
                integral.forget()

    def meters(self) -> tuple[EnergyMeter, ...]:
        """One for each component."""
        return tuple(
            EnergyMeter(
                component=component,
                device=DEVICES[component],
                method=EnergyMethod.MODEL,
                uncertainty=model.uncertainty,
                period=PERIOD_SECONDS,
                latest=partial(self._latest, component),
                read=partial(self._read, component),
            )
            for component, model in self._components.items()
        )

    def _begin(self, reading: CpuReading, now: float) -> None:
        for integral in self._integrals.values():
            integral.update(0.0, now)
        self._remember(reading, now)

    def _add(self, reading: CpuReading, now: float) -> None:
        assert self._last is not None  # noqa: S101 - look has seen to it
        before, then = self._last
        awake = reading.total.since(before.total).total_seconds / reading.cpus
        activity = self._cpus.activity(before, reading)
        if activity is None or now - then > ASLEEP_FACTOR * awake + ASLEEP_SLACK_SECONDS:
            for integral in self._integrals.values():
                integral.forget()
            self._begin(reading, now)
            return
        for component, model in self._components.items():
            watts = model.curve(activity)
            self._integrals[component].update(watts, then)  # it was so all the time: no slope from what was before
            self._integrals[component].update(watts, now)
        self._remember(reading, now)

    def _remember(self, reading: CpuReading, now: float) -> None:
        """Readings are swapped in whole, so that who asks for the latest need not wait for one being taken."""
        self._last = reading, now
        self._readings = {
            component: EnergyReading(integral.total, now, integral.unknown_gaps)
            for component, integral in self._integrals.items()
        }

    def _latest(self, component: Component) -> EnergyReading | None:
        return self._readings.get(component)

    def _read(self, component: Component) -> EnergyReading | None:
        self.update()
        return self._latest(component)
