"""A model of what an operation costs, learnt from measurements whose truth is known."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core.energy import KeptMeasurement
from collector_core.measure.operation_model import operation_model


def kept(energy, work, method="rapl", components=("cpu", "dram")):
    shares = {} if energy is None else {name: energy / len(components) for name in components}
    result = {"method": method, "energy_joules": energy, "components": shares, "work": work}
    return KeptMeasurement(1, 1.7e9, "send", None, 0, result)


def sent(count, noise=0.0, seed=1):
    """Transfers and contracts: 3 J, 20 µJ per gas, 4 mJ per byte."""
    chance = random.Random(seed)
    for _ in range(count):
        gas, size = chance.uniform(21_000, 500_000), chance.uniform(100, 2000)
        yield kept(3 + 20e-6 * gas + 4e-3 * size + chance.gauss(0, noise), {"gas": gas, "bytes": size})


def test_what_is_exact_is_found_exactly():
    model = operation_model(list(sent(6)), "send", ("gas", "bytes"))
    assert model.intercept == pytest.approx(3)
    assert model.coefficients == {"gas": pytest.approx(20e-6), "bytes": pytest.approx(4e-3)}
    found = model.predict(gas=100_000, bytes=500)
    assert (found.energy_joules, found.error_joules) == (pytest.approx(7), pytest.approx(0, abs=1e-6))


def test_the_error_covers_what_will_be_measured():
    model = operation_model(list(sent(30, noise=0.5)), "send", ("gas", "bytes"))
    assert model.deviation_joules == pytest.approx(0.5, rel=0.4)
    later = [(each.figure("energy_joules"), model.predict(**each.result["work"])) for each in sent(400, 0.5, seed=2)]
    within = sum(abs(energy - found.energy_joules) <= found.error_joules for energy, found in later)
    assert 0.9 <= within / 400 <= 0.99
    assert model.predict(gas=1e8, bytes=10).error_joules > 10 * later[0][1].error_joules, "far from what was seen"


def test_only_what_measures_the_same_is_learnt_from():
    strangers = [kept(900.0, {"gas": 21_000, "bytes": 110}, method, ("cpu",)) for method in ("model",) * 20]
    unknown = [kept(None, {"gas": 1, "bytes": 1}), kept(5.0, {"gas": 1}), kept(5.0, "much"), kept(5.0, {"gas": "x"})]
    model = operation_model([*strangers, *sent(6), *unknown], "send", ("gas", "bytes"))
    assert (model.count, model.intercept) == (6, pytest.approx(3))


def test_what_is_missing_is_said():
    with pytest.raises(ValueError, match=r"3 measurements of 'send' know their energy and gas, bytes; 4 are needed"):
        operation_model(list(sent(3)), "send", ("gas", "bytes"))
    with pytest.raises(ValueError, match="0 measurements of 'send'"):
        operation_model([], "send", ("gas",))
    always = [kept(5.0 + n, {"gas": 21_000, "bytes": n}) for n in range(9)]
    with pytest.raises(ValueError, match="gas never varies on its own"):
        operation_model(always, "send", ("gas", "bytes"))
    alike = [kept(5.0 + n, {"gas": 100 * n, "bytes": n}) for n in range(9)]
    with pytest.raises(ValueError, match="bytes never varies on its own"):
        operation_model(alike, "send", ("gas", "bytes"))


def test_a_prediction_takes_just_the_work_that_was_learnt():
    model = operation_model(list(sent(6)), "send", ("gas", "bytes"))
    for work in ({"gas": 1}, {"gas": 1, "bytes": 1, "more": 1}, {"gas": float("nan"), "bytes": 1}):
        with pytest.raises(ValueError, match=r"takes gas, bytes|finite"):
            model.predict(**work)


def test_without_work_it_is_the_mean():
    model = operation_model([kept(energy, {}) for energy in (4.0, 5.0, 6.0)], "send", ())
    assert (model.intercept, model.predict().energy_joules) == (pytest.approx(5), pytest.approx(5))


@given(st.lists(st.tuples(st.floats(0, 1e12), st.floats(0, 1e12), st.floats(0, 1e9)), max_size=12))
def test_whatever_was_measured_gives_a_model_or_says_why_not(points):
    measured = [kept(energy, {"gas": gas, "bytes": size}) for gas, size, energy in points]
    try:
        model = operation_model(measured, "send", ("gas", "bytes"))
    except ValueError:
        return
    assert model.predict(gas=1.0, bytes=1.0).error_joules >= 0
