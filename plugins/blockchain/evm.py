"""An Ethereum-like node, asked over its JSON-RPC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from collector_core import Clock, Metric, NotListening
from collector_plugins.blockchain import metrics
from collector_plugins.blockchain.answer import Answer
from collector_plugins.blockchain.block import Block, parse_block
from collector_plugins.blockchain.chain import Chain
from collector_plugins.blockchain.config import EvmNode
from collector_plugins.blockchain.follower import Follower
from collector_plugins.blockchain.identity import NodeIdentity
from collector_plugins.blockchain.rates import Activity, activity, mean_interval
from collector_plugins.blockchain.rpc import Call, Rpc, Transport, bad_data
from collector_plugins.blockchain.stall import HeadAge, stall_after
from collector_plugins.blockchain.state import NodeState, parse_state, questions, required


class Evm:
    """One node: asks for its state, follows its chain, counts what is in the blocks."""

    def __init__(self, node: EvmNode, transport: Transport, clock: Clock) -> None:
        self._node = node
        self._functions = node.functions if node.contracts else None
        self._transport = transport
        self._rpc = Rpc(transport)
        self._clock = clock
        self._chain = Chain()
        self._follower = Follower(self._chain, self._fetch, node.window, node.max_blocks)
        self._identity = NodeIdentity()
        self._head_age = HeadAge()

    async def read(self) -> Answer:
        """Ask once; raises `NotAvailable`."""
        try:
            state = parse_state(await self._rpc.ask(questions()))
            await self._follow(state)
        except NotListening:
            self._identity.record_down()
            raise
        return self._answer(state)

    async def close(self) -> None:
        """Hang up; what was counted stays."""
        await self._rpc.close()

    async def _follow(self, state: NodeState) -> None:
        process = getattr(self._transport, "process", None)
        resets, known = self._chain.resets, self._identity.restarts
        if self._identity.record(state.chain, state.client, process):
            await self._follower.begin_anew(state.head)
        await self._follower.follow(state.head)
        if self._chain.resets > resets and self._identity.restarts == known:
            self._identity.restarts += 1  # the same genesis, but none of its blocks

    async def _fetch(self, numbers: Sequence[int]) -> list[Block | None]:
        calls = [Call("eth_getBlockByNumber", (hex(number), self._node.contracts)) for number in numbers]
        blocks = [
            required(call.method, result, lambda value: parse_block(value, self._functions))
            for call, result in zip(calls, await self._rpc.ask(calls), strict=True)
        ]
        if any(block and block.number != number for block, number in zip(blocks, numbers, strict=True)):
            raise bad_data("eth_getBlockByNumber: it sends other blocks than were asked for")
        return blocks

    def _answer(self, state: NodeState) -> Answer:
        totals = self._chain.totals
        values = {**self._of_the_node(state), **self._of_the_chain(state), **self._counters()}
        return Answer(
            {metric: value for metric, value in values.items() if value is not None},
            totals.calls if self._node.contracts else {},
            self._node.consensus or "",
            state.client,
            self._identity.chain,
            state.head.number,
            totals.transactions.shown,
            self._chain.skipped,
        )

    def _of_the_node(self, state: NodeState) -> Mapping[Metric, float | None]:
        head, final = state.head, state.final
        return {
            metrics.HEIGHT: head.number,
            metrics.BLOCK_SIZE: head.size,
            metrics.CONTRACT_GAS: self._contract_gas(head),
            metrics.MEMPOOL: state.pending,
            metrics.MEMPOOL_QUEUED: state.queued,
            metrics.PEERS: state.peers,
            metrics.SYNCING: None if state.syncing is None else float(state.syncing),
            metrics.BLOCK_LAG: state.missing,
            # Block 0 is final from the start and says nothing about how long it takes.
            metrics.FINALITY: max(0, head.timestamp - final.timestamp) if final and final.number else None,
        }

    def _contract_gas(self, head: Block) -> float | None:
        whole = self._chain.at(head.number)
        return whole.contract_gas if whole and whole.hash == head.hash else None

    def _of_the_chain(self, state: NodeState) -> Mapping[Metric, float | None]:
        blocks = self._chain.blocks
        age = max(0.0, self._clock.time() - state.head.timestamp)
        # A node that catches up has old blocks, but does not stand still.
        newest = self._chain.tip or state.head  # of a node behind a balancer, the newest that any of them has shown
        still = self._head_age.record(newest.hash, self._clock.monotonic(), 0.0 if state.syncing else age)
        stalled = still > stall_after(self._node.stalled_after, mean_interval(blocks))
        found = activity(blocks, self._node.window, self._clock.time() if stalled else None)
        return {metrics.BLOCK_AGE: age, metrics.STALLED: float(stalled), **_rates(found)}

    def _counters(self) -> Mapping[Metric, float]:
        chain = self._chain
        return {
            metrics.TRANSACTIONS: chain.totals.transactions.shown,
            metrics.GAS: chain.totals.gas.shown,
            metrics.REORGANIZATIONS: chain.reorganizations,
            metrics.REPLACED_BLOCKS: chain.replaced,
            metrics.RESETS: chain.resets,
            metrics.SKIPPED_BLOCKS: chain.skipped,
            metrics.RESTARTS: self._identity.restarts,
        }


def _rates(found: Activity | None) -> Mapping[Metric, float | None]:
    if found is None:
        return {}
    executions = found.executions
    return {
        metrics.TRANSACTIONS_PER_SECOND: found.transactions / found.seconds,
        metrics.BLOCKS_PER_MINUTE: 60 * found.blocks / found.seconds,
        metrics.CONTRACT_EXECUTIONS: None if executions is None else executions / found.seconds,
    }
