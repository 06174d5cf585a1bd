"""Which source reads a node, over which transport."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from urllib.parse import unquote, urlsplit

from collector_core import Context
from collector_plugins.blockchain.answer import NodeSource
from collector_plugins.blockchain.config import EvmNode, Node, PrometheusNode
from collector_plugins.blockchain.evm import Evm
from collector_plugins.blockchain.http_transport import HttpTransport, WebSocketTransport
from collector_plugins.blockchain.ipc_transport import IpcTransport
from collector_plugins.blockchain.prometheus_source import PrometheusSource
from collector_plugins.blockchain.pushed import Posted, Pushed
from collector_plugins.blockchain.rpc import Transport

LONGEST_ANSWER = 32 << 20  # bytes; ten full blocks of Ethereum's main network are about 5 MiB


def source_of(node: Node, ctx: Context, posted: Callable[[], Mapping[str, Posted]], max_page_mib: int) -> NodeSource:
    """The source that the node's options name."""
    if isinstance(node, EvmNode):
        return Evm(node, transport_of(node, ctx), ctx.clock, partial(ctx.logger.warning, "node %s: %s", node.name))
    if isinstance(node, PrometheusNode):
        pages = HttpTransport(lambda: ctx.http, node.url, node.headers, max_page_mib << 20)
        return PrometheusSource(node, pages, ctx.clock)
    return Pushed(node, posted, ctx.clock)


def transport_of(node: EvmNode, ctx: Context) -> Transport:
    """The transport that the node's address names."""
    parts = urlsplit(node.url.get_secret_value())
    if parts.scheme == "ipc":
        return IpcTransport(unquote(parts.path), LONGEST_ANSWER)
    kind = WebSocketTransport if parts.scheme in ("ws", "wss") else HttpTransport
    return kind(lambda: ctx.http, node.url, node.headers, LONGEST_ANSWER)
