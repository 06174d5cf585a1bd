"""What a machine learns from its meters about its model, and from its plug about its meters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core.measure.bias import learn_biases
from collector_core.measure.kept import KeptMeasurement
from collector_core.measure.report import markdown_report, report


def kept(method, components, *others, host="a", label="build", at=1.7e9):
    """`others` are the component, the method, and the joules that it said."""
    told = [
        {"component": name, "method": other, "energy_joules": joules, "ratio": joules / components[name] - 1}
        for name, other, joules in others
    ]
    result = {
        "host": host,
        "method": method,
        "components": components,
        "energy_joules": sum(components.values()),
        "disagreements": told,
    }
    return KeptMeasurement(1, at, label, None, 0, result)


MEASURED = [
    kept("rapl", {"cpu": 100.0, "dram": 10.0}, ("cpu", "model", 150.0), ("dram", "model", 5.0), at=1.7e9),
    kept("rapl", {"cpu": 300.0, "dram": 30.0}, ("cpu", "model", 330.0), ("dram", "model", 15.0), at=1.7e9 + 60),
]


def test_the_bias_of_the_model_to_rapl_is_learnt_with_its_date():
    cpu, dram = (each.to_dict() for each in learn_biases(MEASURED))
    assert cpu.pop("deviation") == pytest.approx(0.2828, abs=1e-4)
    assert cpu == {
        "host": "a",
        "component": "cpu",
        "method": "model",
        "reference": "rapl",
        "ratio": pytest.approx(480 / 400),
        "count": 2,
        "first_at": 1.7e9,
        "last_at": 1.7e9 + 60,
    }
    assert (dram["component"], dram["ratio"]) == ("dram", pytest.approx(0.5))


def test_rapl_is_off_the_plug_as_a_model_is_off_rapl():
    (bias,) = learn_biases([kept("meter", {"host": 200.0}, ("host", "rapl", 120.0))])
    assert (bias.method, bias.reference, bias.ratio) == ("rapl", "meter", pytest.approx(0.6))
    assert "deviation" not in bias.to_dict(), "of one"


def test_an_estimate_is_corrected_where_its_machine_had_a_meter_once():
    estimated = [kept("model", {"cpu": 120.0, "dram": 4.0}, label="test", host=host) for host in ("a", "b")]
    result = {"host": "a", "method": "model", "energy_joules": None, "components": None}
    estimated.append(KeptMeasurement(1, 1.7e9, "test", None, 1, result))
    told = report([*MEASURED, *estimated])
    corrected = {each["host"]: each.get("corrected") for each in told["operations"] if each["label"] == "test"}
    assert corrected["b"] is None, "another machine has another bias"
    assert corrected["a"] == {
        "energy_joules": pytest.approx(120 / 1.2 + 4 / 0.5),
        "reference": "rapl",
        "last_at": 1.7e9 + 60,
    }
    assert [each["component"] for each in told["biases"]] == ["cpu", "dram"]
    text = markdown_report([*MEASURED, *estimated])
    assert "model of cpu says 20 % more than rapl on a (2 measurements, the last at 2023-11-14 22:14 UTC)" in text
    assert "`test` by model, corrected by that: 108 J on average" in text


def test_a_part_without_a_bias_leaves_the_whole_uncorrected():
    told = report([MEASURED[0], kept("model", {"cpu": 1.0, "gpu": 1.0}, label="test")])
    assert all("corrected" not in each for each in told["operations"])


def test_a_component_without_a_number_leaves_the_whole_uncorrected():
    damaged = kept("model", {"cpu": 1.0, "dram": 1.0}, label="test")
    damaged.result["components"]["dram"] = None
    told = report([*MEASURED, damaged])
    assert all("corrected" not in each for each in told["operations"])


def test_a_less_trusted_method_is_no_reference():
    assert learn_biases([kept("model", {"cpu": 1.0}, ("cpu", "rapl", 2.0))]) == []


json_values = st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.lists(st.none(), max_size=2)


@given(
    st.lists(
        json_values | st.dictionaries(st.sampled_from(["component", "method", "ratio", "energy_joules"]), json_values)
    )
)
def test_whatever_is_stored_biases_are_sane(told):
    result = {"host": "a", "method": "rapl", "disagreements": told}
    biases = learn_biases([KeptMeasurement(1, 1.0, "x", None, 0, result)])
    assert all(0 < bias.ratio <= 100 for bias in biases)
