"""Nodes of blockchains: height, transactions, mempool, peers, contracts, and the energy of a transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from collector_core import (
    Collector,
    Context,
    NotAvailable,
    PushInbox,
    Readings,
    Reason,
    Targets,
    hookimpl,
    reason_of,
)
from collector_plugins.blockchain import metrics
from collector_plugins.blockchain.answer import NodeReading, NodeSource
from collector_plugins.blockchain.config import Config, Node
from collector_plugins.blockchain.cost import Cost, Machine
from collector_plugins.blockchain.pushed import Posted
from collector_plugins.blockchain.rates import lags
from collector_plugins.blockchain.redaction import Redaction
from collector_plugins.blockchain.sources import source_of

if TYPE_CHECKING:
    from aiohttp import web

_FIX = (
    "add `blockchain: {options: {nodes: [{name: validator, source: evm, url: http://127.0.0.1:8545}]}}` "
    "below `collectors:`"
)


class Blockchain(Collector[Config]):
    """Reads all nodes at once; each may fail, hang or answer nonsense alone."""

    name = "blockchain"
    metrics = metrics.ALL
    config_type = Config
    default_timeout = 10.0
    needs_two_runs = True
    after_others = True

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._inbox = PushInbox("blockchain", Posted, config.push, ctx.clock, self._push_names, ctx.wake)
        self._sources = {node.name: self.make_source(node) for node in config.nodes}
        self._redactions = {node.name: Redaction(node) for node in config.nodes}
        self._machine = Machine(config.energy_components)
        self._costs = {node.name: Cost(config.energy_window) for node in config.nodes if node.is_here}
        asked = {node.name: node for node in config.nodes if node.source != "push"}
        self._targets = Targets(ctx, asked, self._ask)
        self._posting = [node for node in config.nodes if node.source == "push"]
        self._showed = False

    @classmethod
    def detect(cls, ctx: Context) -> NotAvailable | None:
        """Never by itself: it has to be told of its nodes."""
        del ctx
        return NotAvailable(Reason.NOT_FOUND, "no node is configured", fix=_FIX)

    def make_source(self, node: Node) -> NodeSource:
        """Where a node is read; connects to nothing yet."""
        return source_of(node, self.ctx, self._inbox.current, self.config.max_page_mib)

    async def collect(self, out: Readings) -> None:
        """Ask all nodes; raises `NotAvailable` where none answers.

        The first run in which none answers any more shows that, and takes away their numbers; from the second one on
        the run fails.
        """
        if not self.config.nodes:
            raise NotAvailable(Reason.NOT_FOUND, "no node is configured", fix=_FIX)
        answers, failures = await self._read_nodes(out)
        if not answers and not self._showed and failures:
            raise next(iter(failures.values())).with_traceback(None)
        self._showed = bool(answers)
        behind, cost = lags(answers), self._cost(answers)
        for node in self.config.nodes:
            if node.name in answers:
                out.add(metrics.NODE_UP, 1, node=node.name, source=node.source)
                with out.part(node=node.name):
                    _publish(out, node.name, answers[node.name], behind.get(node.name), cost.get(node.name))
            elif node.name in failures:
                _publish_down(out, node, failures[node.name])

    @hookimpl
    def collector_routes(self) -> Sequence[web.RouteDef]:
        """Where nodes with `source: push` post to."""
        return self._inbox.routes() if self._push_names() else []

    async def close(self) -> None:
        """Hang up on all nodes; what was counted stays."""
        await self._targets.close()
        await asyncio.gather(*(source.close() for source in self._sources.values()))

    def _push_names(self) -> set[str]:
        return {node.name for node in self._posting}

    async def _read_nodes(self, out: Readings) -> tuple[dict[str, NodeReading], dict[str, Exception]]:
        """The answers and the failures, by node; raises where all that are asked fail, and nothing is left to show."""
        optional = self._showed or bool(self._posting)
        answers = dict(await self._targets.poll(out, label="node", optional=optional))
        failures = dict(self._targets.failures)
        for node in self._posting:
            try:
                answers[node.name] = await self._sources[node.name].read()
            except NotAvailable as error:
                failures[node.name] = error
                with out.part(node=node.name):
                    raise
        return answers, failures

    async def _ask(self, name: str, _: Node) -> NodeReading:
        try:
            return await self._sources[name].read()
        except Exception as error:  # noqa: BLE001 - any error may repeat a key
            raise self._redactions[name].clean(error) from None

    def _cost(self, answers: Mapping[str, NodeReading]) -> Mapping[str, float | None]:
        """Joules per transaction of the nodes on this machine."""
        if not self._costs:
            return {}
        now = self.ctx.clock.monotonic()
        energy = self._machine.read_energy(self.ctx.energy_meters(), now)
        return {
            name: self._costs[name].joules_per_transaction(
                now, energy, answer.transactions, answer.unknown_transactions
            )
            for name, answer in answers.items()
            if name in self._costs
        }


def _publish(out: Readings, name: str, answer: NodeReading, lag: int | None, joules: float | None) -> None:
    values = dict(answer.values)
    if lag is not None:
        values[metrics.BLOCK_LAG] = max(lag, values.get(metrics.BLOCK_LAG, 0))
    if joules is not None:
        values[metrics.ENERGY_PER_TRANSACTION] = joules
    for metric, value in values.items():
        out.add(metric, value, node=name)
    for function, number in answer.calls.items():
        out.add(metrics.CONTRACT_CALLS, number, node=name, function=function)
    if answer.algorithm:
        out.add(metrics.CONSENSUS_INFO, node=name, algorithm=answer.algorithm)
    if answer.client and answer.chain:
        out.add(metrics.NODE_INFO, node=name, client=answer.client, chain_id=str(answer.chain.number or ""))


def _publish_down(out: Readings, node: Node, error: Exception) -> None:
    out.add(metrics.NODE_UP, 0, node=node.name, source=node.source)
    out.add(metrics.NODE_UNAVAILABLE, node=node.name, source=node.source, reason=reason_of(error))


@hookimpl
def collector_types() -> list[type[Collector[Any]]]:
    """The one collector of this plugin."""
    return [Blockchain]


@hookimpl
def collector_demo_types() -> list[type[Collector[Any]]]:
    """Two simulated nodes."""
    from collector_plugins.blockchain.demo import DemoBlockchain  # noqa: PLC0415 - only in the demo

    return [DemoBlockchain]
