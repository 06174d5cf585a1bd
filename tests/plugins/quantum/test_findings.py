"""What should be looked at: weak and slow algorithms, a random source that fails, poor simulations."""

import pytest

from collector_plugins.quantum import metrics


def found(harness):
    return {labels: bool(value) for labels, value in harness.series(metrics.ALERTS).items()}


def test_by_default_nothing_is_judged(quantum):
    harness = quantum()
    harness.run()
    assert found(harness) == {}


def test_an_algorithm_in_use_is_judged_by_its_strength(quantum):
    harness = quantum(algorithms=["RSA-2048", "ML-KEM-768", "AES-128"], min_classical_bits=128, random_source=None)
    harness.run()
    assert found(harness) == {
        ("weak_algorithm", "RSA-2048"): True,
        ("quantum_vulnerable", "RSA-2048"): True,
        ("weak_algorithm", "ML-KEM-768"): False,
        ("quantum_vulnerable", "ML-KEM-768"): False,
        ("weak_algorithm", "AES-128"): False,
        ("quantum_vulnerable", "AES-128"): False,
    }


@pytest.mark.parametrize(("least", "holds"), [(None, False), (1.0, False), (1e12, True)])
def test_a_random_source_that_is_configured_is_judged_by_its_rate(quantum, tmp_path, least, holds):
    (tmp_path / "noise").write_bytes(b"x" * 10_000)
    harness = quantum(random_source="/noise", min_random_bytes_per_second=least)
    harness.run()
    assert found(harness) == {("random_source", "/noise"): holds}


def test_a_random_source_that_is_configured_and_absent_is_a_finding(quantum):
    harness = quantum(random_source="/dev/nothing")
    harness.run()
    assert found(harness) == {("random_source", "/dev/nothing"): True}


@pytest.mark.parametrize(("most", "holds"), [(1e-9, True), (1e9, False)])
def test_a_post_quantum_algorithm_that_is_too_slow_is_a_finding(quantum, most, holds):
    harness = quantum(max_overhead_ratio=most, random_source=None)
    harness.run()
    slow = {subject for _, subject in found(harness)}
    assert slow == {algorithm for _, algorithm, _ in harness.series(metrics.OVERHEAD)}
    assert set(found(harness).values()) <= {holds}


def test_a_simulation_of_low_fidelity_is_a_finding(quantum):
    harness = quantum(min_gate_fidelity_ratio=0.99, random_source=None)
    inbox = harness.collector._inbox
    for name, fidelity in (("good", 0.995), ("poor", 0.95)):
        inbox.put(name, b'{"gate_fidelity_ratio": %g}' % fidelity)
    inbox.put("silent", b'{"qubits": 2}')
    harness.run()
    assert found(harness) == {("low_fidelity", "good"): False, ("low_fidelity", "poor"): True}
