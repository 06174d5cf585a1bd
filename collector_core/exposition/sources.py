"""What every source published last, joined into the body of `/metrics` on request."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import chain, groupby
from math import inf
from typing import TYPE_CHECKING

from collector_core.errors import ReadingError
from collector_core.exposition.family import FamilyRun, ShownFamily
from collector_core.exposition.formats import END_OF_OPENMETRICS, Encoding, ExpositionFormat
from collector_core.exposition.packing import BodyPart, Packer
from collector_core.exposition.render import NOTHING_RENDERED, Rendered, Renderer
from collector_core.model.clock import Clock
from collector_core.model.families import metric_names
from collector_core.model.metrics import Metric, check_alike
from collector_core.model.published import Published
from collector_core.model.readings import Snapshot

if TYPE_CHECKING:
    from prometheus_client import Metric as Family

    from collector_core.exposition.foreign import Registry

SLOW_LINES = 5000  # about 5 ms of joining and compressing
_NOTHING_MADE = -1, b""


class Exposition:
    """Holds what every source published last and joins it into the body of `/metrics`.

    It is itself a collector of `registry`, a real `CollectorRegistry` that foreign collectors may join, made when it is
    asked for. Theirs are collected at each scrape; ours are only joined. `labels` are added to every series. Safe to
    use from any thread.
    """

    def __init__(self, clock: Clock, labels: Mapping[str, str] | None = None) -> None:
        self._clock = clock
        self._labels = labels or {}
        self._lock = threading.RLock()
        self._families: dict[str, ShownFamily] = {}
        self._sources: list[Source] = []
        self._version = 0
        self._finished_runs = 0
        self._makers = {(kind, gzip): _Maker(kind, gzip=gzip) for kind in ExpositionFormat for gzip in (False, True)}
        self._known_runs: list[FamilyRun] | None = None
        self._next_expiry = inf
        self._lines = 0
        self._registry: Registry | None = None

    @property
    def registry(self) -> Registry:
        """What foreign collectors join."""
        with self._lock:
            if self._registry is None:
                from collector_core.exposition.foreign import Registry  # noqa: PLC0415 - with prometheus_client

                self._registry = Registry(self)
            return self._registry

    def source(self, name: str, metrics: Iterable[Metric], labels: Mapping[str, str] | None = None) -> Source:
        """A place to publish `metrics`; `labels` are added to every series of it.

        A source that shows foreign families under one of these names loses them, so that the order in which
        collectors start does not matter. Raises `DeclarationError` when another source declared one of the metrics
        differently.
        """
        source = Source(self, name, {**self._labels, **(labels or {})})
        metrics = tuple(metrics)
        with self._lock:
            for metric in metrics:
                self._check_declaration(source, metric)
            for metric in metrics:
                family = self._families.setdefault(metric.base_name, ShownFamily(metric, name))
                family.sources.append(source)
                source.families[metric] = family
                source.declared[metric.base_name] = metric
            self._known_runs = None
            self._withdraw_foreign({name for metric in metrics for name in metric_names(metric)})
            self._sources.append(source)
        return source

    def body(self, encoding: Encoding) -> bytes:
        """The response to a scrape; the same object until something was published or became stale.

        Whoever asks while it is made waits for it, and holds no publisher up.
        """
        maker = self._makers[encoding.format, encoding.gzip]
        maker.ask(self._finished_runs)
        return self._made(maker)

    def ready_bodies(self, encoding: Encoding) -> Callable[[], bytes | None]:
        """Gives the response to a scrape if it needs no work, as often as it is called; never blocks."""
        return partial(self._ready, self._makers[encoding.format, encoding.gzip])

    def _ready(self, maker: _Maker) -> bytes | None:
        if self._has_guests or self._clock.monotonic() >= self._next_expiry:
            return None
        version, body = maker.made
        if version != self._version:
            return None
        maker.ask(self._finished_runs)
        return body

    def prepare(self) -> None:
        """A run has ended: make the next scrape's body while its lines are at hand, if no other run will come before.

        That is foreseen from the number of runs between the last two scrapes.
        """
        with self._lock:
            self._finished_runs += 1
            due = [] if self.slow else [maker for maker in self._makers.values() if maker.is_due(self._finished_runs)]
        for maker in due:
            self._made(maker)

    def published(self) -> list[Published]:
        """What every source shows now; those that went stale show nothing."""
        with self._lock:
            self._expire()
            return [Published(source.name, source.labels, source.shown.snapshot) for source in self._sources]

    @property
    def slow(self) -> bool:
        """Whether `body` may take long enough to be kept out of an event loop."""
        return self._has_guests or self._lines > SLOW_LINES

    @property
    def _has_guests(self) -> bool:
        """Whether foreign collectors have joined, which are collected at each scrape."""
        return self._registry is not None and bool(self._registry.foreign)

    def collect(self) -> Iterator[Family]:
        """The same series as prometheus_client's objects, for whoever uses `registry` directly."""
        with self._lock:
            self._expire()
            ours = [family.as_prometheus_client() for family in self._families.values() if family.is_shown]
            return iter(ours + self._foreign())

    def _foreign(self) -> list[Family]:
        from collector_core.exposition.foreign import thaw  # noqa: PLC0415 - with prometheus_client

        return [thaw(family) for source in self._sources for family in source.shown.foreign.families]

    def describe(self) -> Iterable[Family]:
        """Nothing in advance: sources come and go."""
        return ()

    def _made(self, maker: _Maker) -> bytes:
        with self._lock:
            self._expire()
            arrived = self._version
        with maker.lock:
            if maker.made[0] < arrived or self._has_guests:
                maker.made = _NOTHING_MADE  # its memory serves the next one
                with self._lock:
                    version, parts = self._version, self._parts(maker.format)
                body = self._make(maker, parts)
                maker.made = (-1 if self._has_guests else version), body
            return maker.made[1]

    def _make(self, maker: _Maker, parts: list[BodyPart]) -> bytes:
        if self._registry is not None and self._registry.foreign:
            text = self._registry.foreign_text(maker.format)
            parts.append(BodyPart(text, [text]))
        if maker.format is ExpositionFormat.OPENMETRICS:
            parts.append(BodyPart(END_OF_OPENMETRICS, [END_OF_OPENMETRICS]))
        if maker.gzip:
            return maker.packer.pack(parts)
        return b"".join(chain.from_iterable(part.pieces for part in parts))

    def _parts(self, kind: ExpositionFormat) -> list[BodyPart]:
        """Everything that is shown."""
        foreign = [
            BodyPart((source, source.version), [source.shown.foreign.texts[kind]])
            for source in self._sources
            if source.shown.foreign.families
        ]
        return [run.part(kind) for run in self._runs()] + foreign

    def _runs(self) -> list[FamilyRun]:
        if self._known_runs is None:
            of_family = groupby(self._families.values(), lambda family: tuple(family.sources))
            self._known_runs = [FamilyRun(sources, list(families)) for sources, families in of_family]
        return self._known_runs

    def _publish(self, source: Source, rendered: Rendered, expires_at: float) -> None:
        with self._lock:
            if source.closed:
                return
            shown, snapshot = source.shown, rendered.snapshot
            is_alike = snapshot.layout is shown.snapshot.layout and rendered.foreign is shown.foreign
            if not is_alike:
                self._check(source, rendered)
            source.expires_at = expires_at
            self._next_expiry = min(self._next_expiry, expires_at)
            if rendered is shown:
                return
            if not is_alike:
                self._lines += len(snapshot) - len(shown.snapshot)
            source.shown = rendered
            source.version = self._version = self._version + 1

    def _check(self, source: Source, rendered: Rendered) -> None:
        """Raises `ReadingError` when another source has a series, or a name, that this one is to show."""
        if rendered.layout is not source.shown.layout:
            self._check_twice(source, rendered)
        if rendered.foreign.names != source.shown.foreign.names:
            self._check_foreign(source, rendered.foreign.names)

    def _check_twice(self, source: Source, rendered: Rendered) -> None:
        """Raises `ReadingError` when another source already shows one of the series."""
        for metric in rendered.layout.metrics:
            others = [other for other in source.families[metric].sources if other is not source]
            mine = rendered.identities(metric) if others else set()
            for other in others:
                common = mine & other.shown.identities(other.declared[metric.base_name])
                if common:
                    raise ReadingError(
                        f"{metric.name}{min(common)} is already published by {other.name}; "
                        "give the instances different `labels`"
                    )

    def _check_foreign(self, source: Source, names: Iterable[str]) -> None:
        """Raises `ReadingError` when another source declares or shows one of the names."""
        for name in sorted(names):
            if owner := self._owner_of(source, name):
                raise ReadingError(f"{name} of {source.name} is taken by {owner}: one name means one thing")

    def _owner_of(self, source: Source, name: str) -> str:
        """Which source declares a name, or which other one shows it; empty if none does."""
        with self._lock:
            for family in self._families.values():
                if name in family.names:
                    return family.owner
            others = (other for other in self._sources if other is not source)
            return next((other.name for other in others if name in other.shown.foreign.names), "")

    def _withdraw_foreign(self, names: set[str]) -> None:
        for source in self._sources:
            if names & source.shown.foreign.names:
                self._publish(source, NOTHING_RENDERED, inf)

    def _remove(self, source: Source) -> None:
        with self._lock:
            self._publish(source, NOTHING_RENDERED, inf)
            if source.closed:
                return
            source.closed = True
            self._known_runs = None
            self._sources.remove(source)
            for family in source.families.values():
                family.sources.remove(source)
                if not family.sources:
                    del self._families[family.metric.base_name]

    def _expire(self) -> None:
        now = self._clock.monotonic()
        if now < self._next_expiry:
            return
        for source in self._sources:
            if source.expires_at <= now:
                self._publish(source, NOTHING_RENDERED, inf)
        self._next_expiry = min((source.expires_at for source in self._sources), default=inf)

    def _check_declaration(self, source: Source, metric: Metric) -> None:
        known = self._families.get(metric.base_name)
        if known:
            check_alike(metric, source.name, known.metric, known.owner)


class Source:
    """Where one collector instance publishes; made by `Exposition.source`."""

    def __init__(self, exposition: Exposition, name: str, labels: Mapping[str, str]) -> None:
        self.name = name
        self.labels = labels
        self.closed = False
        self.version = 0
        self.families: dict[Metric, ShownFamily] = {}
        self.expires_at = inf
        self.declared: dict[str, Metric] = {}
        self.shown = NOTHING_RENDERED
        self._exposition = exposition
        self._renderer = Renderer(dict(labels))

    def publish(self, snapshot: Snapshot, *, expires_at: float = inf) -> None:
        """Replace all that this source shows; at `expires_at` (monotonic seconds) it vanishes. Nothing once closed.

        Call it from one thread at a time. Raises `ReadingError` when another source shows one of the series.
        """
        self._exposition._publish(self, self._renderer.render(snapshot), expires_at)  # noqa: SLF001 - one class in two halves

    def owner_of(self, name: str) -> str:
        """The source that declares a metric called `name`, or another one that shows it; empty if there is none."""
        return self._exposition._owner_of(self, name)  # noqa: SLF001

    def close(self) -> None:
        """Give up the place; any number of times."""
        self._exposition._remove(self)  # noqa: SLF001


class _Maker:
    """The last body in one encoding, after the version of what is in it; whoever holds `lock` may make the next."""

    def __init__(self, kind: ExpositionFormat, *, gzip: bool) -> None:
        self.format = kind
        self.gzip = gzip
        self.lock = threading.RLock()
        self.made = _NOTHING_MADE
        self.packer = Packer()
        self._asked_after = 0  # runs, when somebody asked last,
        self._runs_between = 0  # and since the time before

    def ask(self, runs: int) -> None:
        """Somebody asks after so many runs."""
        if runs > self._asked_after:
            self._asked_after, self._runs_between = runs, runs - self._asked_after

    def is_due(self, runs: int) -> bool:
        """Whether somebody will ask before the next run, if the times between scrapes are alike."""
        return runs - self._asked_after == self._runs_between > 0
