"""Devices of this machine that come and go, each read on a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Generic, TypeVar

from collector_core.collector import Context
from collector_core.errors import NotAvailable
from collector_core.model.readings import Readings
from collector_core.polling.target import Answer
from collector_core.polling.targets import BlockingTargets

PlaceT = TypeVar("PlaceT")
AnswerT = TypeVar("AnswerT")

RESCAN_SECONDS = 60.0


class FoundDevices(Generic[PlaceT, AnswerT]):
    """Reads what `find` finds, by name: one that hangs costs the others nothing.

    It is looked for again every minute, and as soon as something is added to, or leaves, one of the `folders`. What is
    known of a device that hangs outlives that, as long as the same devices are found.
    """

    def __init__(
        self,
        ctx: Context,
        find: Callable[[], Mapping[str, PlaceT]],
        read: Callable[[PlaceT], AnswerT],
        folders: Iterable[Path],
    ) -> None:
        self._ctx = ctx
        self._find = find
        self._read = read
        self._folders = tuple(folders)
        self._places: Mapping[str, PlaceT] = {}
        self._targets: BlockingTargets[PlaceT, AnswerT] | None = None
        self._names: frozenset[str] = frozenset()
        self._rescan_at = 0.0

    def poll(self, out: Readings, nothing: NotAvailable, *, label: str) -> Iterator[tuple[str, Answer[AnswerT]]]:
        """Name and answer of each; one that fails is a failed part, `label` and its name.

        Raises `nothing` where no device is found, and `NotAvailable` where all fail.
        """
        self._rescan_if_due()
        if self._targets is None:
            raise nothing
        for name, value in self._targets.poll(out, label=label):
            last = self._targets.last(name)
            yield name, last or Answer(value, self._ctx.clock.monotonic())

    def close(self) -> None:
        """Let go of what is under way; the next poll looks anew."""
        if self._targets:
            self._targets.close()
        self._targets, self._places = None, {}

    def _rescan_if_due(self) -> None:
        names, now = frozenset(_names(self._folders)), self._ctx.clock.monotonic()
        if self._targets is None or names != self._names or now >= self._rescan_at:
            self._names, self._rescan_at = names, now + RESCAN_SECONDS
            self._rescan()

    def _rescan(self) -> None:
        places = self._find()
        if places != self._places or self._targets is None:
            self.close()
            self._places = places
            self._targets = BlockingTargets(self._ctx, places, self._ask) if places else None

    def _ask(self, _: str, place: PlaceT) -> AnswerT:
        return self._read(place)


def _names(folders: Iterable[Path]) -> Iterator[str]:
    for folder in folders:
        try:
            yield from (f"{folder}/{path.name}" for path in folder.iterdir())
        except OSError:
            continue
