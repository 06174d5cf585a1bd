"""Delivers what waits, one batch at a time: retries what failed, drops what was refused for good."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from math import inf
from typing import Any

from collector_core.config.outputs import OutputInstance
from collector_core.errors import RecordsRefused, describe
from collector_core.model.clock import Clock
from collector_core.output import BaseOutput
from collector_core.outputs.buffer import Batch, Buffer
from collector_core.outputs.codec import Codec
from collector_core.outputs.health import Drop, OutputHealth
from collector_core.outputs.newest import NewestBuffer
from collector_core.polling.backoff import Backoff
from collector_core.polling.fault_log import FaultLog
from collector_core.polling.own_thread import start_thread

FIRST_RETRY = 1.0  # seconds
LONGEST_RETRY = 30.0
JITTER = 0.25
SENDING = "delivery"  # the name of its fault in the log


@dataclass
class _Attempt:
    """A call of the output under way: a batch, or a test where there is none. `deadline` in monotonic seconds."""

    batch: Batch | None
    future: Future[None]
    deadline: float
    output: BaseOutput[Any]
    is_given_up: bool = False


class Delivery:
    """Calls one output: `test` until that has succeeded once or there is something to send, then `send`.

    A call that outlasts the timeout counts as failed; no other is made before it has come back. Not thread-safe.
    """

    def __init__(
        self,
        instance: OutputInstance,
        buffer: Buffer | NewestBuffer,
        health: OutputHealth,
        clock: Clock,
        faults: FaultLog,
        wake: Callable[[], None],
    ) -> None:
        self._instance = instance
        self._buffer = buffer
        self._health = health
        self._clock = clock
        self._faults = faults
        self._wake = wake
        self._backoff = Backoff(FIRST_RETRY, LONGEST_RETRY, jitter=JITTER)
        self._attempt: _Attempt | None = None
        self._tested = False
        self._has_failed = False
        self._unanswered: int | None = None  # id of the last entry of the batch that failed
        self._knows_unanswered = False
        self._batch_wait = instance.batch_wait

    @property
    def is_busy(self) -> bool:
        """Whether a call is under way."""
        return self._attempt is not None

    @property
    def is_due(self) -> bool:
        """Whether a call may be made after what has failed."""
        return self._backoff.due(self._clock.monotonic())

    def step(self, output: BaseOutput[Any], codec: Codec) -> None:
        """Take note of a call that has ended, and make the next one if it is due."""
        now = self._clock.monotonic()
        if self._attempt is not None:
            self.settle()
        if self._attempt is None and self.is_due:
            self._start(output, codec, now)

    def settle(self) -> None:
        """Take note of a call that has ended or is overdue."""
        attempt, now = self._attempt, self._clock.monotonic()
        if attempt is None:
            return
        if attempt.future.done():
            self._attempt = None
            self._record(attempt, attempt.future.exception())
        elif now >= attempt.deadline and not attempt.is_given_up:
            attempt.is_given_up = True
            self.record_failure(TimeoutError(f"no answer after {self._instance.timeout:g} s"))
            attempt.output.cancel()

    def record_failure(self, error: BaseException) -> None:
        """The receiver, or the output itself, fails."""
        self._health.up = False
        self._health.error, self._health.fix = describe(error), getattr(error, "fix", "")
        self._faults.record_failure(SENDING, error)

    def back_off(self, error: BaseException) -> None:
        """Make no call for a while."""
        self._backoff.failed(self._clock.monotonic(), getattr(error, "retry_after", None))

    def seconds_to_wait(self) -> float:
        """Until something is to be done; at most, if nobody wakes us."""
        now = self._clock.monotonic()
        if self._attempt is not None:
            return inf if self._attempt.is_given_up else max(0.0, self._attempt.deadline - now)
        if not self._backoff.due(now):
            return self._backoff.retry_at - now
        return self._batch_wait if self._buffer.records else inf

    def _start(self, output: BaseOutput[Any], codec: Codec, now: float) -> None:
        if not self._knows_unanswered:
            self._knows_unanswered = True
            self._unanswered = self._buffer.sent_last() if output.repeats_exactly else None
        batch = self._next_batch(output, codec)
        if batch is None:
            if not self._tested and not self._buffer.records:
                self._call(output, None, output.test, now)
            return
        call = self._sending(batch, codec)
        if call is None:
            self._forget(batch)
            return
        if output.repeats_exactly and not self._has_failed:
            self._buffer.note_sending(batch)
        self._call(output, batch, call, now)

    def _sending(self, batch: Batch, codec: Codec) -> Callable[[], None] | None:
        """What sends a batch; records that are damaged are dropped."""
        if not batch.bodies:
            return None
        may_repeat = self._has_failed or self._buffer.is_inherited(batch)
        try:
            return codec.sending(batch.bodies, may_repeat=may_repeat)
        except ValueError as error:
            self._faults.record_incident("damaged records were dropped", error)
            self._health.dropped[Drop.CORRUPT] += batch.count
            return None

    def _next_batch(self, output: BaseOutput[Any], codec: Codec) -> Batch | None:
        """What is due: a whole batch, what has waited for long enough, or what got no answer, as it was."""
        size = self._instance.batch_size if codec.is_joinable else 1
        self._batch_wait = self._instance.batch_wait if output.batch_seconds is None else output.batch_seconds
        is_large = output.batch_bytes is not None and self._buffer.bytes >= output.batch_bytes
        if not self._has_failed and self._buffer.records < size and not is_large:
            waited = self._clock.time() - (self._buffer.oldest_at or 0.0)
            if 0 <= waited < self._batch_wait:
                return None
        return self._buffer.next_batch(size, through=self._unanswered)

    def _call(self, output: BaseOutput[Any], batch: Batch | None, call: Callable[[], None], now: float) -> None:
        future = start_thread(f"output-{self._instance.name}-delivery", call)
        self._attempt = _Attempt(batch, future, now + self._instance.timeout, output)
        future.add_done_callback(lambda _: self._wake())

    def _record(self, attempt: _Attempt, error: BaseException | None) -> None:
        batch = attempt.batch
        if error is None or (isinstance(error, RecordsRefused) and batch is not None):
            self._succeed()
            if batch is not None:
                self._count(batch, error)
                self._forget(batch)
            return
        self.record_failure(error)
        self.back_off(error)
        if batch is not None:
            self._has_failed, self._unanswered = True, batch.last_id
            self._buffer.settle(batch, delivered=False)

    def _succeed(self) -> None:
        self._tested = True
        self._backoff.succeeded()
        self._health.up, self._health.error, self._health.fix = True, "", ""
        self._faults.record_success(SENDING)

    def _count(self, batch: Batch, refusal: RecordsRefused | None) -> None:
        refused = 0
        if refusal is not None:
            refused = batch.count if refusal.count is None else min(refusal.count, batch.count)
            self._faults.record_incident(f"{refused} records were dropped: the receiver refuses them", refusal)
        self._health.sent += batch.count - refused
        self._health.dropped[Drop.REFUSED] += refused
        if refusal is not None and refused == batch.count:
            self._health.up, self._health.error, self._health.fix = False, describe(refusal), refusal.fix

    def _forget(self, batch: Batch) -> None:
        self._has_failed, self._unanswered = False, None
        self._buffer.settle(batch, delivered=True)
