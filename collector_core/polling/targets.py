"""Polls many targets at once: each has its own deadline, backoff and last answer, and none holds up another."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar, cast

from collector_core.errors import AuthFailed, NoTargetAvailable, Reason, describe, fix_of, reason_of
from collector_core.model.clock import Clock
from collector_core.model.readings import Readings
from collector_core.polling.own_thread import start_thread
from collector_core.polling.target import Answer, AnswerT, Pending, PlaceT, Schedule, Target

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import Future

SaidT = TypeVar("SaidT")  # what `ask` returns: an answer, or one to be awaited

LONGEST_PAUSE = 60.0  # seconds; a target that comes back is noticed within them
LONGEST_PATIENCE = 2.0  # seconds that answers which are there wait for the others
LEAST_MAX_AGE = 5.0  # seconds
DEADLINE = 0.8  # of the run's timeout
LONGEST_WAIT = 0.9  # of the run's timeout
CLOSE_SECONDS = 0.5
ENDING_SECONDS = 0.5  # that calls which are cancelled at their deadline have to come back
MOST_NAMED = 3  # targets in one message

# What needs somebody to act goes first: it is the reason of a run in which all targets fail.
WORST_FIRST = (
    Reason.AUTH,
    Reason.PERMISSION,
    Reason.NOT_SUPPORTED,
    Reason.NOT_FOUND,
    Reason.BAD_DATA,
    Reason.UNREACHABLE,
    Reason.TIMEOUT,
)


def usual_patience(interval: float, timeout: float) -> float:
    """How many seconds answers that are there wait for the others, in runs of so many seconds: half a run at most."""
    return min(LONGEST_PATIENCE, interval / 2, timeout / 2)


class Polls(Protocol):
    """What polling needs of a collector's `Context`."""

    @property
    def name(self) -> str:
        """Of the instance."""

    @property
    def interval(self) -> float:
        """Seconds from run to run."""

    @property
    def timeout(self) -> float:
        """Seconds that a run may take."""

    @property
    def clock(self) -> Clock:
        """Tells the time."""

    @property
    def keeps_running(self) -> bool:
        """Whether further runs follow."""


class _Group(Generic[PlaceT, AnswerT, SaidT]):
    """What both ways of polling share: who is due, and what a run shows of their answers."""

    def __init__(
        self,
        ctx: Polls,
        targets: Mapping[str, PlaceT],
        ask: Callable[[str, PlaceT], SaidT],
        *,
        interval: float | None = None,
        deadline: float | None = None,
        longest_pause: float = LONGEST_PAUSE,
        patience: float | None = None,
    ) -> None:
        period = interval or ctx.interval
        schedule = Schedule(
            every=interval or 0.0,
            first_pause=period,
            longest_pause=longest_pause,
            deadline=deadline or DEADLINE * ctx.timeout,
            max_age=max(LEAST_MAX_AGE, 3 * period),
        )
        self._targets = [Target[PlaceT, AnswerT](name, place, schedule) for name, place in targets.items()]
        self._ask = ask
        self._deadline = schedule.deadline
        self._collector = ctx.name
        self._clock = ctx.clock
        self._slack = ctx.interval / 2  # a run that is so much too early for a target is in time
        self._waits_for_all = not ctx.keeps_running
        whole = min(self._deadline, ctx.timeout) + ENDING_SECONDS
        self._longest_wait = LONGEST_WAIT * ctx.timeout if ctx.keeps_running else whole
        short = usual_patience(ctx.interval, ctx.timeout) if patience is None else patience
        self._patience = short if ctx.keeps_running else self._longest_wait

    @property
    def answers(self) -> dict[str, AnswerT]:
        """What the targets say, as of the last poll: fresh answers only."""
        now = self._clock.monotonic()
        return {each.name: answer.value for each in self._targets if (answer := each.fresh_answer(now))}

    @property
    def failures(self) -> dict[str, Exception]:
        """Why the others have no fresh answer, as of the last poll."""
        now = self._clock.monotonic()
        return {each.name: problem for each in self._targets if (problem := each.problem(now))}

    @property
    def abandoned(self) -> int:
        """How many calls were given up and have not come back."""
        return sum(each.abandoned is not None for each in self._targets)

    def last(self, name: str) -> Answer[AnswerT] | None:
        """The last good answer of a target and its time, however long ago; None before the first one."""
        return next(each.answer for each in self._targets if each.name == name)

    def raise_if_all_failed(self) -> None:
        """Raises `NoTargetAvailable` where all fail, `AuthFailed` where all refuse; for collectors that `refresh`."""
        failures = self.failures
        if failures and len(failures) == len(self._targets) and not self._under_way():
            raise self._all_failed(failures)

    def _due(self) -> Iterator[Target[PlaceT, AnswerT]]:
        now = self._clock.monotonic()
        return (each for each in self._targets if each.is_due(now + self._slack))

    def _under_way(self) -> list[Pending[AnswerT]]:
        return [call for each in self._targets if (call := each.under_way)]

    def _begin(self, start: Callable[[Target[PlaceT, AnswerT]], Pending[AnswerT]]) -> list[Pending[AnswerT]]:
        """Ask those that are due; returns the calls to wait for: where no run follows those of the run before, too."""
        self._settle()
        started = [start(each) for each in self._due()]
        return self._under_way() if self._waits_for_all else started

    def _settle(self) -> None:
        now = self._clock.monotonic()
        for each in self._targets:
            each.settle(now)

    def _conclude(self, out: Readings, label: str, *, optional: bool) -> list[tuple[str, AnswerT]]:
        if not optional:
            self.raise_if_all_failed()
        for name, error in self.failures.items():
            with out.part(**{label: name}):
                raise error.with_traceback(None)
        return list(self.answers.items())

    def _all_failed(self, failures: Mapping[str, Exception]) -> NoTargetAvailable | AuthFailed:
        """One error for all: its reason is the worst one."""
        worst = sorted(failures.items(), key=lambda item: WORST_FIRST.index(reason_of(item[1])))
        more = f"; and {len(worst) - MOST_NAMED} more" if len(worst) > MOST_NAMED else ""
        named = "; ".join(f"{name}: {describe(error)}" for name, error in worst[:MOST_NAMED])
        text = f"{named}{more}" if len(worst) > 1 else describe(worst[0][1])
        fix = fix_of(worst[0][1])
        if all(each.refused for each in self._targets):
            return AuthFailed(text, fix=fix)
        return NoTargetAvailable(reason_of(worst[0][1]), text, fix=fix)


class Targets(_Group[PlaceT, AnswerT, Awaitable[AnswerT]]):
    """Polls `targets` (name → whatever `ask` needs) for a collector with coroutines, all at once.

    `await ask(name, target)` returns an answer or raises. It is cancelled after `deadline` seconds (0.8 of the
    timeout); after a failure the target is asked again at the next run, then after 2, 4, 8, … intervals, up to
    `longest_pause` seconds. One whose credentials were refused (`AuthFailed`) is never asked again. `interval` is for
    targets that are to be asked less often than the collector runs.

    Answers that are there wait at most `patience` seconds for the others (2, or half of the interval or the timeout); a
    run without any waits longer, and a program that looks once (`keeps_running` is False) waits for all of them until
    their deadlines. An answer is shown until its target fails, for three intervals or 5 s at most, or twice as long as
    the answer took.

    Make one in `__init__` and close it in `close`: what it knows of its targets outlives both.
    """

    async def poll(self, out: Readings, *, label: str, optional: bool = False) -> list[tuple[str, AnswerT]]:
        """Ask the targets that are due; returns the fresh answers by name.

        Each target without one is a failed part of the run: `label` and its name. Raises `NoTargetAvailable` where all
        fail, `AuthFailed` where all refuse; with `optional` the run goes on without them.
        """
        await self.refresh()
        return self._conclude(out, label, optional=optional)

    async def refresh(self) -> None:
        """The same without recording anything, for collectors that show failures in their own way."""
        from asyncio import get_running_loop  # noqa: PLC0415 - who only imports the framework does without

        until = get_running_loop().time() + self._longest_wait
        await self._wait(self._begin(self._start), self._patience)
        while not self.answers and self._under_way() and (left := until - get_running_loop().time()) > 0:
            await self._wait(self._under_way(), left, first=True)

    async def close(self) -> None:
        """Cancel what is under way; returns within a second, whatever ignores it."""
        for each in self._targets:
            each.cancel()
        await self._wait([call for each in self._targets if (call := each.abandoned)], CLOSE_SECONDS)

    def _start(self, target: Target[PlaceT, AnswerT]) -> Pending[AnswerT]:
        from asyncio import get_running_loop  # noqa: PLC0415

        task = get_running_loop().create_task(self._call(target), name=f"{self._collector}: {target.name}")
        task.add_done_callback(_retrieve)
        target.start(task, self._clock.monotonic())
        return task

    async def _call(self, target: Target[PlaceT, AnswerT]) -> Answer[AnswerT]:
        from asyncio import timeout  # noqa: PLC0415

        async with timeout(self._deadline):
            value = await self._ask(target.name, target.place)
        return Answer(value, self._clock.monotonic())

    async def _wait(self, calls: list[Pending[AnswerT]], seconds: float, *, first: bool = False) -> None:
        from asyncio import ALL_COMPLETED, FIRST_COMPLETED, wait  # noqa: PLC0415

        if calls:
            tasks = cast("list[asyncio.Future[Answer[AnswerT]]]", calls)
            await wait(tasks, timeout=seconds, return_when=FIRST_COMPLETED if first else ALL_COMPLETED)
        self._settle()


class BlockingTargets(_Group[PlaceT, AnswerT, AnswerT]):
    """As `Targets`, for work that blocks and collectors without coroutines: `ask(name, target)` runs on a thread of the
    target's own.

    A thread that hangs cannot be cancelled: its target fails until it has come back, and costs nobody else anything.
    """

    def poll(self, out: Readings, *, label: str, optional: bool = False) -> list[tuple[str, AnswerT]]:
        """As `Targets.poll`."""
        self.refresh()
        return self._conclude(out, label, optional=optional)

    def refresh(self) -> None:
        """As `Targets.refresh`."""
        from time import monotonic  # noqa: PLC0415

        until = monotonic() + self._longest_wait
        self._wait(self._begin(self._start), self._patience)
        while not self.answers and self._under_way() and (left := until - monotonic()) > 0:
            self._wait(self._under_way(), left, first=True)

    def close(self) -> None:
        """Give up what is under way; returns at once."""
        for each in self._targets:
            each.cancel()

    def _start(self, target: Target[PlaceT, AnswerT]) -> Pending[AnswerT]:
        def work() -> Answer[AnswerT]:
            value = self._ask(target.name, target.place)
            return Answer(value, self._clock.monotonic())

        future = start_thread(f"{self._collector}: {target.name}", work)
        target.start(future, self._clock.monotonic())
        return future

    def _wait(self, calls: list[Pending[AnswerT]], seconds: float, *, first: bool = False) -> None:
        from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, wait  # noqa: PLC0415

        futures = cast("list[Future[Answer[AnswerT]]]", calls)
        wait(futures, timeout=seconds, return_when=FIRST_COMPLETED if first else ALL_COMPLETED)
        self._settle()


def _retrieve(task: asyncio.Task[object]) -> None:
    """Look at how a task ended, so that asyncio doesn't report it as unseen where nobody will poll again."""
    if not task.cancelled():
        task.exception()
