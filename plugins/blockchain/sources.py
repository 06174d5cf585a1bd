"""Which source reads a node, over which transport."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import unquote, urlsplit

from collector_core import Clock
from collector_plugins.blockchain.answer import Source
from collector_plugins.blockchain.config import EvmNode, Node, PrometheusNode
from collector_plugins.blockchain.evm import Evm
from collector_plugins.blockchain.http import Http
from collector_plugins.blockchain.page import Page
from collector_plugins.blockchain.pushed import Posted, Pushed
from collector_plugins.blockchain.rpc import Transport
from collector_plugins.blockchain.streams import Ipc, WebSocket

LONGEST_ANSWER = 32 << 20  # bytes; ten full blocks of Ethereum's main network are about 5 MiB
LONGEST_PAGE = 8 << 20


def source_of(node: Node, clock: Clock, posted: Callable[[], Mapping[str, Posted]]) -> Source:
    """The source that the node's options name."""
    if isinstance(node, EvmNode):
        return Evm(node, transport_of(node), clock)
    if isinstance(node, PrometheusNode):
        return Page(node, Http(node.url, node.headers, LONGEST_PAGE), clock)
    return Pushed(node, posted)


def transport_of(node: EvmNode) -> Transport:
    """The transport that the node's address names."""
    parts = urlsplit(node.url.get_secret_value())
    if parts.scheme == "ipc":
        return Ipc(unquote(parts.path), LONGEST_ANSWER)
    if parts.scheme in ("ws", "wss"):
        return WebSocket(node.url, node.headers, LONGEST_ANSWER)
    return Http(node.url, node.headers, LONGEST_ANSWER)
