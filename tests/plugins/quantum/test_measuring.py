"""What is measured, how often, and within which budget."""

from __future__ import annotations

import time
from hashlib import sha3_256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core import NotAvailable
from collector_plugins.quantum import Quantum, merkle, metrics
from collector_plugins.quantum.budget import CpuBudget
from collector_plugins.quantum.measurement import _overheads
from collector_plugins.quantum.suites import PACKAGE, PostQuantum, suite
from tests.plugins.quantum.conftest import Ticks

OFFERED = ["ML-KEM-768", "ML-KEM-1024", "ML-DSA-44", "ML-DSA-65", "ML-DSA-87", "X25519", "Ed25519"]


def or_skip(algorithm):
    """Older versions of the library offer less."""
    try:
        return suite(algorithm)
    except NotAvailable as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("algorithm", OFFERED)
def test_every_operation_works_and_what_is_sent_has_the_size_of_its_standard(algorithm):
    sizes = {
        "ML-KEM-768": {"public_key": 1184, "ciphertext": 1088},  # FIPS 203, table 3
        "ML-KEM-1024": {"public_key": 1568, "ciphertext": 1568},
        "ML-DSA-44": {"public_key": 1312, "signature": 2420},  # FIPS 204, table 2
        "ML-DSA-65": {"public_key": 1952, "signature": 3309},
        "ML-DSA-87": {"public_key": 2592, "signature": 4627},
        "X25519": {"public_key": 32},
        "Ed25519": {"public_key": 32, "signature": 64},
    }
    found = or_skip(algorithm)
    for work in found.operations.values():
        work()
    assert found.sizes == sizes[algorithm]


def test_what_the_library_does_not_offer_is_absent_with_the_reason(quantum):
    harness = quantum(post_quantum=["ML-KEM-512"], random_source=None)
    harness.run()
    assert {algorithm for _, algorithm in harness.series(metrics.OPERATION)} == {"X25519"}
    assert harness.series(metrics.OVERHEAD) == {}
    (failure,) = harness.part_failures
    assert failure.labels == {"what": "ML-KEM-512"}
    assert failure.error.reason == "not_supported"
    assert "does not offer ML-KEM-512" in str(failure.error)
    assert "pip install" in failure.error.fix


def test_without_the_library_the_rest_is_measured(quantum, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "cryptography", None)  # as where it is not installed
    harness = quantum(random_source=None)
    harness.run()
    assert [failure.error.reason for failure in harness.part_failures] == ["not_found"] * 4
    assert "energy-collector[quantum]" in harness.part_failures[0].error.fix
    assert harness.series(metrics.MERKLE).keys() == {("SHA3-256",)}


def test_a_library_that_stands_on_something_too_old_does_not_offer_it(monkeypatch):
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import x25519

    class Old:
        @staticmethod
        def generate():
            raise UnsupportedAlgorithm("too old")

    monkeypatch.setattr(x25519, "X25519PrivateKey", Old)
    with pytest.raises(NotAvailable, match="does not offer X25519"):
        suite("X25519")
    assert x25519.__name__.startswith(PACKAGE)


def test_measurements_are_rare_and_shown_in_between(quantum):
    harness = quantum(random_source=None, measure_every="10m")
    harness.run()
    first = harness.value(metrics.MEASURED_AT), harness.value(metrics.CPU)
    for _ in range(5):
        harness.run(advance=100)
    assert (harness.value(metrics.MEASURED_AT), harness.value(metrics.CPU)) == first
    assert harness.series(metrics.OPERATION)
    harness.run(advance=100)
    assert harness.value(metrics.MEASURED_AT) == first[0] + 600
    assert harness.value(metrics.CPU) == 2 * first[1]


def test_the_budget_is_shared_evenly_and_kept():
    clock = Ticks()
    budget = CpuBudget(1.0, 4, clock)
    calls = []
    for task in range(4):
        budget.mean_time(lambda task=task: calls.append(task))
    assert clock() == pytest.approx(1.0, abs=0.02)
    assert len({calls.count(task) for task in range(4)}) == 1


def test_an_operation_longer_than_its_share_is_done_once_after_a_warm_up():
    calls = []
    assert CpuBudget(0.001, 10, Ticks()).mean_time(lambda: calls.append(1)) == 1 / 1024
    assert len(calls) == 2


def test_the_real_clock_is_that_of_the_thread(collector_harness):
    """Not how long it takes: that CPU time is what is counted, and that the metric says what was taken."""
    harness = collector_harness(Quantum, random_source=None, cpu_budget_seconds=0.05, post_quantum=["ML-KEM-768"])
    before = time.thread_time()
    harness.run()
    assert 0.05 <= harness.value(metrics.CPU) <= time.thread_time() - before
    assert harness.value(metrics.BUDGET) == 0.05


@pytest.mark.parametrize("size", [0, 1, 2, 3, 5, 256])
def test_a_merkle_tree_is_that_of_rfc_6962_with_sha3(size):
    def expected(leaves):
        """The definition of section 2.1: split at the largest power of two below the number of leaves."""
        if len(leaves) <= 1:
            return sha3_256(b"\0" + leaves[0]).digest() if leaves else sha3_256().digest()
        split = 1 << (len(leaves) - 1).bit_length() - 1
        return sha3_256(b"\1" + expected(leaves[:split]) + expected(leaves[split:])).digest()

    leaves = [number.to_bytes(32) for number in range(size)]
    assert merkle.root(leaves) == expected(leaves)
    if size == merkle.LEAVES:
        assert merkle.build() == expected(leaves)


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=20), st.data())
def test_every_leaf_counts(leaves, data):
    place = data.draw(st.integers(0, len(leaves) - 1))
    changed = [*leaves[:place], leaves[place] + b"x", *leaves[place + 1 :]]
    assert merkle.root(leaves) != merkle.root(changed)


def test_post_quantum_algorithms_are_compared_with_what_they_replace():
    assert {str(each): each.classical for each in PostQuantum} == {
        "ML-KEM-512": "X25519",
        "ML-KEM-768": "X25519",
        "ML-KEM-1024": "X25519",
        "ML-DSA-44": "Ed25519",
        "ML-DSA-65": "Ed25519",
        "ML-DSA-87": "Ed25519",
    }


def test_overhead_is_the_post_quantum_time_by_the_classical_one_where_both_have_the_operation():
    times, of_classical = {"key_exchange": 3.0, "encapsulation": 1.0}, {"key_exchange": 2.0, "key_generation": 1.0}
    found = _overheads("ML-KEM-768", times, "X25519", of_classical)
    assert found == {(metrics.OVERHEAD, ("key_exchange", "ML-KEM-768", "X25519")): 1.5}
