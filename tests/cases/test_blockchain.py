"""What users of nodes met: the recorded answers come to what is right."""

import json

import pytest

from collector_core import NotAvailable
from collector_plugins.blockchain import Blockchain, metrics
from tests.plugins.blockchain.served import Served

GRANT = {"jsonrpc": "2.0", "error": {"code": -32601, "message": "the method does not exist"}}


class RecordedNode:
    """Answers with recorded blocks, up to the height that is shown; `refuse` is what it says instead."""

    def __init__(self, blocks, methods, missing):
        self.blocks = {int(block["number"], 16): block for block in blocks}
        self.methods, self.missing = methods, missing
        self.height, self.refuse, self.messages = max(self.blocks), None, []

    def handle(self, message):
        request = json.loads(message)
        self.messages.append(request)
        refusal = self.refuse and self.refuse(request)
        if refusal is not None:
            return json.dumps(refusal).encode()
        one = isinstance(request, dict)
        return json.dumps(self._answer(request) if one else [self._answer(each) for each in request]).encode()

    def _answer(self, request):
        found = {"jsonrpc": "2.0", "id": request["id"]}
        if request["method"] != "eth_getBlockByNumber":
            known = request["method"] in self.methods
            return found | ({"result": self.methods[request["method"]]} if known else {"error": GRANT["error"]})
        tag = request["params"][0]
        if not tag.startswith("0x"):
            return found | {"result": self.blocks[self.height] if tag == "latest" else None}
        number = int(tag, 16)
        if number in self.blocks and number <= self.height:
            return found | {"result": self.blocks[number]}
        below = min(self.blocks) < number < self.height
        return found | (self.missing if below and self.missing else {"result": None})


@pytest.fixture
def run(case, tmp_path, collector_harness):
    """Serves a case's answers; gives the node and a harness that reads it."""
    served = []

    def start(name):
        answers = json.loads((case(f"svc/{name}") / "answers.json").read_text())
        node = RecordedNode(answers["blocks"], answers["methods"], answers["missing"])
        served.append(Served(node, tmp_path))
        harness = collector_harness(Blockchain, nodes=[{"name": "a", "source": "evm", "url": served[-1].http}])
        harness.clock.wall_time = max(int(block["timestamp"], 16) for block in answers["blocks"]) % 2**40 + 5.0
        return node, harness

    yield start
    for each in served:
        each.stop()


@pytest.fixture
def fake(tmp_path, collector_harness):
    """A sound node and a harness that reads it."""
    blocks = [
        {
            "number": hex(n),
            "hash": f"0x{n:064x}",
            "parentHash": f"0x{n - 1:064x}",
            "timestamp": hex(1_700_000_000 + 12 * n),
        }
        | {"transactions": [], "gasUsed": "0x0"}
        for n in range(100, 200)
    ]
    methods = {"eth_chainId": "0x2a", "eth_syncing": False, "net_peerCount": "0x7", "web3_clientVersion": "x"}
    served = Served(RecordedNode(blocks, methods, None), tmp_path)
    yield served.node, collector_harness(Blockchain, nodes=[{"name": "a", "source": "evm", "url": served.http}])
    served.stop()


def value(harness, metric):
    return harness.value(metric, node="a")


def is_up(harness):
    return harness.value(metrics.NODE_UP, node="a", source="evm")


@pytest.mark.parametrize("answer", ["answer-to-a-batch-of-nine", "erigon-before-3.4"])
def test_evm_batch_too_large(case, fake, answer):
    refusal = json.loads((case("svc/evm-batch-too-large") / f"{answer}.json").read_text())
    node, harness = fake
    node.refuse = lambda request: refusal if isinstance(request, list) and len(request) > 5 else None
    harness.run()
    assert (is_up(harness), value(harness, metrics.PEERS)) == (1, 7)


def test_evm_first_block_without_parent(run):
    _, harness = run("evm-first-block-without-parent")
    harness.run()
    assert (is_up(harness), value(harness, metrics.HEIGHT), value(harness, metrics.BLOCK_SIZE)) == (1, 1, None)


def test_evm_limit_in_http_200(case, fake):
    whole = json.loads((case("svc/evm-limit-in-http-200") / "whole.json").read_text())
    node, harness = fake
    harness.run()
    node.messages.clear()
    harness.run(advance=5)
    before = len(node.messages)
    node.refuse = lambda request: whole
    harness.run(advance=60)
    unavailable = harness.series(metrics.NODE_UNAVAILABLE)
    assert [reason for *_, reason in unavailable] == ["unreachable"]
    assert (
        "less often" in harness.part_failures[0].error.fix or "longer `interval`" in harness.part_failures[0].error.fix
    )
    for _ in range(3):
        with pytest.raises(NotAvailable):
            harness.run(advance=60)
    node.refuse = None
    node.messages.clear()
    harness.run(advance=60)
    assert (is_up(harness), len(node.messages)) == (1, before)


def test_evm_limit_in_http_200_in_part(case, fake):
    part = json.loads((case("svc/evm-limit-in-http-200") / "part.json").read_text())
    node, harness = fake
    harness.run()
    node.refuse = lambda request: part if isinstance(request, list) else part[2] | {"id": request["id"]}
    harness.run(advance=5)
    assert [reason for *_, reason in harness.series(metrics.NODE_UNAVAILABLE)] == ["unreachable"]


def test_evm_nanoseconds(run):
    _, harness = run("evm-nanoseconds")
    harness.clock.wall_time = int("0x14e7a61f9f107de2", 16) / 1e9 + 3
    harness.run()
    assert (is_up(harness), value(harness, metrics.HEIGHT)) == (1, 6)
    assert value(harness, metrics.BLOCK_AGE) == pytest.approx(3, abs=0.001)
    assert value(harness, metrics.BLOCKS_PER_MINUTE) == pytest.approx(1200)


@pytest.mark.parametrize("as_null", [False, True])
def test_evm_null_round(run, as_null):
    node, harness = run("evm-null-round")
    node.height = 502
    if as_null:
        node.missing = None
    harness.run()
    node.height = 505
    harness.run(advance=36)
    assert (is_up(harness), value(harness, metrics.HEIGHT), value(harness, metrics.STALLED)) == (1, 505, 0)
    assert value(harness, metrics.TRANSACTIONS) == 4
    assert value(harness, metrics.REORGANIZATIONS) == 0


def test_evm_parent_hash_differs(run):
    node, harness = run("evm-parent-hash-differs")
    node.height = 701
    harness.run()
    for height in range(702, 706):
        node.height = height
        harness.run(advance=12)
        assert value(harness, metrics.TRANSACTIONS) == 2 * (height - 701)
    assert (value(harness, metrics.STALLED), value(harness, metrics.REORGANIZATIONS)) == (0, 0)
    assert value(harness, metrics.BLOCKS_PER_MINUTE) == pytest.approx(5)


def test_evm_peers_as_a_number(run):
    _, harness = run("evm-peers-as-a-number")
    harness.run()
    assert value(harness, metrics.PEERS) == 7


def test_evm_syncing_without_a_target(run):
    _, harness = run("evm-syncing-without-a-target")
    harness.run()
    assert (value(harness, metrics.SYNCING), value(harness, metrics.BLOCK_LAG)) == (1, None)


PAGES = {
    "geth": ("chain_head_block", 21000123, "p2p_peers", 48),
    "nimbus": ("beacon_head_slot", 10500000, "libp2p_peers", 80),
    "besu": ("ethereum_blockchain_height", 19000000, "besu_peers_peer_count_by_client", 5),
    "cometbft": ("cometbft_consensus_height", 12345678, "none", None),
    "substrate": ('substrate_block_height{status="best"}', 24000010, "none", None),
}


@pytest.mark.parametrize("program", PAGES)
def test_node_pages(case, fake, tmp_path, collector_harness, program):
    height, height_is, peers, peers_are = PAGES[program]
    folder = tmp_path / "page"
    folder.mkdir()
    served = Served(None, folder)
    served.page = (case("svc/node-pages") / f"{program}.txt").read_bytes()
    node = {"name": "a", "source": "prometheus", "url": f"{served.http}/metrics"}
    try:
        harness = collector_harness(Blockchain, nodes=[node | {"metrics": {"block_height": height, "peers": peers}}])
        harness.run()
    finally:
        served.stop()
    assert (value(harness, metrics.HEIGHT), value(harness, metrics.PEERS)) == (height_is, peers_are)
