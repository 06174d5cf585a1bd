"""The cinergy model: watts of a host as a polynomial of its load → watts of one guest as if it were alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import isfinite
from typing import NamedTuple

from collector_core.metering import JOULES_PER_KWH

Range = tuple[float, float]

STEPS = 1000  # at which a polynomial is looked at to see whether it falls
_ROUNDING = 1e-9  # of the largest value; what a constant polynomial may seem to fall


class Watts(NamedTuple):
    """Power of one guest; none is ever negative."""

    static: float
    dynamic: float
    total: float


@dataclass(frozen=True)
class Polynomial:
    """f(x) = c0 + c1·x + c2·x² + …: watts of the host at load `x`, in the unit that it was fitted against.

    Loads outside `fitted_range` are taken as its nearest edge: fitted polynomials run away outside of it.
    """

    coefficients: tuple[float, ...]
    fitted_range: Range | None = None

    def __call__(self, x: float) -> float:
        """Watts at load `x`."""
        if self.fitted_range is not None:
            low, high = self.fitted_range
            x = low if x < low else min(x, high)
        watts = 0.0
        for coefficient in self._highest_first:
            watts = watts * x + coefficient
        return watts

    @cached_property
    def _highest_first(self) -> tuple[float, ...]:
        return self.coefficients[::-1]

    def is_outside(self, x: float) -> bool:
        """Whether a load is outside the range it was fitted in; where none is stated nothing is."""
        return self.fitted_range is not None and not self.fitted_range[0] <= x <= self.fitted_range[1]

    def problem(self, full_load: float) -> str | None:
        """What makes it unfit for power between idle and `full_load`, or within its range; None if nothing does."""
        if not self.coefficients:
            return "no coefficients: write c0, c1, … of f(x) = c0 + c1·x + …"
        if not all(map(isfinite, self.coefficients)):
            return "coefficients must be finite numbers"
        low, high = self.fitted_range or (0.0, full_load)
        loads = [low + (high - low) * step / STEPS for step in range(STEPS + 1)]
        if self(0.0) < 0:
            return f"f(0), the power of the idle host, is negative: {self(0.0):g} W"
        return self._fall(loads)

    def _fall(self, loads: Sequence[float]) -> str | None:
        watts = [self(load) for load in loads]
        if not all(map(isfinite, watts)):
            return "coefficients are too large: f is not a finite number"
        slack = _ROUNDING * max(map(abs, watts))
        for (load, before), (_, after) in pairwise(zip(loads, watts, strict=True)):
            if not after >= before - slack:
                hint = "" if self.fitted_range else "; state the `fitted_range` if it was fitted below that only"
                return f"f falls with load from x = {load:.3g} on, where it is {before:.4g} W{hint}"
        return None


@dataclass(frozen=True)
class PowerModel:
    """Isolated power of guests: static = f(0) × vm_cores / server_cores, dynamic = (f(x) − f(0)) × cinergy_ratio.

    From github.com/jacquetpi/cinergy-prototype. `ratio` is between 0 and 1, `server_cores` at least 1.
    """

    polynomial: Polynomial
    ratio: float
    server_cores: int

    def estimate(self, x: float, vm_cores: int) -> Watts:
        """Watts of a guest with `vm_cores` vCPUs at load `x`, in the polynomial's unit."""
        idle = self.idle
        static = idle * vm_cores / self.server_cores
        dynamic = max(0.0, (self.polynomial(x) - idle) * self.ratio)
        return Watts(static, dynamic, static + dynamic)

    def static(self, vm_cores: int) -> float:
        """Watts of the idle host that are the share of a guest with `vm_cores` vCPUs."""
        return self.idle * vm_cores / self.server_cores

    @cached_property
    def idle(self) -> float:
        """Watts of the idle host."""
        return self.polynomial(0.0)


@dataclass(frozen=True)
class Carbon:
    """From watts to grams of CO2 equivalent: `pue` is at least 1, `emission_factor` in g/kWh."""

    pue: float
    emission_factor: float

    def grams_per_hour(self, watts: float) -> float:
        """carbon = watts / 1000 × PUE × emission factor."""
        return watts * self._per_kilowatt / 1000

    def grams(self, joules: float) -> float:
        """Emissions of an amount of energy."""
        return joules * self._per_kilowatt / JOULES_PER_KWH

    @cached_property
    def _per_kilowatt(self) -> float:
        return self.pue * self.emission_factor
