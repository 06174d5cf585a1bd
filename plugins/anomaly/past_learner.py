"""Teaches series what the history knows of them, before they are judged: after a restart, and on the first day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import floor
from queue import Empty, SimpleQueue
from threading import Thread
from typing import NamedTuple

from collector_core import Context, History, HistoryUnavailable, Series, describe
from collector_plugins.anomaly.past_rows import Rows, past_rows
from collector_plugins.anomaly.series.watched_series import WatchedSeries

MOST_DAYS = 14
MOST_ROWS = 20_160  # of a series: two weeks of minutes
MOST_ROWS_A_RUN = 10_000  # of all series: about half a second of CPU
MOST_SECONDS_A_RUN = 1.0
LONGEST_WAIT = 0.5  # seconds in a run for the history's answer; it may come until the next run
GIVE_UP_SECONDS = 60.0  # without an answer, after which series are learnt as if there were no history


class _Question(NamedTuple):
    """What is asked of the history: rows of a series from `start` to `end`, in seconds since 1970."""

    series: Series
    start: float
    end: float


class PastLearner:
    """Holds series back until they have learnt from the history, a bounded number of rows a run.

    A thread of its own asks, so that no run waits for a disk that hangs; when nothing comes for a minute, all series
    are let go.
    """

    def __init__(self, ctx: Context, row_seconds: float) -> None:
        self._ctx = ctx
        self._row = row_seconds
        self._known: set[str] = set()
        self._waiting: dict[str, WatchedSeries] = {}
        self._rows: Rows = ()
        self._current: WatchedSeries | None = None
        self._questions = SimpleQueue[_Question | None]()
        self._answers = SimpleQueue[Rows | HistoryUnavailable]()
        self._thread: Thread | None = None
        self._is_asking = False
        self._asked = ""
        self._heard_at = 0.0
        self._learnt = 0

    @property
    def held(self) -> Sequence[WatchedSeries]:
        """The series that have not learnt yet, and must not be judged."""
        return [*self._waiting.values()]

    def learn(self, series: Mapping[str, WatchedSeries]) -> None:
        """Note which series are new, and teach those that wait, as much as fits into a run."""
        self._note_new(series)
        began = self._ctx.clock.monotonic()
        budget = MOST_ROWS_A_RUN
        while self._waiting and budget > 0 and self._ctx.clock.monotonic() - began <= MOST_SECONDS_A_RUN:
            if not self._has_rows():
                break
            budget -= self._learn_piece(budget)

    def close(self) -> None:
        """Let the thread end; it starts again when it is needed."""
        self._questions.put(None)
        self._thread, self._is_asking, self._current = None, False, None
        self._questions, self._answers = SimpleQueue(), SimpleQueue()

    def _note_new(self, series: Mapping[str, WatchedSeries]) -> None:
        new = [text for text in series if text not in self._known]
        if new and not self._waiting:
            self._heard_at = self._ctx.clock.monotonic()
        self._known.update(new)
        if len(self._known) > 2 * len(series):
            self._known.intersection_update(series)
        if self._ctx.history.is_kept:
            now = self._ctx.clock.time()
            self._waiting |= {
                text: series[text] for text in new if now - self._known_until(series[text]) > 2 * self._row
            }
        gone = [text for text in self._waiting if text not in series]
        for text in gone:
            del self._waiting[text]

    def _known_until(self, watched: WatchedSeries) -> float:
        return watched.last_row_at if watched.rows_known else 0.0

    def _has_rows(self) -> bool:
        """Whether there is a series to teach, with its rows; asks for the next one where there is none."""
        if self._current is not None:
            return True
        if not self._is_asking:
            self._ask()
        try:
            answer = self._answers.get(timeout=LONGEST_WAIT)
        except Empty:
            self._give_up_late("no answer")
            return False
        self._is_asking = False
        if isinstance(answer, HistoryUnavailable):
            self._give_up_late(describe(answer))
            return False
        self._heard_at = self._ctx.clock.monotonic()
        self._current, self._rows = self._waiting.get(self._asked), answer
        return self._current is not None  # unless it is gone

    def _ask(self) -> None:
        """Ask for the series with the least to learn: those of before a restart come first."""
        watched = max(self._waiting.values(), key=self._known_until)
        now = self._ctx.clock.time()
        horizon = min(MOST_DAYS * 86_400.0, MOST_ROWS * self._row)
        end = floor(now / self._row) * self._row
        self._asked, self._is_asking = watched.series.text, True
        self._questions.put(_Question(watched.series, max(now - horizon, self._known_until(watched)), end))
        if self._thread is None:
            work = (self._ctx.history, self._row, self._questions, self._answers)
            self._thread = Thread(target=_answer, args=work, name="anomaly-history", daemon=True)
            self._thread.start()

    def _learn_piece(self, budget: int) -> int:
        """Teach the current series some of its rows, or let it go; returns how many."""
        assert self._current is not None  # noqa: S101 - see `learn`
        piece, self._rows = self._rows[:budget], self._rows[budget:]
        self._current.learn(piece)
        self._learnt += len(piece)
        if not self._rows:
            self._waiting.pop(self._current.series.text, None)
            self._current = None
        if not self._waiting and self._learnt:
            self._ctx.logger.info("learnt %d rows of the past from the history", self._learnt)
            self._learnt = 0
        return len(piece)

    def _give_up_late(self, why: str) -> None:
        if self._ctx.clock.monotonic() - self._heard_at >= GIVE_UP_SECONDS:
            self._ctx.logger.warning("%d series learn nothing from the history: %s", len(self._waiting), why)
            self._waiting.clear()


def _answer(
    history: History,
    row: float,
    questions: SimpleQueue[_Question | None],
    answers: SimpleQueue[Rows | HistoryUnavailable],
) -> None:
    while question := questions.get():
        try:
            answers.put(past_rows(history, row, *question))
        except HistoryUnavailable as error:
            answers.put(error)
