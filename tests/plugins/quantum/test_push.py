"""Simulations that push: shown at the next run, whenever was measured; expired; and only sane numbers."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from collector_core.testing import FakeClock
from collector_plugins.quantum import collector_demo_types, metrics
from collector_plugins.quantum.config import Config
from collector_plugins.quantum.pushed import Simulation
from collector_plugins.quantum.security import strengths

METRICS = {
    "quantum_simulation_qubits": 20,
    "quantum_simulation_circuit_depth": 21,
    "quantum_simulation_gates": 20,
    "quantum_simulation_shots": 4096,
    "quantum_simulation_gate_fidelity_ratio": 0.998,
    "quantum_simulation_runtime_seconds": 1.5,
    "quantum_simulation_memory_bytes": 16 << 20,
}
GHZ = {name.removeprefix("quantum_simulation_"): value for name, value in METRICS.items()}


def push(harness, name, body):
    harness.collector._inbox.put(name, json.dumps(body).encode())


def shown(harness, name):
    found = {metric.name: harness.value(metric, simulation=name) for metric in metrics.SIMULATION}
    return {name.removeprefix("quantum_simulation_"): value for name, value in found.items() if value is not None}


def test_a_push_is_shown_at_the_next_run_without_measuring(quantum):
    harness = quantum(random_source=None)
    harness.run()
    measured = harness.value(metrics.CPU)
    push(harness, "ghz", GHZ | {"backend": "statevector"})
    harness.run(advance=5)
    assert shown(harness, "ghz") == GHZ
    assert {name for name in METRICS if f'\n{name}{{simulation="ghz"}} ' in harness.exposition()} == set(METRICS)
    assert 'quantum_simulation_info{backend="statevector",simulation="ghz"} 1.0' in harness.exposition()
    assert harness.value(metrics.CPU) == measured


def test_it_expires(quantum):
    harness = quantum(random_source=None, push={"expires_after": 30})
    push(harness, "ghz", {"qubits": 3})
    harness.run()
    assert shown(harness, "ghz") == {"qubits": 3}
    harness.run(advance=31)
    assert shown(harness, "ghz") == {}


def test_where_nobody_may_push_there_is_no_route(quantum):
    assert quantum(push=None).collector.collector_routes() == []
    (route,) = quantum().collector.collector_routes()
    assert route.path == "/api/v1/push/quantum/{name}"


def test_its_fields_are_called_as_the_metrics_are():
    names = {metric.name.removeprefix("quantum_simulation_") for metric in metrics.SIMULATION}
    assert set(Simulation.model_fields) == names | {"backend"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, ()),
        ({"qubits": 0}, ("qubits",)),
        ({"qubits": 2.5}, ("qubits",)),
        ({"gate_fidelity_ratio": 99.8}, ("gate_fidelity_ratio",)),
        ({"runtime_seconds": -1}, ("runtime_seconds",)),
        ({"depth": 3}, ("depth",)),
    ],
)
def test_what_is_no_sane_reading_is_refused_by_its_name(body, field):
    with pytest.raises(ValidationError) as caught:
        Simulation.model_validate(body)
    assert caught.value.errors()[0]["loc"] == field


values = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10))


@given(st.dictionaries(st.sampled_from(sorted(Simulation.model_fields)), values))
def test_whatever_is_taken_is_a_number_that_may_be_published(body):
    try:
        simulation = Simulation.model_validate(body)
    except ValidationError:
        return
    assert all(0 <= value <= 1e15 for value in simulation.values().values())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"algorithms": ["ROT13"]}, "no strength is known for 'ROT13'"),
        ({"random_source": "hwrng"}, "absolute path"),
        ({"random_source": "http://user:secret@host/"}, "a user or a password"),
        ({"post_quantum": ["Kyber"]}, "ML-KEM-768"),
        ({"cpu_budget_seconds": 60}, "less than or equal to 10"),
    ],
)
def test_options_that_cannot_work_are_refused(options, message):
    with pytest.raises(ValidationError, match=message) as caught:
        Config.model_validate(options)
    assert "secret" not in str(caught.value)


def test_strengths_are_those_of_their_categories():
    table = strengths()
    assert (table["ML-KEM-768"], table["ML-DSA-87"], table["Ed25519"]) == ((192, 96), (256, 128), (128, 0))
    for strength in table.values():
        assert 112 <= strength.classical <= 256
        assert strength.quantum <= 2 * strength.classical // 3


def test_the_demo_shows_every_metric_at_any_hour(collector_harness):
    (demo,) = collector_demo_types()
    harness = collector_harness(demo, clock=FakeClock())
    before = 0.0
    for _ in range(30):
        harness.run(advance=3600)
        assert all(harness.series(metric) for metric in metrics.ALL)
        assert harness.value(metrics.CPU) >= before
        before = harness.value(metrics.CPU)
        assert all(0 <= value <= 1 for value in harness.series(metrics.FIDELITY).values())
        assert all(value > 0 for value in harness.series(metrics.OVERHEAD).values())
