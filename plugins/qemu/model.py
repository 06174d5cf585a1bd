"""The cinergy model: watts of a host as a polynomial of its load → watts of one guest as if it were alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import isfinite

from collector_core.metering import JOULES_PER_KWH

Range = tuple[float, float]

STEPS = 1000  # at which a polynomial is looked at to see whether it falls
_ROUNDING = 1e-9  # of the largest value; what a constant polynomial may seem to fall


@dataclass(frozen=True)
class Polynomial:
    """f(x) = c0 + c1·x + c2·x² + …: watts of the host at load `x`, in the unit that it was fitted against.

    Loads outside `fitted_range` are taken as its nearest edge: fitted polynomials run away outside of it.
    """

    coefficients: tuple[float, ...]
    fitted_range: Range | None = None

    def __call__(self, x: float) -> float:
        """Watts at load `x`."""
        return self.each([x])[0]

    def each(self, loads: Sequence[float]) -> list[float]:
        """Watts at each of many loads."""
        if self.fitted_range is not None:
            low, high = self.fitted_range
            loads = [low if x < low else min(x, high) for x in loads]
        highest, *others = reversed(self.coefficients or (0.0,))
        watts = [highest] * len(loads)
        for coefficient in others:
            watts = [w * x + coefficient for w, x in zip(watts, loads, strict=True)]
        return watts

    def is_outside(self, loads: Sequence[float]) -> list[bool]:
        """Whether each load is outside the range it was fitted in; empty where none is stated."""
        if self.fitted_range is None:
            return []
        low, high = self.fitted_range
        return [not low <= x <= high for x in loads]

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
        watts = self.each(loads)
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

    The power of a guest is their sum. From github.com/jacquetpi/cinergy-prototype. `ratio` is between 0 and 1,
    `server_cores` at least 1.
    """

    polynomial: Polynomial
    ratio: float
    server_cores: int

    def static(self, vm_cores: Sequence[int]) -> list[float]:
        """Watts of the idle host that are the share of guests with so many vCPUs."""
        idle, cores = self.idle, self.server_cores
        return [idle * vcpus / cores for vcpus in vm_cores]

    def dynamic(self, loads: Sequence[float]) -> list[float]:
        """Watts that guests add by their loads, in the polynomial's unit; never negative."""
        idle, ratio = self.idle, self.ratio
        added = [(watts - idle) * ratio for watts in self.polynomial.each(loads)]
        return [watts if watts > 0 else 0.0 for watts in added]

    @cached_property
    def idle(self) -> float:
        """Watts of the idle host."""
        return self.polynomial(0.0)


@dataclass(frozen=True)
class Carbon:
    """From watts to grams of CO2 equivalent: `pue` is at least 1, `emission_factor` in g/kWh."""

    pue: float
    emission_factor: float

    def grams_per_hour(self, watts: Sequence[float]) -> list[float]:
        """carbon = watts / 1000 × PUE × emission factor."""
        factor = self._per_kilowatt
        return [each * factor / 1000 for each in watts]

    def grams(self, joules: Sequence[float]) -> list[float]:
        """Emissions of amounts of energy."""
        factor = self._per_kilowatt
        return [each * factor / JOULES_PER_KWH for each in joules]

    @property
    def _per_kilowatt(self) -> float:
        return self.pue * self.emission_factor
