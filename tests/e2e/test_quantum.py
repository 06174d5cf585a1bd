"""The whole program measures post-quantum cryptography on this machine, and takes what simulations push."""

import pytest

from tests.e2e.test_inference import post

CONFIG = """
collectors:
  quantum:
    interval: 200ms
    options:
      cpu_budget_seconds: 0.1
      random_source: /dev/urandom
      push: {token: canary-8d21, expires_after: 2s, max_names: 2}
"""
PATH = "/api/v1/push/quantum/ghz"
GHZ = 'quantum_simulation_qubits{simulation="ghz"}'


def numbers(text):
    lines = [line for line in text.splitlines() if line.startswith("quantum_")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def test_once_measures_everything_within_the_budget(command, tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG)
    done = command("once", "quantum", "--config", config)
    assert done.returncode == 0, done.stderr
    found = numbers(done.stdout)
    for labels in (
        'algorithm="ML-KEM-768",classical="X25519",operation="key_exchange"',
        'algorithm="ML-DSA-65",classical="Ed25519",operation="sign"',
        'algorithm="ML-DSA-65",classical="Ed25519",operation="verify"',
    ):
        assert found[f"quantum_overhead_ratio{{{labels}}}"] > 0
    assert found['quantum_random_throughput_bytes_per_second{source="/dev/urandom"}'] > 0
    assert found['quantum_merkle_operations_per_second{hash="SHA3-256"}'] > 0
    assert found['quantum_security_level{algorithm="ML-KEM-768",kind="classical"}'] == 192
    assert found["quantum_cpu_seconds_total"] == pytest.approx(0.1, abs=0.1)
    operations = [value for name, value in found.items() if name.startswith("quantum_operation_seconds")]
    assert len(operations) == 12
    assert all(0 < value < 0.1 for value in operations)


def test_a_push_is_shown_at_once_although_measurements_are_rare_and_expires(collector, eventually):
    program = collector(CONFIG)
    status, _ = post(program, PATH, {"qubits": 20, "backend": "statevector"})
    assert status == 202
    eventually(lambda: program.samples().get(GHZ) == 20)
    assert program.samples()['quantum_simulation_info{backend="statevector",simulation="ghz"}'] == 1
    cpu = program.samples()["quantum_cpu_seconds_total"]
    eventually(lambda: GHZ not in program.samples())
    assert program.samples()["quantum_cpu_seconds_total"] == cpu, "nothing is measured for a push"


def test_what_is_no_push_is_refused_with_the_reason(collector):
    program = collector(CONFIG)
    for body, field in (({"qubits": 0}, "qubits"), ({"gate_fidelity_ratio": 2}, "gate_fidelity_ratio"), ({}, None)):
        status, answer = post(program, PATH, body)
        assert (status, answer.get("field")) == (400, field)
        assert answer["error"]
    assert post(program, PATH, {"backend": "x" * 100_000})[0] == 413
    assert post(program, PATH, {"qubits": 2}, Authorization="Bearer wrong")[0] == 401
    statuses = [post(program, f"/api/v1/push/quantum/s{number}", {"qubits": 2})[0] for number in range(3)]
    assert statuses == [202, 202, 429]


def test_the_demo_shows_both_plugins(collector, eventually):
    program = collector(None, "--demo")
    eventually(lambda: 'inference_latency_mean_seconds{demo="true",model="llama-3.1-8b"}' in program.samples())
    eventually(lambda: 'quantum_simulation_qubits{demo="true",simulation="vqe-h2o"}' in program.samples())
