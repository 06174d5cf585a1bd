"""Readings from wherever they come: checked one by one, written in groups, answered once they are on disk."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from pydantic import TypeAdapter, ValidationError

from collector_core import Clock
from collector_core.storage import StorageError
from collector_plugins.sites.own_thread import OwnThread
from collector_plugins.sites.reading import NO_SERIES, Reading
from collector_plugins.sites.site import Site, is_site_id
from collector_plugins.sites.store import Store

FUTURE_SECONDS = 300
MAX_PENDING = 200_000  # readings that wait for the disk
UNKNOWN_SITE = "no such site"
_WHOLE = {NO_SERIES: "series"}  # what is wrong with a whole: the key to name
_UNKNOWN_KEY = ("extra_forbidden", "unexpected_keyword_argument")  # of a model, of a dataclass
_READINGS = TypeAdapter(list[Reading])

Problem = tuple[str, str]  # the key that is wrong, and what is wrong with it


class IngestFull(Exception):
    """More readings wait for the disk than memory should hold."""


@dataclass(frozen=True)
class Rejected:
    """Why one reading was not taken: its place in what was sent, the key that is wrong, and how."""

    index: int
    field: str
    error: str


@dataclass
class Outcome:
    """What became of readings that were sent together."""

    accepted: int = 0
    duplicates: int = 0
    rejected: list[Rejected] = field(default_factory=list)


@dataclass
class _Group:
    """Readings that were sent together and wait to be written."""

    readings: list[Reading]
    outcome: Outcome
    done: Future[Outcome] | asyncio.Future[Outcome]
    error: Exception | None = None

    def settle(self) -> None:
        """Tell whoever waits, on its event loop where it has one."""
        if self.done.done():
            return
        if self.error is not None:
            self.done.set_exception(self.error)
        else:
            self.done.set_result(self.outcome)


class Ingest:
    """Takes readings; `find_site` looks a site up, and `register` registers those of ids that are unknown.

    Without `register` readings of unknown sites are rejected. `retention` is in seconds. Safe to use from any thread.
    """

    def __init__(
        self,
        writer: OwnThread[Store],
        find_site: Callable[[str], Site | None],
        register: Callable[[Store, Iterable[str]], None] | None,
        clock: Clock,
        retention: float,
    ) -> None:
        self._writer = writer
        self._find_site = find_site
        self._register = register
        self._clock = clock
        self._retention = retention
        self._lock = threading.Lock()
        self._waiting: list[_Group] = []
        self._pending = 0
        self.counts = {"accepted": 0, "duplicate": 0, "rejected": 0}

    @property
    def sent(self) -> int:
        """How many readings were sent so far, whatever became of them."""
        return sum(self.counts.values())

    def submit(self, items: Sequence[Any]) -> Future[Outcome]:
        """Check what was sent and write what is right; done when it is on disk.

        The future raises `StorageError` where it cannot be written; raises `IngestFull` at once.
        """
        done = Future[Outcome]()
        self._take(items, done)
        return done

    async def take(self, items: Sequence[Any]) -> Outcome:
        """As `submit`, without blocking the event loop, which is woken once for all that is written together."""
        done: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._take(items, done)
        return await done

    def _take(self, items: Sequence[Any], done: Future[Outcome] | asyncio.Future[Outcome]) -> None:
        readings, rejected = self._checked(items)
        group = _Group(readings, Outcome(rejected=rejected), done)
        with self._lock:
            if self._pending + len(readings) > MAX_PENDING:
                raise IngestFull
            self.counts["rejected"] += len(rejected)
            if not readings:
                group.settle()
                return
            if not self._waiting:  # else somebody has asked for it
                self._writer.submit(self._write_waiting)
            self._pending += len(readings)
            self._waiting.append(group)

    def _checked(self, items: Sequence[Any]) -> tuple[list[Reading], list[Rejected]]:
        readings, wrong = parse_readings(items)
        wrong |= self._refused(readings)
        found = [reading for place, reading in readings.items() if place not in wrong]
        return found, [Rejected(place, *problem) for place, problem in sorted(wrong.items())]

    def _refused(self, readings: Mapping[int, Reading]) -> dict[int, Problem]:
        """What is wrong with readings at this time and these sites, by their places."""
        now = self._clock.time()
        earliest, latest = (now - self._retention) * 1000, (now + FUTURE_SECONDS) * 1000
        ids = {reading.site_id for reading in readings.values()}
        unknown = {each for each in ids if self._find_site(each) is None and not (self._register and is_site_id(each))}
        refused: dict[int, Problem] = {}
        for place, reading in readings.items():
            if reading.timestamp < earliest:
                refused[place] = "timestamp", "is older than what is kept"
            elif reading.timestamp > latest:
                refused[place] = "timestamp", "is in the future"
            elif reading.site_id in unknown:
                refused[place] = "site_id", UNKNOWN_SITE
        return refused

    def _write_waiting(self, store: Store) -> None:
        """Write all that waits in one transaction, so that many senders share one wait for the disk."""
        with self._lock:
            groups, self._waiting = self._waiting, []
        try:
            self._write(store, groups)
        except StorageError as error:
            _fail(groups, error)
        except Exception:  # noqa: BLE001 - what is wrong with one group must not cost the others
            self._write_alone(store, groups)
        finally:
            with self._lock:
                self._pending -= sum(len(group.readings) for group in groups)
            _settle(groups)

    def _write_alone(self, store: Store, groups: list[_Group]) -> None:
        for group in groups:
            try:
                self._write(store, [group])
            except Exception as error:  # noqa: BLE001 - it is the sender's to see
                _fail([group], error)

    def _write(self, store: Store, groups: list[_Group]) -> None:
        readings = [each for group in groups for each in group.readings]
        if self._register is not None:
            self._register(store, {reading.site_id for reading in readings})
        new = iter(store.add(readings))
        for group in groups:
            group.outcome.accepted = sum(islice(new, len(group.readings)))
            group.outcome.duplicates = len(group.readings) - group.outcome.accepted
            self.counts["accepted"] += group.outcome.accepted
            self.counts["duplicate"] += group.outcome.duplicates


def _fail(groups: list[_Group], error: Exception) -> None:
    for group in groups:
        group.error = error


def _settle(groups: Iterable[_Group]) -> None:
    """Tell all that wait."""
    loops: dict[asyncio.AbstractEventLoop, list[_Group]] = {}
    for group in groups:
        if isinstance(group.done, asyncio.Future):
            loops.setdefault(group.done.get_loop(), []).append(group)
        else:
            group.settle()
    for loop, found in loops.items():
        with suppress(RuntimeError):  # it has ended
            loop.call_soon_threadsafe(_settle_here, found)


def _settle_here(groups: Iterable[_Group]) -> None:
    for group in groups:
        group.settle()


def parse_readings(items: Sequence[Any]) -> tuple[dict[int, Reading], dict[int, Problem]]:
    """What is a reading, and why the rest is none, each by its place; those that are readings already stay."""
    readings, wrong = _validated(items)
    for place, reading in readings.items():
        if reading.power_watts is None and reading.energy_kwh is None and reading is not items[place]:
            wrong[place] = "power_watts", "power_watts or energy_kwh is missing"
    return {place: reading for place, reading in readings.items() if place not in wrong}, wrong


def _validated(items: Sequence[Any]) -> tuple[dict[int, Reading], dict[int, Problem]]:
    try:
        return dict(enumerate(_READINGS.validate_python(items))), {}
    except ValidationError as error:
        wrong = _first_problems(error)
    good = [place for place in range(len(items)) if place not in wrong]
    found = _READINGS.validate_python([items[place] for place in good])
    return dict(zip(good, found, strict=True)), wrong


def _first_problems(error: ValidationError) -> dict[int, Problem]:
    found: dict[int, Problem] = {}
    for each in error.errors(include_url=False, include_input=False, include_context=False):
        place, *path = each["loc"]
        found.setdefault(int(place), describe_problem(path, each))
    return found


def describe_problem(path: Sequence[int | str], problem: Mapping[str, Any]) -> Problem:
    """The key that is wrong and what is wrong with it; within shares, the key that holds them."""
    message = str(problem["msg"]).removeprefix("Value error, ")
    if message in _WHOLE:
        return _WHOLE[message], message
    if not path:
        return "reading", "must be a JSON object"
    keys = path[:1] if path[0] == "sources" else path
    name = ".".join(str(key) for key in keys if key != "[key]")
    return _readable(name), "is not a known key" if problem["type"] in _UNKNOWN_KEY else message


def _readable(name: str) -> str:
    """A key that was sent, in what can be sent back: short, and without half characters."""
    return name.encode("utf-8", "replace").decode()[:200]
