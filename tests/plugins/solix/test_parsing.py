"""Numbers as the cloud writes them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_plugins.solix.parsing import at, flat, number

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("741", 741),
        ("-279", -279),
        ("0.69", 0.69),
        (" 12 ", 12),
        ("+3", 3),
        (".5", 0.5),
        ("1e3", 1000),
        (0, 0),
        (1.5, 1.5),
    ],
)
def test_what_is_a_number(raw, value):
    assert number(raw) == value


NO_NUMBERS = ["", "--", "-", " ", "null", "nan", "inf", "-inf", "1_000", "200W", "0x10", "1,5", "٣", "1e999", "9" * 30]


@pytest.mark.parametrize(
    "raw",
    [*NO_NUMBERS, None, True, False, [], {}, [1], math.nan, math.inf, 10**400, b"1"],
)
def test_what_is_none(raw):
    assert number(raw) is None


@given(anything)
def test_anything_is_a_finite_number_or_none(raw):
    found = number(raw)
    assert found is None or (isinstance(found, float) and math.isfinite(found))


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15))
def test_every_number_that_is_written_out_is_read(value):
    assert number(f"{value:.6f}") == pytest.approx(value, abs=1e-6)
    assert number(value) == value


@given(st.dictionaries(st.text(max_size=8), anything, max_size=4), st.text(max_size=20))
def test_a_path_leads_somewhere_or_nowhere(values, path):
    at(values, path)
    assert all(isinstance(name, str) for name, _ in flat(values))


def test_a_path_leads_through_mappings():
    assert at({"average_power": {"solar_power_avg": "1.2"}}, "average_power.solar_power_avg") == "1.2"
    assert at({"average_power": None}, "average_power.solar_power_avg") is None
    assert at({"a": [1]}, "a.0") is None


def test_what_is_nested_too_deep_is_left_out():
    nested = {"leaf": 1}
    for _ in range(50):
        nested = {"deeper": nested, "beside": 1}
    assert 0 < len(list(flat(nested))) < 20
