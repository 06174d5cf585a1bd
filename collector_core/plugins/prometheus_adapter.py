"""A custom collector of prometheus_client as a collector of ours, in one line."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol, cast

from collector_core.collector import Collector, CollectorConfig, Context
from collector_core.model.families import FamilyLike
from collector_core.model.readings import Readings


class CollectLike(Protocol):
    """An object with `collect`, as `CollectorRegistry.register` takes it."""

    def collect(self) -> Iterable[FamilyLike]:
        """Metric families with their series."""


def wrap_collector(name: str, foreign: CollectLike | Callable[[], CollectLike]) -> type[Collector[Any]]:
    """A collector class called `name` that publishes what `foreign` collects, on a thread of its own.

    `foreign` is a class or function that makes an object with `collect()`, called at each `open`; or such an object.
    There are no options, and the names of its metrics are its own.
    """
    attributes = {
        "__doc__": f"Publishes what {getattr(foreign, '__name__', type(foreign).__name__)} collects.",
        "__module__": foreign.__module__,  # errors name the line there
        "name": name,
        "make": staticmethod(_maker(foreign)),
    }
    return type(name.title().replace("_", ""), (_Wrapped,), attributes)


def _maker(foreign: CollectLike | Callable[[], CollectLike]) -> Callable[[], CollectLike]:
    """A class has `collect` too, but is not ready to collect."""
    ready = hasattr(foreign, "collect") and not isinstance(foreign, type)
    return cast("Callable[[], CollectLike]", (lambda: foreign) if ready else foreign)


class _Wrapped(Collector[CollectorConfig]):
    """Base of the classes that `wrap_collector` makes."""

    metrics = ()
    make: Callable[[], CollectLike]

    def __init__(self, config: CollectorConfig, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._foreign: CollectLike | None = None

    @classmethod
    def detect(cls, ctx: Context) -> None:
        """Always there: who installs it wants it."""
        del ctx

    def open(self) -> None:
        """Make the foreign collector."""
        self._foreign = self.make()

    def collect(self, out: Readings) -> None:
        """Let it collect; what it raises passes through."""
        foreign = self.make() if self._foreign is None else self._foreign
        out.add_families(foreign.collect())

    def close(self) -> None:
        """Let go of it."""
        self._foreign = None
