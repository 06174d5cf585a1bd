"""What the author of an output writes: an `Output` with its configuration, which delivers what collectors publish."""

from __future__ import annotations

from abc import ABC, abstractmethod
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from collector_core.collector import Context
from collector_core.model.selector import Selector
from collector_core.model.series import Series
from collector_core.options import Options


class OutputConfig(Options):
    """The `options` of an output: subclass it, one field per option. Unknown keys are errors."""


ConfigT = TypeVar("ConfigT", bound=OutputConfig)


@dataclass(frozen=True, slots=True)
class OutputSample:
    """A value of one series; `time` is when the run that read it ended, in seconds since 1970."""

    series: Series
    value: float
    time: float


class SeriesGroup:
    """Series of one source that come together in every run, until there are others; compared by identity.

    What an output works out for a group, such as the bytes of its labels, can be kept as long as the group lives.
    """

    __slots__ = ("__weakref__", "series", "source")

    def __init__(self, source: str, series: Sequence[Series]) -> None:
        self.source = source
        self.series = tuple(series)


@dataclass(frozen=True, slots=True)
class SampleBlock:
    """One value of each series of a group; `time` is when the run that read them ended, in seconds since 1970.

    `ended` says that the series are no longer there since then: their values are NaN. `is_recovered` says that the
    process before, which was killed, read them: its counters began earlier than those of this one.
    """

    group: SeriesGroup
    values: array[float]
    time: float
    ended: bool = False
    is_recovered: bool = False

    def samples(self) -> Iterator[OutputSample]:
        """The samples one by one."""
        return (
            OutputSample(series, value, self.time) for series, value in zip(self.group.series, self.values, strict=True)
        )


class BaseOutput(ABC, Generic[ConfigT]):
    """Delivers series to another program; subclass `Output` or `PayloadOutput`.

    Class attributes: `name` (the plugin's one name), `config_type` (its options), `default_interval` (seconds; at most
    one sample of each series per interval, the newest; 0: those of every run), `default_batch_size` (records),
    `default_batch_wait` (seconds that records wait for others), `default_timeout` (seconds for one delivery).
    `takes_ends`: it is also told of series that have ended, by blocks that say so. `repeats_exactly`: a batch that got
    no answer is sent again with the same records even after a restart, which costs one more write to the disk each.
    `keeps_newest_only`, for an `Output` whose receiver knows no times: records wait in memory, and each takes the place
    of the one with the same key, which is the first part of a record (a list that begins with a text).

    Encoding runs on the output's own thread and must not wait for anybody; `test`, sending and `close` run one at a
    time, on other threads. What an output does, raises or waits for harms no other.
    """

    name: ClassVar[str]
    config_type: ClassVar[type[OutputConfig]] = OutputConfig
    default_interval: ClassVar[float] = 0.0
    default_batch_size: ClassVar[int] = 1000
    default_batch_wait: ClassVar[float] = 1.0
    default_timeout: ClassVar[float] = 10.0
    takes_ends: ClassVar[bool] = False
    repeats_exactly: ClassVar[bool] = False
    keeps_newest_only: ClassVar[bool] = False

    def __init__(self, config: ConfigT, ctx: Context) -> None:
        self.config = config
        self.ctx = ctx

    @property
    def selectors(self) -> Sequence[Selector]:
        """The series that it takes where the configuration names none; the default is all."""
        return (Selector.parse('{__name__=~".+"}'),)

    @property
    def batch_seconds(self) -> float | None:
        """How long records wait for others, whatever `batch_wait` says; None: as it says."""
        return None

    @property
    def batch_bytes(self) -> int | None:
        """Size in the queue at which records wait for no others, in bytes; None: there is none."""
        return None

    def test(self) -> None:
        """Connect and find out whether records would be taken, without sending any; raises as `send` does."""
        return

    def cancel(self) -> None:
        """Make a call end that has outlasted its timeout, if that is possible; called from another thread, no wait."""
        return

    def close(self) -> None:
        """Let go of everything; legal at any time, any number of times."""
        return


class Output(BaseOutput[ConfigT]):
    """Delivers series as records, one by one, to another program."""

    @abstractmethod
    def encode(self, samples: Sequence[OutputSample]) -> Sequence[Any]:
        """Turn samples of one run, or of one interval, into records: data that JSON can hold, in order.

        They wait on disk until they are sent, and may be sent by another process. No I/O. What it raises drops them.
        """

    @abstractmethod
    def send(self, records: Sequence[Any], *, may_repeat: bool) -> None:
        """Deliver records. `may_repeat` says that some may have arrived already, in an attempt without an answer.

        Returns when all have been taken. Raises `RecordsRefused` when the receiver will never take some of them, which
        are then dropped; the others have been taken. Whatever else it raises means that all of them are sent again
        later, after a pause of at least `retry_after` seconds where it is a `NotAvailable` that says so.
        """


class PayloadOutput(BaseOutput[ConfigT]):
    """Delivers series as bytes that are written whole, many samples at once: cheap for thousands of series.

    Payloads wait on disk as they are, so they should be compressed if they can be. `is_joinable`: those of several runs
    may be sent in one request.
    """

    is_joinable: bool = True

    @abstractmethod
    def encode_block(self, block: SampleBlock) -> bytes:
        """Turn the samples of a block, no more than a batch holds, into bytes, as `Output.encode` does."""

    @abstractmethod
    def send_payloads(self, payloads: Sequence[bytes], *, may_repeat: bool) -> None:
        """Deliver what `encode_block` has returned, in order; returns and raises as `Output.send` does."""
