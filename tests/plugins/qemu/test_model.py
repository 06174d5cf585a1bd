"""The formula, and the polynomials that are refused."""

from __future__ import annotations

import json
from math import inf, isfinite, nan
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector_plugins.qemu.model import Carbon, Polynomial, PowerModel
from collector_plugins.qemu.units import CpuUnit

CASES = Path(__file__).resolve().parents[4] / "shared/fixtures/cinergy/model_cases.json"


def test_the_worked_example() -> None:
    model = PowerModel(Polynomial((10, 10)), ratio=0.75, server_cores=16)
    assert (model.static([4]), model.dynamic([1.5])) == ([2.5], [11.25])
    carbon = Carbon(1.3, 50)
    assert carbon.grams_per_hour([13.75]) == pytest.approx([0.89375], rel=1e-12)
    assert carbon.grams([13.75 * 3600]) == pytest.approx([0.89375], rel=1e-12)


@pytest.mark.skipif(not CASES.exists(), reason="no shared/fixtures/cinergy beside the checkout")
def test_the_cases_of_cinergy() -> None:
    for case in json.loads(CASES.read_text()):
        model = PowerModel(Polynomial(tuple(case["coefficients"])), case["cinergy_ratio"], case["server_cores"])
        (static,), (dynamic,) = model.static([case["vm_cores"]]), model.dynamic([case["x"]])
        total = static + dynamic
        (grams,) = Carbon(case["pue"], case["emission_factor_gco2_per_kwh"]).grams_per_hour([total])
        found = {
            "static_power_watts": static,
            "dynamic_power_watts": dynamic,
            "total_power_watts": total,
            "carbon_intensity_gco2_per_hour": grams,
        }
        assert found == pytest.approx({key: case[key] for key in found}, rel=1e-12), case["id"]


def test_outside_of_its_range_a_polynomial_is_taken_at_the_edge() -> None:
    falls = Polynomial((100, 10, -1), (0, 5))
    assert [falls(x) for x in (-1, 0, 5, 6, 1e9)] == [100, 100, 125, 125, 125]
    assert falls.is_outside([-1, 0, 5, 5.01]) == [True, False, False, True]
    assert Polynomial((1,)).is_outside([1e9]) == []
    assert falls.problem(100) is None


@pytest.mark.parametrize(
    ("coefficients", "fitted_range", "problem"),
    [
        ((), None, "no coefficients"),
        ((-1, 1), None, "f(0), the power of the idle host, is negative: -1 W"),
        ((10, -1), None, "f falls with load from x = 0 on"),
        ((10, 10, -1), None, "f falls with load from x = 5.01 on, where it is 35 W"),
        ((10, 10, -1), (0, 6), "f falls with load from x = 5"),
        ((10, nan), None, "finite"),
        ((10, inf), None, "finite"),
        ((1e308, 1e308), None, "too large"),
        ((5,), None, None),
        ((0,), None, None),
        ((10, 10, -1), (0, 5), None),
        ((-5, 10), (1, 16), None),
        ((103.1, 3.1, 0.07), None, None),
    ],
)
def test_a_polynomial_that_cannot_be_meant(
    coefficients: tuple[float, ...], fitted_range: tuple[float, float] | None, problem: str | None
) -> None:
    found = Polynomial(coefficients, fitted_range).problem(16)
    assert (found is None) is (problem is None)
    assert problem is None or (found is not None and problem in found)


@settings(deadline=None)
@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=6),
    st.none() | st.tuples(st.floats(0, 50), st.floats(51, 1000)),
    st.floats(0, 1e6),
    st.integers(1, 1000),
    st.floats(0, 1),
)
def test_no_power_is_negative(
    coefficients: list[float], fitted: tuple[float, float] | None, x: float, cores: int, ratio: float
) -> None:
    polynomial = Polynomial(tuple(coefficients), fitted)
    if polynomial.problem(16) is None:
        model = PowerModel(polynomial, ratio, 16)
        watts = model.static([cores]) + model.dynamic([x])
        assert all(each >= 0 for each in watts)
        assert isfinite(sum(watts))


def test_a_load_beyond_all_that_was_checked_costs_nothing_below_idle() -> None:
    assert PowerModel(Polynomial((10, 10, -0.1)), 1.0, 16).dynamic([200]) == [0.0]


def test_units() -> None:
    per_core = {unit: unit.per_core(host_cpus=16) for unit in CpuUnit}
    assert per_core == {"cores": 1, "core_percent": 100, "host_percent": 6.25}
