"""Fake nodes and the collector that reads them."""

import pytest

from collector_plugins.blockchain import Blockchain
from tests.plugins.blockchain.fakechain import FakeChain, FakeNode
from tests.plugins.blockchain.served import Served


@pytest.fixture
def chain():
    return FakeChain()


@pytest.fixture
def serve(tmp_path):
    """Serves chains: `serve(chain)`."""
    served = []

    def serve(chain):
        folder = tmp_path / f"node{len(served)}"
        folder.mkdir()
        served.append(Served(FakeNode(chain), folder))
        return served[-1]

    yield serve
    for each in served:
        each.stop()


@pytest.fixture
def node(serve, chain):
    return serve(chain)


@pytest.fixture
def read(collector_harness):
    """A harness of nodes: `read(a=node, b={"url": …})`; options of all nodes come after them."""

    def make(timeout=10.0, interval=5.0, options=None, **nodes):
        entries = [
            {"name": name, "source": "evm"} | (node if isinstance(node, dict) else {"url": node.http})
            for name, node in nodes.items()
        ]
        return collector_harness(Blockchain, timeout=timeout, interval=interval, nodes=entries, **(options or {}))

    return make
