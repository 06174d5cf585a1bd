"""The whole program with a real Ethereum node: anvil, over HTTP, websocket and its unix socket."""

import contextlib
import json
import os
import time
import urllib.request
from types import SimpleNamespace

import pytest

from tests import services
from tests.alertmanager import Alertmanager
from tests.webhookserver import WebhookServer

WINDOW = 10
ACCOUNT = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"  # anvil's first one, always the same
OTHER = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8"
NODES = ("http", "ws", "ipc")


class Anvil:
    """A node on a fixed port that makes a block each second; `stop` and `start` as often as the test likes."""

    def __init__(self, program, spawn, port, socket):
        self._program, self._spawn, self.port, self.socket = program, spawn, port, socket
        self.start()

    def start(self):
        command = [self._program, "--port", self.port, "--ipc", self.socket, "--block-time", 1, "--silent"]
        self.process = self._spawn(*command)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                self.ask("eth_blockNumber")
                return
            time.sleep(0.05)
        raise AssertionError(f"does not answer:\n{self.process.log}")

    def stop(self):
        self.process.stop()

    def ask(self, method, *params):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}", body, headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            said = json.load(answer)
        assert "error" not in said, said
        return said["result"]

    def number(self, method, *params):
        return int(self.ask(method, *params), 16)

    def send(self, transactions=1, **fields):
        for _ in range(transactions):
            self.ask("eth_sendTransaction", {"from": ACCOUNT, "to": OTHER, "value": "0x1"} | fields)

    def stand_still(self):
        """No further block."""
        self.ask("evm_setIntervalMining", 0)
        self.ask("evm_setAutomine", False)

    def block(self, number):
        return self.ask("eth_getBlockByNumber", hex(number), False)

    def transactions(self, above, to):
        return sum(len(self.block(number)["transactions"]) for number in range(above + 1, to + 1))

    def rate(self):
        """Transactions per second over the window before the newest block, by what the node says."""
        height = self.number("eth_blockNumber")
        end = int(self.block(height)["timestamp"], 16)
        anchor = next(n for n in range(height, -1, -1) if int(self.block(n)["timestamp"], 16) <= end - WINDOW)
        return self.transactions(anchor, height) / (end - int(self.block(anchor)["timestamp"], 16))


@pytest.fixture
def anvil(spawn, free_port, tmp_path):
    program = services.anvil()
    if program is None:
        message = f"{services.ANVIL} is not installed: python tests/services.py install"
        (pytest.fail if os.environ.get("REQUIRE_SERVICES") else pytest.skip)(message)
    return Anvil(program, spawn, free_port(), tmp_path / "anvil.ipc")


ALERTS = """
      alerts:
        interval: 500ms
        options:
          instance: rack
          default_rules: false
          state_dir: state
          startup_grace: 1s
          group_wait: 100ms
          group_interval: 100ms
          rules:
            - {alert: NodeDown, series: 'collector_up{collector="blockchain"}', equals: 0, for: 1s, severity: critical}
          channels:
            hook: {type: webhook, url: "HOOK"}
            central: {type: alertmanager, urls: "ALERTMANAGER", resend: 1s}
"""


@pytest.fixture
def told(require, tmp_path):
    """A webhook, a real Alertmanager, and what that hands on."""
    program = require("prometheus-alertmanager")
    with (
        WebhookServer() as hook,
        WebhookServer() as handed_on,
        Alertmanager(program, tmp_path / "am", handed_on.url) as manager,
    ):
        yield SimpleNamespace(
            options=ALERTS.replace("HOOK", hook.url).replace("ALERTMANAGER", manager.url),
            statuses=lambda: (hook.statuses("NodeDown"), handed_on.statuses("NodeDown")),
            alerts=lambda: [each["labels"]["alertname"] for each in manager.alerts()],
        )


@pytest.fixture
def program(anvil, collector):
    return started(anvil, collector)


def started(anvil, collector, more=""):
    urls = {
        "http": f"http://127.0.0.1:{anvil.port}",
        "ws": f"ws://127.0.0.1:{anvil.port}",
        "ipc": f"ipc://{anvil.socket}",
    }
    nodes = "".join(
        f"\n            - {{name: {name}, source: evm, url: {{$env: {name.upper()}_URL}}, window: {WINDOW}s}}"
        for name in NODES
    )
    config = f"""
    collectors:
      blockchain:
        interval: 1s
        options:
          nodes:{nodes}{more}
    """
    return collector(config, env={f"{name.upper()}_URL": url for name, url in urls.items()})


def value(program, name, labels):
    return program.samples().get(f"{name}{{{labels}}}")


def values(program, name):
    samples = program.samples()
    return [samples.get(f'{name}{{node="{node}"}}') for node in NODES]


def test_rate_height_and_pending_are_what_the_node_itself_says(anvil, program, eventually):
    eventually(lambda: None not in values(program, "blockchain_transactions_total"))
    for _ in range(2 * WINDOW):
        anvil.send(5)
        time.sleep(0.6)
    anvil.send(3, data="0xdeadbeef")
    pool = anvil.number("eth_blockNumber")
    eventually(lambda: anvil.number("eth_blockNumber") > pool + 1)
    anvil.stand_still()
    anvil.send(4)
    height = anvil.number("eth_blockNumber")
    pending = anvil.number("eth_getBlockTransactionCountByNumber", "pending")
    assert pending == int(anvil.ask("txpool_status")["pending"], 16) == 4
    eventually(lambda: values(program, "blockchain_block_height") == [height] * 3)
    eventually(lambda: values(program, "blockchain_mempool_transactions") == [pending] * 3)
    rate, size = anvil.rate(), int(anvil.block(height)["size"], 16)
    assert rate > 1
    eventually(lambda: values(program, "blockchain_transactions_per_second") == pytest.approx([rate] * 3))
    eventually(lambda: values(program, "blockchain_block_size_bytes") == [size] * 3)
    eventually(lambda: values(program, "blockchain_blocks_per_minute") == pytest.approx([60] * 3, rel=0.1))
    eventually(lambda: value(program, "blockchain_contract_calls_total", 'function="other",node="http"') == 3)


def test_every_transaction_of_every_block_counts_once_also_when_blocks_are_replaced(anvil, program, eventually):
    eventually(lambda: None not in values(program, "blockchain_transactions_total"))
    anvil.stand_still()
    start = anvil.number("eth_blockNumber")
    eventually(lambda: values(program, "blockchain_block_height") == [start] * 3)
    before = values(program, "blockchain_transactions_total")
    for count in (1, 4, 0, 2):
        anvil.send(count)
        anvil.ask("evm_mine")
    eventually(lambda: values(program, "blockchain_block_height") == [start + 4] * 3)
    eventually(lambda: values(program, "blockchain_transactions_total") == [each + 7 for each in before])
    anvil.ask("anvil_reorg", 2, [])  # the two blocks with 0 and 2 transactions are replaced by empty ones
    eventually(lambda: values(program, "blockchain_reorganizations_total") == [1] * 3)
    eventually(lambda: values(program, "blockchain_reorganized_blocks_total") == [2] * 3)
    anvil.send(3)
    anvil.ask("evm_mine")
    now = anvil.transactions(start, anvil.number("eth_blockNumber"))
    expected = [each + max(7, now) for each in before]
    eventually(lambda: values(program, "blockchain_transactions_total") == expected)
    eventually(lambda: values(program, "blockchain_chain_resets_total") == [0] * 3)


def test_a_node_that_stops_leaves_no_numbers_and_a_reason_and_comes_back_as_restarted(anvil, program, eventually):
    eventually(lambda: None not in values(program, "blockchain_transactions_total"))
    up = 'collector="blockchain",plugin="blockchain"'
    anvil.stop()
    eventually(lambda: value(program, "collector_up", up) == 0)
    samples = program.samples()
    shown = {name.partition("{")[0] for name in samples if name.startswith("blockchain_")}
    assert shown <= {"blockchain_node_up", "blockchain_node_unavailable_info"}
    assert samples[f'collector_unavailable_info{{{up},reason="unreachable"}}'] == 1
    assert "start the node" in program.log
    assert str(anvil.port) not in program.log
    anvil.start()
    eventually(lambda: value(program, "collector_up", up) == 1, 60)
    eventually(lambda: values(program, "blockchain_node_restarts_total") == [1] * 3)
    eventually(lambda: values(program, "blockchain_chain_resets_total") == [1] * 3)
    height = anvil.number("eth_blockNumber")
    eventually(lambda: min(each or 0 for each in values(program, "blockchain_block_height")) >= height)


def test_a_node_that_stops_reaches_alertmanager_and_the_webhook_once_and_its_return_too(
    anvil, collector, told, eventually
):
    program = started(anvil, collector, told.options)
    eventually(lambda: None not in values(program, "blockchain_transactions_total"))
    assert told.statuses() == ([], [])
    anvil.stop()
    eventually(lambda: told.statuses() == (["firing"], ["firing"]))
    assert told.alerts() == ["NodeDown"]
    assert values(program, "blockchain_block_height") == [None] * 3
    time.sleep(3)  # several looks and resends: nobody is told again
    assert told.statuses() == (["firing"], ["firing"])
    anvil.start()
    eventually(lambda: told.statuses() == (["firing", "resolved"], ["firing", "resolved"]), 60)
    assert told.alerts() == []


def test_a_post_into_a_collector_that_waits_after_failures_is_shown_at_once(collector, eventually):
    program = collector(
        "collectors: {blockchain: {interval: 1h, options: {nodes: [{name: own, source: push}]}}}",
    )
    up = 'collector_up{collector="blockchain",plugin="blockchain"}'
    eventually(lambda: program.samples().get(up) == 0)
    body = json.dumps({"block_height": 7, "contract_calls": {"mint": 3}}).encode()
    url = f"http://127.0.0.1:{program.port}/api/v1/push/blockchain/own"
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 202
    eventually(lambda: program.samples().get('blockchain_contract_calls_total{function="mint",node="own"}') == 3)
    assert program.samples()[up] == 1
