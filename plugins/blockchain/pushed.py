"""What a node posts of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Annotated, Any

from pydantic import AliasChoices, BeforeValidator

from collector_core import Clock, Field, ForeignCounter, Metric, NotAvailable, Options, Reason
from collector_plugins.blockchain import metrics
from collector_plugins.blockchain.answer import NodeReading
from collector_plugins.blockchain.block import OTHER
from collector_plugins.blockchain.config import MOST_FUNCTIONS, PREFIX, Name, PushNode

Positive = Annotated[float, Field(ge=0, le=1e300, allow_inf_nan=False)]


def _calls(given: Any) -> Any:
    """Calls by function; a plain number is of functions that are not told."""
    return {OTHER: given} if isinstance(given, int | float) else given


Ratio = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Posted(Options):
    """The document: fields are named as the metrics are, without `blockchain_`; all may be left out.

    Counters count since whenever; when they begin anew, ours goes on.
    """

    transactions_per_second: Positive | None = None
    transactions_total: Positive | None = None
    transaction_validation_seconds: Positive | None = None
    blocks_per_minute: Positive | None = None
    block_height: Positive | None = None
    block_size_bytes: Positive | None = None
    block_age_seconds: Positive | None = None
    block_lag_blocks: Positive | None = None
    stalled: bool | None = None
    mempool_transactions: Positive | None = None
    mempool_queued_transactions: Positive | None = None
    peers: Positive | None = None
    syncing: bool | None = None
    time_to_finality_seconds: Positive | None = None
    consensus_messages_per_second: Positive | None = None
    consensus_participation_ratio: Ratio | None = None
    consensus_algorithm: Name | None = None
    contract_executions_per_second: Positive | None = None
    contract_execution_seconds: Positive | None = None
    contract_gas_used: Positive | None = None
    contract_calls_total: Annotated[dict[Name, Positive], BeforeValidator(_calls)] = Field(
        {}, max_length=MOST_FUNCTIONS, validation_alias=AliasChoices("contract_calls_total", "contract_calls")
    )
    gas_used_total: Positive | None = None
    wasm_load_seconds: Positive | None = None
    quantum_resistant_overhead_ratio: Positive | None = None
    reorganizations_total: Positive | None = None
    reorganized_blocks_total: Positive | None = None


class Pushed:
    """One node; raises `NotAvailable` while nothing that it posted counts."""

    def __init__(self, node: PushNode, current: Callable[[], Mapping[str, Posted]], clock: Clock) -> None:
        self._node = node
        self._current = current
        self._clock = clock
        self._counters: dict[Metric | str, ForeignCounter] = {}

    async def read(self) -> NodeReading:
        """Take what was posted last."""
        posted = self._current().get(self._node.name)
        if posted is None:
            fix = f"post JSON to /api/v1/push/blockchain/{self._node.name} more often than every `push.expires_after`"
            raise NotAvailable(Reason.NOT_FOUND, "it has posted nothing lately", fix=fix)
        values = {metric: value for metric in metrics.TOLD if (value := self._value(metric, posted)) is not None}
        algorithm = posted.consensus_algorithm or self._node.consensus or ""
        return NodeReading(values, self._count_calls(posted), algorithm, transactions=values.get(metrics.TRANSACTIONS))

    async def close(self) -> None:
        """There is nothing to hang up."""

    def _value(self, metric: Metric, posted: Posted) -> float | None:
        value = getattr(posted, metric.name.removeprefix(PREFIX))
        if value is None or metric.kind != "counter":
            return None if value is None else float(value)
        return self._count(metric, value)

    def _count(self, what: Metric | str, value: float) -> float:
        return self._counters.setdefault(what, ForeignCounter()).record(value, self._clock.monotonic())

    def _count_calls(self, posted: Posted) -> Mapping[str, float]:
        """Functions that are new when `MOST_FUNCTIONS` are known are left out."""
        known = {what for what in self._counters if isinstance(what, str)}
        new = (function for function in posted.contract_calls_total if function not in known)
        shown = known | set(islice(new, MOST_FUNCTIONS - len(known)))
        calls = posted.contract_calls_total.items()
        return {function: self._count(function, number) for function, number in calls if function in shown}
