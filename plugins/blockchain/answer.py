"""What one node said in one run, whatever its source, and what a source is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from collector_core import Metric


class ChainId(NamedTuple):
    """Which chain it is: nodes of one chain can be compared. The genesis tells private chains of one number apart."""

    number: int
    genesis: str


@dataclass(frozen=True)
class NodeReading:
    """`values` are of metrics with the one label `node`; `calls` are transactions by the function that they call.

    `transactions` only grows, and is None where the source counts none.
    """

    values: Mapping[Metric, float]
    calls: Mapping[str, float] = field(default_factory=dict)
    algorithm: str = ""
    client: str = ""
    chain: ChainId | None = None
    height: int | None = None
    transactions: float | None = None
    unknown_transactions: float = 0.0


class NodeSource(Protocol):
    """Where one node is read. What it has counted outlives `close`."""

    async def read(self) -> NodeReading:
        """Ask once; raises `NotAvailable`, and nothing that names its address."""

    async def close(self) -> None:
        """Hang up; legal at any time, `read` connects again."""
