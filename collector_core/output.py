"""What the author of an output writes: an `Output` with its configuration, which delivers what collectors publish."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
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


class Output(ABC, Generic[ConfigT]):
    """Delivers series to another program.

    Class attributes: `name` (the plugin's one name), `config_type` (its options), `default_interval` (seconds; at most
    one sample of each series per interval, the newest; 0: those of every run), `default_batch_size` (records),
    `default_timeout` (seconds for one delivery). `encode` runs on the output's own thread and must not wait for
    anybody; `test`, `send` and `close` run one at a time, on other threads. What an output does, raises or waits for
    harms no other.
    """

    name: ClassVar[str]
    config_type: ClassVar[type[OutputConfig]] = OutputConfig
    default_interval: ClassVar[float] = 0.0
    default_batch_size: ClassVar[int] = 1000
    default_timeout: ClassVar[float] = 10.0

    def __init__(self, config: ConfigT, ctx: Context) -> None:
        self.config = config
        self.ctx = ctx

    @property
    def selectors(self) -> Sequence[Selector]:
        """The series that it takes where the configuration names none; the default is all."""
        return (Selector.parse('{__name__=~".+"}'),)

    @abstractmethod
    def encode(self, samples: Sequence[OutputSample]) -> Sequence[Any]:
        """Turn samples of one run, or of one interval, into records: data that JSON can hold, in order.

        They wait on disk until they are sent, and may be sent by another process. No I/O. What it raises drops them.
        """

    def test(self) -> None:
        """Connect and find out whether records would be taken, without sending any; raises as `send` does."""
        return

    @abstractmethod
    def send(self, records: Sequence[Any], *, may_repeat: bool) -> None:
        """Deliver records. `may_repeat` says that some may have arrived already, in an attempt without an answer.

        Returns when all have been taken. Raises `RecordsRefused` when the receiver will never take some of them, which
        are then dropped; the others have been taken. Whatever else it raises means that all of them are sent again
        later, after a pause of at least `retry_after` seconds where it is a `NotAvailable` that says so.
        """

    def close(self) -> None:
        """Let go of everything; legal at any time, any number of times."""
        return
