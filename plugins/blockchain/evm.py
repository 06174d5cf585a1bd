"""An Ethereum-like node, asked over its JSON-RPC."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from collector_core import Clock, Metric, NotListening
from collector_plugins.blockchain import metrics
from collector_plugins.blockchain.answer import NodeReading
from collector_plugins.blockchain.batch_size import Omissions
from collector_plugins.blockchain.block import Block, optional, parse_block
from collector_plugins.blockchain.chain import Chain
from collector_plugins.blockchain.chain_log import ChainLog
from collector_plugins.blockchain.config import EvmNode
from collector_plugins.blockchain.follower import Follower
from collector_plugins.blockchain.identity import NodeIdentity
from collector_plugins.blockchain.rates import Activity, activity, mean_interval
from collector_plugins.blockchain.refusals import RpcError
from collector_plugins.blockchain.rpc import Call, Rpc, Transport
from collector_plugins.blockchain.stall import HeadAge, stall_after
from collector_plugins.blockchain.state import NodeState, parse_state, questions


class Evm:
    """One node: asks for its state, follows its chain, counts what is in the blocks; `log` is told what is skipped."""

    def __init__(self, node: EvmNode, transport: Transport, clock: Clock, log: Callable[[str], None]) -> None:
        self._node = node
        self._functions = node.functions if node.contracts else None
        self._transport = transport
        self._rpc = Rpc(transport, clock)
        self._omissions = Omissions(clock)
        self._clock = clock
        self._chain = Chain()
        self._follower = Follower(self._chain, self._fetch, node.window, node.max_blocks)
        self._identity = NodeIdentity()
        self._head_age = HeadAge()
        self._log = ChainLog(self._chain, clock, log)

    async def read(self) -> NodeReading:
        """Ask once; raises `NotAvailable`."""
        try:
            state = parse_state(await self._ask_state())
            await self._follow(state)
        except NotListening:
            self._identity.record_down()
            raise
        self._log.record()
        return self._answer(state)

    async def close(self) -> None:
        """Hang up; what was counted stays."""
        await self._rpc.close()

    async def _ask_state(self) -> list[Any]:
        """The answers to `questions`; None for what the node said lately that it does not offer."""
        latest, *others = questions()
        asked = [latest, *(call for call in others if not self._omissions.has(call))]
        answers = dict(zip(asked, await self._rpc.ask(asked), strict=True))
        if not isinstance(answers[latest], RpcError):  # a node that offers nothing may be starting
            self._omissions.record(call for call, answer in answers.items() if _is_not_offered(answer))
        return [answers.get(call) for call in (latest, *others)]

    async def _follow(self, state: NodeState) -> None:
        process = getattr(self._transport, "process", None)
        resets, known = self._chain.resets, self._identity.restarts
        if self._identity.record(state.chain, state.client, process):
            await self._follower.begin_anew(state.head)
        await self._follower.follow(state.head)
        if self._chain.resets > resets and self._identity.restarts == known:
            self._identity.restarts += 1  # the same genesis, but none of its blocks
        if self._identity.restarts > known:
            self._omissions.clear()

    async def _fetch(self, numbers: Sequence[int]) -> list[Block | None]:
        """Blocks by their heights; None for one that the node does not have, refuses, or shows in a way of its own."""
        calls = [Call("eth_getBlockByNumber", (hex(number), self._node.contracts)) for number in numbers]
        results = await self._rpc.ask(calls)
        for result in results:
            if isinstance(result, RpcError) and (result.is_limit or result.is_not_offered):
                raise result.as_failure(f"eth_getBlockByNumber: {result}")
        blocks = [optional(result, self._parse_block) for result in results]
        return [
            block if block and block.number == number else None for block, number in zip(blocks, numbers, strict=True)
        ]

    def _parse_block(self, data: Any) -> Block | None:
        return None if isinstance(data, RpcError) else parse_block(data, self._functions)

    def _answer(self, state: NodeState) -> NodeReading:
        totals = self._chain.totals
        values = {**self._of_the_node(state), **self._of_the_chain(state), **self._counters()}
        return NodeReading(
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
            metrics.FINALITY: _seconds_between(final, head) if final and final.number else None,
        }

    def _contract_gas(self, head: Block) -> float | None:
        whole = self._chain.at(head.number)
        return whole.contract_gas if whole and whole.hash == head.hash else None

    def _of_the_chain(self, state: NodeState) -> Mapping[Metric, float | None]:
        blocks = self._chain.blocks
        time = state.head.timestamp
        age = None if time is None else max(0.0, self._clock.time() - time)
        tip = self._chain.tip or state.head
        # Of a node behind a balancer the newest that any of them has shown.
        newest = tip if tip.number >= state.head.number else state.head
        # A node that catches up has old blocks, but does not stand still.
        still = self._head_age.record(newest.hash, self._clock.monotonic(), 0.0 if state.syncing else age or 0.0)
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
            metrics.EMPTY_HEIGHTS: chain.empty_heights,
            metrics.UNLINKED_BLOCKS: chain.unlinked,
            metrics.RESTARTS: self._identity.restarts,
        }


def _is_not_offered(answer: object) -> bool:
    return isinstance(answer, RpcError) and answer.is_not_offered


def _seconds_between(older: Block, newer: Block) -> float | None:
    if older.timestamp is None or newer.timestamp is None:
        return None
    return max(0.0, newer.timestamp - older.timestamp)


def _rates(found: Activity | None) -> Mapping[Metric, float | None]:
    if found is None:
        return {}
    executions = found.executions
    return {
        metrics.TRANSACTIONS_PER_SECOND: found.transactions / found.seconds,
        metrics.BLOCKS_PER_MINUTE: 60 * found.blocks / found.seconds,
        metrics.CONTRACT_EXECUTIONS: None if executions is None else executions / found.seconds,
    }
