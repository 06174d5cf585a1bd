"""Joules per transaction, and the simulated nodes."""

import pytest

from collector_core import Component, EnergyMeter, EnergyMethod, EnergyReading
from collector_core.testing import Harness
from collector_plugins.blockchain import Blockchain, collector_demo_types, metrics
from tests.plugins.blockchain.fakechain import TRANSFER, FakeChain


class Meter:
    """An energy meter that says what the test sets."""

    def __init__(self, component="cpu", method="rapl"):
        self.component, self.method = Component(component), EnergyMethod(method)
        self.reading = None

    def says(self, joules, time, gaps=0):
        self.reading = EnergyReading(joules, time, gaps)

    @property
    def meter(self):
        def latest():
            return self.reading

        return EnergyMeter(self.component, "0", self.method, 0.01, 1.0, latest, read=latest)


class Machine:
    """A machine with meters, one node on it, and 3 transactions in each block of 12 s."""

    def __init__(self, node, *meters, **options):
        self.chain, self.meters = node.node.chain, meters
        nodes = [{"name": "a", "source": "evm", "url": node.http} | options.pop("extra", {})]
        self.harness = Harness(
            Blockchain, energy_meters=lambda: [each.meter for each in meters], nodes=nodes, **options
        )
        self.now = self.harness.clock.monotonic

    def look(self, *joules, blocks=1, gaps=0, advance=12):
        self.chain.grow(blocks, TRANSFER, TRANSFER, TRANSFER)
        for meter, value in zip(self.meters, joules, strict=True):
            meter.says(value, self.now() + advance, gaps)
        self.harness.run(advance=advance)
        return self.harness.value(metrics.ENERGY_PER_TRANSACTION, node="a")


@pytest.fixture
def machine(node):
    made = []

    def make(*meters, **options):
        made.append(Machine(node, *meters, **options))
        return made[-1]

    yield make
    for each in made:
        each.harness.close()


def test_a_transaction_costs_what_the_machine_drew_by_the_transactions_of_the_node(machine):
    here = machine(Meter("cpu"), Meter("dram"))
    assert here.look(1000, 100) is None
    assert here.look(1240, 160) == pytest.approx((240 + 60) / 3)
    assert here.look(1840, 160) == pytest.approx((840 + 60) / 6)


def test_only_chosen_components_count(machine):
    here = machine(Meter("cpu"), Meter("dram"), energy_components=["dram"])
    here.look(1000, 100)
    assert here.look(1240, 160) == pytest.approx(60 / 3)


def test_the_window_moves_on(machine):
    here = machine(Meter(), energy_window="24s")
    here.look(0)
    here.look(1000)
    here.look(1030)
    assert here.look(1060) == pytest.approx(60 / 6)


def test_without_transactions_there_is_no_cost(machine):
    here = machine(Meter())
    here.look(0)
    assert here.look(100, blocks=0) is None


def test_energy_that_is_not_known_begins_the_window_anew(machine):
    here = machine(Meter())
    here.look(0)
    assert here.look(100) is not None
    assert here.look(200, gaps=1) is None
    assert here.look(260, gaps=1) == pytest.approx(60 / 3)


def test_a_meter_that_begins_anew_begins_the_window_anew(machine):
    here = machine(Meter())
    here.look(5.4e6)
    assert here.look(5.4e6 + 300) == pytest.approx(100)
    assert here.look(30) is None
    assert here.look(90) is None
    assert here.look(150) == pytest.approx(60 / 3)


def test_blocks_that_were_skipped_begin_the_window_anew(machine):
    here = machine(Meter(), extra={"max_blocks": 10})
    here.look(0)
    assert here.look(100, blocks=30) is None
    assert here.look(160) == pytest.approx(60 / 3)


def test_a_machine_without_meters_has_no_cost(machine):
    here = machine()
    here.look()
    assert here.look() is None


def test_a_node_elsewhere_has_no_cost(machine):
    here = machine(Meter(), extra={"here": False})
    here.look(0)
    assert here.look(100) is None


def test_addresses_of_this_machine_are_known():
    from collector_plugins.blockchain.config import EvmNode

    def is_here(url):
        return EvmNode(name="a", source="evm", url=url).is_here

    assert all(map(is_here, ["http://127.0.0.1:8545", "ws://localhost:1", "ipc:///run/geth.ipc", "http://[::1]:8545"]))
    assert not any(map(is_here, ["http://192.0.2.7:8545", "https://localhost.example.org/v3"]))


def test_the_demo_simulates_two_nodes_whose_counters_grow_over_a_day(collector_harness):
    (cls,) = collector_demo_types()
    harness = collector_harness(cls)
    before = 0.0
    for _ in range(48):
        harness.run(advance=1800)
        total = harness.value(metrics.TRANSACTIONS, node="validator")
        assert total >= before
        before = total
        for metric in metrics.ALL:
            assert all(value >= 0 for value in harness.series(metric).values()), metric.name
    assert {node for (node,) in harness.series(metrics.HEIGHT)} == {"validator", "follower"}
    page = harness.exposition()
    for name in (
        "blockchain_transaction_validation_seconds",
        "blockchain_consensus_messages_per_second",
        "blockchain_consensus_participation_ratio",
        "blockchain_wasm_load_seconds",
        "blockchain_quantum_resistant_overhead_ratio",
        "blockchain_energy_per_transaction_joules",
    ):
        assert f'{name}{{node="follower"}}' in page
    assert 8 * 86_400 < before < 20 * 86_400
    assert harness.value(metrics.CONSENSUS_PARTICIPATION, node="validator") <= 1


def test_the_demo_and_the_real_thing_have_the_same_metrics():
    (cls,) = collector_demo_types()
    assert cls.metrics == Blockchain.metrics


def test_two_nodes_of_one_chain_cost_each_its_own(serve):
    chain = FakeChain()
    one, other = serve(chain), serve(chain)
    meter = Meter()
    nodes = [{"name": name, "source": "evm", "url": each.http} for name, each in (("one", one), ("other", other))]
    harness = Harness(Blockchain, energy_meters=lambda: [meter.meter], nodes=nodes)
    for joules in (0, 90):
        chain.add(TRANSFER)
        meter.says(joules, harness.clock.monotonic() + 12)
        harness.run(advance=12)
    assert harness.series(metrics.ENERGY_PER_TRANSACTION) == {("one",): 90, ("other",): 90}
    harness.close()
