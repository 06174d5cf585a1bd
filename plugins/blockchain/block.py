"""A block as `eth_getBlockByNumber` returns it, reduced to what is counted.

https://ethereum.github.io/execution-apis/
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from collector_plugins.blockchain.quantities import hash32, quantity, unix_time

ParsedT = TypeVar("ParsedT")

CREATE = "create"
OTHER = "other"
MAX_TRANSACTIONS = 100_000
TRANSFER_GAS = 21_000  # of a transaction without call data to an account without code (Yellow Paper, G_transaction)
SELECTOR_CHARACTERS = 10  # 0x and four bytes


@dataclass(frozen=True, slots=True)
class Block:
    """One block; `timestamp` in seconds since 1970. None, and an empty `parent`, is what the node did not say.

    `calls` are transactions by the function that they call. `contract_gas` is the gas beyond plain transfers.
    """

    number: int
    hash: str
    parent: str
    timestamp: float | None
    transactions: int
    size: int | None = None
    gas: int | None = None
    contract_gas: int | None = None
    calls: Mapping[str, int] | None = None

    @property
    def executions(self) -> int | None:
        """Transactions that call or create a contract."""
        return None if self.calls is None else sum(self.calls.values())


def parse_block(data: object, functions: Mapping[str, str] | None) -> Block | None:
    """A block, or None where the node says that it has none.

    Raises `ValueError` for one without a number, a hash or a list of transactions; whatever else is malformed is
    absent. `functions` are names by selector (`0x` and eight digits in lower case); None where calls are not asked for.
    """
    if data is None:
        return None
    if not isinstance(data, dict):
        raise ValueError("a block that is not an object")  # noqa: TRY004 - what is wrong with an answer is a ValueError
    transactions = data.get("transactions")
    if not isinstance(transactions, list) or len(transactions) > MAX_TRANSACTIONS:
        raise ValueError("a block without a sane list of transactions")
    gas, calls = optional(data.get("gasUsed"), quantity), None if functions is None else _calls(transactions, functions)
    return Block(
        quantity(data.get("number")),
        hash32(data.get("hash")),
        optional(data.get("parentHash"), hash32) or "",
        optional(data.get("timestamp"), unix_time),
        len(transactions),
        optional(data.get("size"), quantity),
        gas,
        _contract_gas(gas, len(transactions), calls),
        calls,
    )


def optional(value: object, parse: Callable[[Any], ParsedT]) -> ParsedT | None:
    """What a node may leave out, or write in a way of its own; `parse` raises `ValueError` for what it cannot read."""
    if value is None:
        return None
    try:
        return parse(value)
    except ValueError:
        return None


def _calls(transactions: Sequence[object], functions: Mapping[str, str]) -> Mapping[str, int] | None:
    """None where the block has hashes instead of whole transactions."""
    calls: Tally[str] = Tally()
    for transaction in transactions:
        if not isinstance(transaction, dict):
            return None
        if function := _function(transaction, functions):
            calls[function] += 1
    return calls


def _function(transaction: Mapping[str, Any], functions: Mapping[str, str]) -> str:
    """What a transaction calls; nothing for a plain transfer."""
    if transaction.get("to") in (None, "", "0x"):
        return CREATE
    data = transaction.get("input", transaction.get("data"))
    if not isinstance(data, str) or len(data) <= len("0x"):
        return ""
    return functions.get(data[:SELECTOR_CHARACTERS].lower(), OTHER)


def _contract_gas(gas: int | None, transactions: int, calls: Mapping[str, int] | None) -> int | None:
    if gas is None or calls is None:
        return None
    rest = gas - TRANSFER_GAS * (transactions - sum(calls.values()))
    return rest if rest >= 0 else None  # a chain whose transfers cost less
