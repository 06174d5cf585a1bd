"""What every source published last, joined into the body of `/metrics` on request."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import inf

from prometheus_client import Metric as Family
from prometheus_client.registry import Collector as ForeignCollector

from collector_core.errors import DeclarationError, ReadingError
from collector_core.exposition.foreign import END_OF_OPENMETRICS, Registry, generate, thaw
from collector_core.exposition.formats import Encoding, Format, compress
from collector_core.exposition.render import NOTHING_RENDERED, Rendered, Renderer
from collector_core.model.clock import Clock
from collector_core.model.families import metric_names
from collector_core.model.metrics import Metric
from collector_core.model.published import Published
from collector_core.model.readings import Snapshot

SLOW_LINES = 5000  # about 5 ms of joining and compressing


class Exposition(ForeignCollector):
    """Holds what every source published last and joins it into the body of `/metrics`.

    It is itself a collector of `registry`, a real `CollectorRegistry` that foreign collectors may join. Theirs are
    collected at each scrape; ours are only joined. `labels` are added to every series. Safe to use from any thread.
    """

    def __init__(self, clock: Clock, labels: Mapping[str, str] | None = None) -> None:
        self._clock = clock
        self._labels = labels or {}
        self._lock = threading.RLock()
        self._families: dict[str, _Family] = {}
        self._sources: list[Source] = []
        self._bodies: dict[tuple[Format, bool], bytes] = {}
        self._next_expiry = inf
        self._lines = 0
        self.registry = Registry(self)

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
                family = self._families.setdefault(metric.base_name, _Family(metric, name))
                family.sources.append(source)
                source.families[metric] = family
                source.declared[metric.base_name] = metric
            self._withdraw_foreign({name for metric in metrics for name in metric_names(metric)})
            self._sources.append(source)
        return source

    def body(self, encoding: Encoding) -> bytes:
        """The response to a scrape; the same object until something was published or became stale."""
        with self._lock:
            self._expire()
            if self.registry.foreign:
                return self._make_body(encoding)
            key = (encoding.format, encoding.gzip)
            if key not in self._bodies:
                self._bodies[key] = self._make_body(encoding)
            return self._bodies[key]

    def ready_body(self, encoding: Encoding) -> bytes | None:
        """The response to a scrape if it needs no work; never blocks."""
        if self.registry.foreign or self._clock.monotonic() >= self._next_expiry:
            return None
        return self._bodies.get((encoding.format, encoding.gzip))

    def published(self) -> list[Published]:
        """What every source shows now; those that went stale show nothing."""
        with self._lock:
            self._expire()
            return [Published(source.name, source.labels, source.shown.snapshot) for source in self._sources]

    @property
    def slow(self) -> bool:
        """Whether `body` may take long enough to be kept out of an event loop."""
        return bool(self.registry.foreign) or self._lines > SLOW_LINES

    def collect(self) -> Iterator[Family]:
        """The same series as prometheus_client's objects, for whoever uses `registry` directly."""
        with self._lock:
            self._expire()
            ours = [family.as_prometheus_client() for family in self._families.values() if family.blocks()]
            foreign = [thaw(family) for source in self._sources for family in source.shown.foreign.families]
            return iter(ours + foreign)

    def describe(self) -> Iterable[Family]:
        """Nothing in advance: sources come and go."""
        return ()

    def _make_body(self, encoding: Encoding) -> bytes:
        if encoding.gzip:
            plain = self.body(Encoding(encoding.format, encoding.content_type, gzip=False))
            return compress(plain)
        pieces: list[bytes] = []
        for family in self._families.values():
            blocks = family.blocks()
            if blocks:
                pieces.append(family.headers[encoding.format])
                pieces += blocks
        pieces += [source.shown.foreign.texts[encoding.format] for source in self._sources]
        pieces.append(self.registry.foreign_text(encoding.format))
        if encoding.format is Format.OPENMETRICS:
            pieces.append(END_OF_OPENMETRICS)
        return b"".join(pieces)

    def _publish(self, source: Source, rendered: Rendered, expires_at: float) -> None:
        with self._lock:
            if source.closed:
                return
            if rendered.layout is not source.shown.layout:
                self._check_twice(source, rendered)
            if rendered.foreign.names != source.shown.foreign.names:
                self._check_foreign(source, rendered.foreign.names)
            source.expires_at = expires_at
            self._next_expiry = min(self._next_expiry, expires_at)
            if rendered is source.shown:
                return
            self._lines += len(rendered.snapshot) - len(source.shown.snapshot)
            source.shown = rendered
            self._bodies.clear()

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
        if known and not known.metric.same_as(metric):
            raise DeclarationError(
                f"{metric.name} is declared differently by {source.name} and {known.owner}: "
                "one name means one thing, so one of them has to change"
            )


class Source:
    """Where one collector instance publishes; made by `Exposition.source`."""

    def __init__(self, exposition: Exposition, name: str, labels: Mapping[str, str]) -> None:
        self.name = name
        self.labels = labels
        self.closed = False
        self.families: dict[Metric, _Family] = {}
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


@dataclass
class _Family:
    """One metric of all sources, with its headers in both formats."""

    metric: Metric
    owner: str
    sources: list[Source] = field(default_factory=list)
    headers: dict[Format, bytes] = field(init=False)
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.names = metric_names(self.metric)
        self.headers = {kind: generate([self._empty()], kind) for kind in Format}

    def blocks(self) -> list[bytes]:
        """The lines of all sources."""
        name = self.metric.base_name
        found: list[bytes] = []
        for source in self.sources:
            shown = source.shown
            first, last = shown.blocks_of.get(source.declared[name], (0, 0))
            found += shown.blocks[first:last]
        return found

    def as_prometheus_client(self) -> Family:
        family = self._empty()
        for source in self.sources:
            for labels, value in source.shown.samples(source.declared[self.metric.base_name]):
                family.add_sample(self.metric.name, labels, value)
        return family

    def _empty(self) -> Family:
        return Family(self.metric.base_name, self.metric.help, self.metric.kind, self.metric.unit)
