"""One thing that is asked again and again: whether it is due, what it said last, how it fails. Time is handed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, TypeVar

from collector_core.errors import AuthFailed, NotAvailable, Reason, describe, retry_after_of
from collector_core.polling.backoff import Backoff

PlaceT = TypeVar("PlaceT")
AnswerT = TypeVar("AnswerT")


class Answer(NamedTuple, Generic[AnswerT]):
    """What a target said, and when: `time` in seconds of the context's monotonic clock."""

    value: AnswerT
    time: float


class Pending(Protocol[AnswerT]):
    """The future of a call: one of asyncio's or that of a thread."""

    def done(self) -> bool:
        """Whether the call has come back."""

    def cancel(self) -> object:
        """Ask the call to come back."""

    def result(self) -> Answer[AnswerT]:
        """The answer; raises what the call raised."""


@dataclass(frozen=True)
class Schedule:
    """Seconds: from one good answer to the next question (0: as often as it is polled), the first and the longest pause
    after failures, how long an answer may take, and how long one is good for at least."""

    every: float
    first_pause: float
    longest_pause: float
    deadline: float
    max_age: float


@dataclass
class _Call(Generic[AnswerT]):
    started: float
    future: Pending[AnswerT]
    given_up: bool = False


class Target(Generic[PlaceT, AnswerT]):
    """`place` is where it is asked.

    A call past its deadline is given up: it counts as a failure, what it brings later is thrown away, and no second one
    starts before it has come back.
    """

    def __init__(self, name: str, place: PlaceT, schedule: Schedule) -> None:
        self.name = name
        self.place = place
        self.answer: Answer[AnswerT] | None = None
        self.refused = False
        self._schedule = schedule
        self._backoff = Backoff(schedule.first_pause, schedule.longest_pause)
        self._rests_until = 0.0
        self._max_age = schedule.max_age
        self._error: Exception | None = None
        self._call: _Call[AnswerT] | None = None

    @property
    def under_way(self) -> Pending[AnswerT] | None:
        """The call that is being waited for."""
        return self._call.future if self._call and not self._call.given_up else None

    @property
    def abandoned(self) -> Pending[AnswerT] | None:
        """The call that was given up and has not come back."""
        return self._call.future if self._call and self._call.given_up else None

    def is_due(self, now: float) -> bool:
        """Whether to ask it: not while a call has not come back, nor where credentials were refused."""
        rested = now >= self._rests_until and self._backoff.due(now)
        return rested and self._call is None and not self.refused

    def start(self, future: Pending[AnswerT], now: float) -> None:
        """It is asked now."""
        self._call = _Call(now, future)

    def settle(self, now: float) -> None:
        """Take what has come back; give up what is past its deadline."""
        call = self._call
        if call is None:
            return
        if call.future.done():
            self._call = None
            if not call.given_up:
                self._take(call, now)
        elif call.given_up:
            call.future.cancel()  # it may have ignored the first time
        elif now - call.started >= self._schedule.deadline:
            self.cancel()
            self._fail(self._too_late(), now)

    def cancel(self) -> None:
        """Give up what is under way; by itself this is no failure of the target."""
        if self._call:
            self._call.given_up = True
            self._call.future.cancel()

    def fresh_answer(self, now: float) -> Answer[AnswerT] | None:
        """What it said last, if it has not failed since and that is not too long ago."""
        answer = self.answer
        is_good = answer and self._error is None and now - answer.time <= self._max_age
        return answer if is_good else None

    def problem(self, now: float) -> Exception | None:
        """Why there is no fresh answer."""
        if self._error is not None or self.fresh_answer(now):
            return self._error
        return NotAvailable(Reason.TIMEOUT, "no answer yet")

    def _take(self, call: _Call[AnswerT], now: float) -> None:
        try:
            self.answer = call.future.result()
        except AuthFailed as error:
            self.refused = True
            self._fail(NotAvailable(Reason.AUTH, error.detail, fix=error.fix), now)
        except TimeoutError as error:
            self._fail(error if str(error) else self._too_late(), now)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong is this target's own affair
            self._fail(error, now)
        except BaseException as error:  # noqa: BLE001 - CancelledError and SystemExit, too
            self._fail(NotAvailable(Reason.BAD_DATA, describe(error)), now)
        else:
            self._error = None
            self._backoff.succeeded()
            self._rests_until = call.started + self._schedule.every
            self._max_age = max(self._schedule.max_age, self._age_until_the_next(self.answer.time - call.started))

    def _age_until_the_next(self, duration: float) -> float:
        """How old an answer that took so long may become before the next one is there, if that takes twice as long."""
        return 2 * duration + max(self._schedule.every, self._schedule.first_pause)

    def _fail(self, error: Exception, now: float) -> None:
        self._error = error.with_traceback(None)
        self._backoff.failed(now, retry_after_of(error))

    def _too_late(self) -> NotAvailable:
        return NotAvailable(Reason.TIMEOUT, f"no answer within {self._schedule.deadline:g} s")
