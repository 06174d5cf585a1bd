"""What one batch of questions says of an EVM node at this moment.

https://ethereum.github.io/execution-apis/; `txpool_status`: https://geth.ethereum.org/docs/interacting-with-geth/rpc/ns-txpool
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from collector_core import NotAvailable, Reason
from collector_plugins.blockchain.answer import ChainId
from collector_plugins.blockchain.block import Block, ParsedT, optional, parse_block
from collector_plugins.blockchain.quantities import hash32, quantity
from collector_plugins.blockchain.refusals import RpcError
from collector_plugins.blockchain.rpc import Call, bad_data

LONGEST_CLIENT = 80  # characters


@dataclass(frozen=True)
class NodeState:
    """None is what the node does not know or does not tell."""

    head: Block
    chain: ChainId
    client: str
    peers: int | None
    syncing: bool | None
    missing: int | None
    pending: int | None
    queued: int | None
    final: Block | None


def questions() -> list[Call]:
    """What is asked in each run: the newest block without its transactions, which are read once, when they are new."""
    return [
        Call("eth_getBlockByNumber", ("latest", False)),
        Call("eth_chainId"),
        Call("eth_getBlockByNumber", ("0x0", False)),
        Call("eth_syncing"),
        Call("net_peerCount"),
        Call("txpool_status"),
        Call("eth_getBlockTransactionCountByNumber", ("pending",)),
        Call("eth_getBlockByNumber", ("finalized", False)),
        Call("web3_clientVersion"),
    ]


def parse_state(results: Sequence[Any]) -> NodeState:
    """The answers to `questions`; raises `NotAvailable` where there is no newest block."""
    latest, number, genesis, syncing, peers, pool, waiting, final, client = results
    head = required("eth_getBlockByNumber", latest, _header)
    if head is None:
        raise NotAvailable(Reason.NOT_FOUND, "it has no block yet", fix="wait until it has begun to synchronise")
    pool = pool if isinstance(pool, dict) else {}
    pending = _optional(pool.get("pending"), quantity)
    return NodeState(
        head,
        ChainId(_optional(number, quantity) or 0, _optional(genesis, _hash_of) or ""),
        _optional(client, _name) or "",
        _optional(peers, quantity),
        _optional(syncing, _is_syncing),
        _optional(syncing, lambda answer: _missing(answer, head.number)),
        _optional(waiting, quantity) if pending is None else pending,
        _optional(pool.get("queued"), quantity),
        _optional(final, _header),
    )


def required(method: str, result: Any, parse: Callable[[Any], Block | None]) -> Block | None:
    """What no node can be without; raises `NotAvailable`."""
    if isinstance(result, RpcError):
        raise result.as_failure(f"{method}: {result}")
    try:
        return parse(result)
    except ValueError as error:
        raise bad_data(f"{method}: {error}") from None


def _optional(result: Any, parse: Callable[[Any], ParsedT]) -> ParsedT | None:
    """What a node may refuse, or answer in a way of its own."""
    return None if isinstance(result, RpcError) else optional(result, parse)


def _header(block: object) -> Block | None:
    return parse_block(block, None)


def _hash_of(block: object) -> str:
    return hash32(block.get("hash") if isinstance(block, dict) else None)


def _name(client: object) -> str:
    if not isinstance(client, str):
        raise ValueError("a name that is not text")  # noqa: TRY004 - what is wrong with an answer is a ValueError
    return "".join(letter for letter in client if letter.isprintable())[:LONGEST_CLIENT]


def _is_syncing(answer: object) -> bool:
    if isinstance(answer, bool | dict):
        return answer is not False
    raise ValueError("neither false nor an object")


def _missing(answer: object, height: int) -> int | None:
    """How many blocks the node knows that it lacks, while it synchronises; a target below its own head is none."""
    if not isinstance(answer, dict):
        return None
    highest = quantity(answer.get("highestBlock"))
    return None if highest < height else max(0, highest - quantity(answer.get("currentBlock")))
