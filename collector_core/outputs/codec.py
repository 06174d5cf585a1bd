"""How samples become what waits in the queue, and how that is sent: as records in JSON, or as payloads."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from collector_core.output import BaseOutput, Output, PayloadOutput, SampleBlock


class QueuedBody(NamedTuple):
    """What stays together in the queue: `records` of them, in `content`."""

    records: int
    content: bytes


class Codec(ABC):
    """Encodes for one output, and sends by it. `is_joinable`: several bodies may be sent at once."""

    is_joinable = True

    @abstractmethod
    def encode(self, blocks: Sequence[SampleBlock]) -> list[QueuedBody]:
        """Bodies of all these samples, in order; raises what the output does."""

    @abstractmethod
    def sending(self, bodies: Sequence[bytes], *, may_repeat: bool) -> Callable[[], None]:
        """What sends these bodies; raises `ValueError` for those that are damaged."""


class RecordCodec(Codec):
    """Records in JSON, up to `size` in a body."""

    def __init__(self, output: Output[Any], size: int) -> None:
        self._output = output
        self._size = size

    def encode(self, blocks: Sequence[SampleBlock]) -> list[QueuedBody]:
        """Bodies of all these samples."""
        records = self._output.encode([sample for block in blocks for sample in block.samples()])
        chunks = [records[start : start + self._size] for start in range(0, len(records), self._size)]
        return [QueuedBody(len(chunk), json.dumps(chunk).encode()) for chunk in chunks]

    def sending(self, bodies: Sequence[bytes], *, may_repeat: bool) -> Callable[[], None]:
        """What sends these records."""
        records = [record for body in bodies for record in json.loads(body)]
        return partial(self._output.send, records, may_repeat=may_repeat)


class PayloadCodec(Codec):
    """Payloads as the output makes them."""

    def __init__(self, output: PayloadOutput[Any]) -> None:
        self._output = output
        self.is_joinable = output.is_joinable

    def encode(self, blocks: Sequence[SampleBlock]) -> list[QueuedBody]:
        """A body of each block."""
        return [QueuedBody(len(block.values), self._output.encode_block(block)) for block in blocks if block.values]

    def sending(self, bodies: Sequence[bytes], *, may_repeat: bool) -> Callable[[], None]:
        """What sends these payloads."""
        return partial(self._output.send_payloads, bodies, may_repeat=may_repeat)


def codec_of(output: BaseOutput[Any], batch_size: int) -> Codec:
    """How the samples of an output wait and are sent."""
    if isinstance(output, PayloadOutput):
        return PayloadCodec(output)
    if isinstance(output, Output):
        return RecordCodec(output, batch_size)
    raise TypeError(f"{type(output).__name__} is neither an Output nor a PayloadOutput")
