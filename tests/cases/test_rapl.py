"""Recorded RAPL trees with the right answer, read as the program reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector_core import NotAvailable
from collector_core.energy import Ledger
from collector_core.testing import Harness
from collector_plugins.rapl import ENERGY, POWER, Rapl
from tests.cases.conftest import copy_tree


class Machine:
    """A copy of a case's tree, whose counters may be written."""

    def __init__(self, root: Path, harness: Harness) -> None:
        self.root, self.harness = root, harness
        self.ledger = Ledger()
        self.ledger_watts: list[float] = []

    def advance(self, watts: dict[str, float], seconds: float = 1.0) -> None:
        """Let zones draw so much for a while, then run."""
        for path, power in watts.items():
            counter = self.root / "sys/class/powercap" / path / "energy_uj"
            counter.write_text(f"{int(counter.read_text()) + int(power * seconds * 1e6)}\n")
        self.run(seconds)

    def run(self, advance: float = 0.0) -> None:
        self.harness.run(advance=advance)
        meters = self.harness.collector.collector_energy_meters()
        self.ledger.update(meters, self.harness.clock.monotonic())
        self.ledger_watts += self.ledger.watts().values()

    def counted(self) -> dict[tuple[str, str], float]:
        return {(account.component, account.device): joules for account, joules in self.ledger.joules.items()}


@pytest.fixture
def machine(case_root, collector_harness):
    def make(name):
        root = case_root(name)
        return Machine(root, collector_harness(Rapl, root=root))

    return make


def test_rapl_counter_that_jumps_and_returns(case, machine):
    name = "hw/rapl-counter-that-jumps-and-returns"
    here, watts = machine(name), []
    for step in sorted((case(name) / "steps").iterdir()):
        copy_tree(step, here.root)
        here.run(advance=1.0)
        watts += here.harness.series(POWER).values()
    joules = here.harness.value(ENERGY, package="0", zone="package-0", path="intel-rapl:0")
    assert 50 < joules <= 61.6
    assert max(watts) < 30
    assert here.counted() == {("cpu", "package-0"): pytest.approx(joules)}
    assert max(here.ledger_watts) < 30


def test_rapl_masked_in_a_container(machine):
    with pytest.raises(NotAvailable) as raised:
        machine("hw/rapl-masked-in-a-container").run()
    assert raised.value.reason == "not_found"
    assert "masked" in str(raised.value)
    assert "/sys" in raised.value.fix


def test_rapl_msr_and_mmio_differ(machine):
    here = machine("hw/rapl-msr-and-mmio-differ")
    here.run()
    for _ in range(3):
        here.advance({"intel-rapl:0": 3.93, "intel-rapl-mmio:0": 3.78, "intel-rapl:1": 9.61, "intel-rapl:0:0": 0.9})
    assert here.counted() == {("cpu", "package-0"): pytest.approx(3 * 3.93)}


def test_rapl_psys_between_the_packages(machine):
    here = machine("hw/rapl-psys-between-the-packages")
    here.run()
    draw = {"intel-rapl:0": 210.0, "intel-rapl:0:0": 31.0, "intel-rapl:1": 640.0, "intel-rapl:2": 190.0}
    for _ in range(3):
        here.advance(draw | {"intel-rapl:2:0": 29.0})
    assert here.counted() == pytest.approx(
        {
            ("cpu", "package-0"): 630.0,
            ("dram", "package-0"): 93.0,
            ("cpu", "package-1"): 570.0,
            ("dram", "package-1"): 87.0,
        }
    )
