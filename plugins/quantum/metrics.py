"""What the plugin publishes: one declaration for each metric."""

from __future__ import annotations

from collector_core import Counter, Gauge, Info, Unit

THROUGHPUT = Gauge(
    "quantum_random_throughput_bytes_per_second",
    "Bytes returned by the random source per second of waiting, at the last measurement.",
    labels=("source",),
    topic="throughput",
    of="random_source",
    title="Throughput of a random source",
)
OPERATION = Gauge(
    "quantum_operation_seconds",
    "Mean CPU time of one operation on this machine, at the last measurement.",
    Unit.SECONDS,
    ("operation", "algorithm"),
    topic="operation_time",
    of="cryptography",
    title="CPU time of a cryptographic operation",
)
OVERHEAD = Gauge(
    "quantum_overhead_ratio",
    "CPU time of a post-quantum operation divided by that of the classical one: 1 is equal.",
    Unit.RATIO,
    ("operation", "algorithm", "classical"),
    topic="overhead",
    of="cryptography",
    title="Overhead of post-quantum cryptography",
)
SIZE = Gauge(
    "quantum_size_bytes",
    "Size of what an algorithm sends: public_key, ciphertext, signature.",
    Unit.BYTES,
    ("algorithm", "part"),
    topic="message_size",
    of="cryptography",
    title="Size of a cryptographic message",
)
MERKLE = Gauge(
    "quantum_merkle_operations_per_second",
    "Hashes of leaves and nodes per second of CPU time while building Merkle trees.",
    labels=("hash",),
    topic="hash_rate",
    of="cryptography",
    title="Merkle tree hashes per second",
)
SECURITY = Gauge(
    "quantum_security_level",
    "Security strength of an algorithm that is in use, by `kind` of attacker: classical, quantum.",
    labels=("algorithm", "kind"),
    topic="security_strength",
    of="cryptography",
    title="Security strength of an algorithm",
)
ALERTS = Gauge(
    "quantum_alerts",
    "1 while a finding holds, 0 while it does not: weak_algorithm, quantum_vulnerable, slow_algorithm, random_source, "
    "low_fidelity; of an algorithm, a source or a simulation.",
    labels=("finding", "subject"),
    topic="finding",
    of="cryptography",
    title="Quantum finding",
)
CPU = Counter("quantum_cpu_seconds_total", "CPU time used by measurements.", Unit.SECONDS, of="cryptography")
BUDGET = Gauge("quantum_cpu_budget_seconds", "CPU time that one measurement may take.", Unit.SECONDS, of="cryptography")
MEASURED_AT = Gauge(
    "quantum_last_measurement_timestamp_seconds",
    "Time of the last measurement, in seconds since 1970.",
    Unit.SECONDS,
    of="cryptography",
)


_SIMULATION = ("simulation",)

QUBITS = Gauge(
    "quantum_simulation_qubits",
    "Qubits of a simulation, as pushed.",
    labels=_SIMULATION,
    topic="qubits",
    of="quantum_simulation",
    title="Qubits of a quantum simulation",
)
DEPTH = Gauge(
    "quantum_simulation_circuit_depth",
    "Depth of its circuit.",
    labels=_SIMULATION,
    topic="circuit_depth",
    of="quantum_simulation",
    title="Circuit depth of a quantum simulation",
)
GATES = Gauge(
    "quantum_simulation_gates",
    "Gates in its circuit.",
    labels=_SIMULATION,
    topic="gates",
    of="quantum_simulation",
    title="Gates of a quantum simulation",
)
SHOTS = Gauge(
    "quantum_simulation_shots",
    "Shots of its run.",
    labels=_SIMULATION,
    topic="shots",
    of="quantum_simulation",
    title="Shots of a quantum simulation",
)
FIDELITY = Gauge(
    "quantum_simulation_gate_fidelity_ratio",
    "Fidelity of its gates, 0 to 1.",
    Unit.RATIO,
    _SIMULATION,
    topic="gate_fidelity",
    of="quantum_simulation",
    title="Gate fidelity of a quantum simulation",
)
RUNTIME = Gauge(
    "quantum_simulation_runtime_seconds",
    "Duration of its run.",
    Unit.SECONDS,
    _SIMULATION,
    topic="run_time",
    of="quantum_simulation",
    title="Run time of a quantum simulation",
)
MEMORY = Gauge(
    "quantum_simulation_memory_bytes",
    "Memory used by its state.",
    Unit.BYTES,
    _SIMULATION,
    topic="memory_used",
    of="quantum_simulation",
    title="Memory of a quantum simulation",
)
INFO = Info(
    "quantum_simulation_info",
    "Backend of a simulation, as pushed.",
    (*_SIMULATION, "backend"),
    of="quantum_simulation",
    title="Quantum simulation",
)

SIMULATION = (QUBITS, DEPTH, GATES, SHOTS, FIDELITY, RUNTIME, MEMORY)
ALL = (THROUGHPUT, OPERATION, OVERHEAD, SIZE, MERKLE, SECURITY, ALERTS, CPU, BUDGET, MEASURED_AT, *SIMULATION, INFO)
