"""A simulated machine and two simulated simulations, for trying dashboards: `energy-collector run --demo`."""

from __future__ import annotations

from collector_core import Collector, Context, Readings
from collector_core.demo import Totals, daily, noise, pick
from collector_plugins.quantum import metrics
from collector_plugins.quantum.config import Config
from collector_plugins.quantum.security import strengths

# CPU seconds of an operation and bytes of what is sent, of a usual processor of 2023.
SECONDS = {
    "ML-KEM-768": {"key_generation": 3.5e-5, "encapsulation": 2.6e-5, "decapsulation": 3.1e-5, "key_exchange": 9.5e-5},
    "X25519": {"key_generation": 2.9e-5, "key_exchange": 1.2e-4},
    "ML-DSA-65": {"key_generation": 1.1e-4, "sign": 4.3e-4, "verify": 1.0e-4},
    "Ed25519": {"key_generation": 2.9e-5, "sign": 3.0e-5, "verify": 8.5e-5},
}
SIZES = {
    "ML-KEM-768": {"public_key": 1184, "ciphertext": 1088},
    "X25519": {"public_key": 32},
    "ML-DSA-65": {"public_key": 1952, "signature": 3309},
    "Ed25519": {"public_key": 32, "signature": 64},
}
PAIRS = (("ML-KEM-768", "X25519"), ("ML-DSA-65", "Ed25519"))
SIMULATIONS = (("vqe-h2o", 14), ("qaoa-maxcut", 20))
MEASURED_EVERY = 600.0


class DemoQuantum(Collector[Config]):
    """What a measurement every ten minutes would find, and two circuits that are simulated by turns."""

    name = "quantum"
    metrics = metrics.ALL
    config_type = Config

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._cpu = Totals()

    def collect(self, out: Readings) -> None:
        """Show what was measured last, and the circuits as they run now."""
        now = self.ctx.clock.time()
        measured = now - now % MEASURED_EVERY
        self._show_measurement(out, measured)
        out.add(metrics.CPU, self._cpu.grow("cpu", 1 / MEASURED_EVERY, now))
        out.add(metrics.BUDGET, 1.0)
        out.add(metrics.MEASURED_AT, measured)
        for name, qubits in SIMULATIONS:
            _show_simulation(out, name, qubits, now)

    def _show_measurement(self, out: Readings, when: float) -> None:
        times = {
            (operation, algorithm): seconds * (1 + noise(when, f"{algorithm} {operation}", 0.06, MEASURED_EVERY))
            for algorithm, operations in SECONDS.items()
            for operation, seconds in operations.items()
        }
        for (operation, algorithm), seconds in times.items():
            out.add(metrics.OPERATION, seconds, operation=operation, algorithm=algorithm)
        for algorithm, classical in PAIRS:
            for operation in SECONDS[algorithm].keys() & SECONDS[classical].keys():
                ratio = times[operation, algorithm] / times[operation, classical]
                out.add(metrics.OVERHEAD, ratio, operation=operation, algorithm=algorithm, classical=classical)
        for algorithm, sizes in SIZES.items():
            strength = strengths()[algorithm]
            for part, size in sizes.items():
                out.add(metrics.SIZE, size, algorithm=algorithm, part=part)
            for kind, bits in strength._asdict().items():
                out.add(metrics.SECURITY, bits, algorithm=algorithm, kind=kind)
            out.add(metrics.ALERTS, strength.quantum == 0, finding="quantum_vulnerable", subject=algorithm)
        out.add(metrics.MERKLE, 850_000 * (1 + noise(when, "merkle", 0.05, MEASURED_EVERY)), hash="SHA3-256")
        rate = 190_000 * (1 + noise(when, "hwrng", 0.1, MEASURED_EVERY))
        out.add(metrics.THROUGHPUT, rate, source="/dev/hwrng")


def _show_simulation(out: Readings, name: str, qubits: int, now: float) -> None:
    depth = pick((80, 120, 200, 320), now, f"{name} depth", 1800)
    fidelity = 0.995 + noise(now, f"{name} fidelity", 0.004)
    row = (*metrics.SIMULATION,)
    values = (
        qubits,
        depth,
        depth * qubits * 0.7,
        4096,
        fidelity,
        daily(now, 4, 9, peak_hour=15) * depth / 100,
        16.0 * 2**qubits,
    )
    out.add_row(row, values, simulation=name)
    out.add(metrics.INFO, simulation=name, backend="statevector")
