"""Nodes that are recorded in a folder, for test cases.

NAME.json   an EVM node: `blocks` as eth_getBlockByNumber gives them, `methods` and their answers, `final` (a height)
NAME.prom   a page of metrics
What is not there is a node that does not run.
"""

import json
from types import SimpleNamespace

from collector_core import NotListening, Reason
from collector_plugins.blockchain import Blockchain
from collector_plugins.blockchain.evm import Evm
from collector_plugins.blockchain.prometheus_source import PrometheusSource
from tests.plugins.blockchain.fakechain import FakeNode


class Recorded:
    """A transport that reads the folder anew whenever it is asked."""

    def __init__(self, folder, name):
        self._folder, self._name = folder, name

    async def exchange(self, message):
        data = json.loads(self._read("json"))
        node = FakeNode(SimpleNamespace(blocks=Blocks(data["blocks"]), chain_id=1))
        node.methods, node.final = data["methods"], data.get("final")
        return node.handle(message)

    async def get(self, feed):
        feed(self._read("prom").encode())

    async def close(self):
        pass

    def _read(self, kind):
        try:
            return (self._folder / f"{self._name}.{kind}").read_text()
        except OSError:
            raise NotListening(Reason.UNREACHABLE, "nothing listens at its address", fix="check that it runs") from None


class Blocks:
    """The recorded blocks by their number: not all are kept."""

    def __init__(self, blocks):
        self._blocks = {int(block["number"], 16): block for block in blocks}

    def __len__(self):
        return max(self._blocks) + 1

    def __getitem__(self, number):
        return self._blocks.get(number)


class RecordedBlockchain(Blockchain):
    """Its nodes are in the root."""

    def make_source(self, node):
        recorded = Recorded(self.ctx.root, node.name)
        if node.source == "evm":
            return Evm(node, recorded, self.ctx.clock, self.ctx.logger.warning)
        if node.source == "prometheus":
            return PrometheusSource(node, recorded, self.ctx.clock)
        return super().make_source(node)
