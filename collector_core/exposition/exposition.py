"""Snapshots → bytes: rendered once per run, joined on request. The only module that imports prometheus_client."""

from __future__ import annotations

import logging
import threading
import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from math import inf
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client import Metric as Family
from prometheus_client.exposition import choose_encoder, generate_latest, gzip_accepted
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector as ForeignCollector
from prometheus_client.samples import Sample
from prometheus_client.utils import floatToGoString

from collector_core.errors import DeclarationError, ReadingError, describe
from collector_core.exposition.line_templates import Block, layout_blocks
from collector_core.model.clock import Clock
from collector_core.model.families import Families, metric_names
from collector_core.model.families import Family as FrozenFamily
from collector_core.model.labels import label_text
from collector_core.model.metrics import Metric
from collector_core.model.published import Published
from collector_core.model.readings import NOTHING, Layout, Snapshot, all_labels

log = logging.getLogger(__name__)

GO_EXPONENT = 1e6  # from here on prometheus_client writes 1.5e+06 where Python writes 1500000.0
EXACT = 1e16  # whole numbers below are written with all their digits
GZIP_LEVEL = 1
GZIP_WINDOW_BITS = 13  # 8 KiB, where neighbouring lines are: half the time of the usual 32 KiB for the same size
GZIP_MEMORY_LEVEL = 6
SLOW_LINES = 5000  # about 5 ms of joining and compressing
_EOF = b"# EOF\n"
_EXPONENTS = [f"e+{digits - 1:02}" for digits in range(18)]
_FLOAT_BYTES = array("d").itemsize


class Format(Enum):
    """The two formats that Prometheus asks for."""

    TEXT = "text"
    OPENMETRICS = "openmetrics"


@dataclass(frozen=True, slots=True)
class Encoding:
    """What a client accepts: the format, its content type and whether it takes gzip."""

    format: Format
    content_type: str
    gzip: bool


@lru_cache(maxsize=128)
def negotiate(accept: str, accept_encoding: str) -> Encoding:
    """Read the `Accept` and `Accept-Encoding` headers as prometheus_client does."""
    _, content_type = choose_encoder(accept)
    kind = Format.OPENMETRICS if content_type.startswith("application/openmetrics-text") else Format.TEXT
    return Encoding(kind, content_type, gzip_accepted(accept_encoding))


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
        self.registry = Registry()
        self.registry.register(self)

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
            foreign = [_thaw(family) for source in self._sources for family in source.shown.foreign.families]
            return iter(ours + foreign)

    def describe(self) -> Iterable[Family]:
        """Nothing in advance: sources come and go."""
        return ()

    def _make_body(self, encoding: Encoding) -> bytes:
        if encoding.gzip:
            plain = self.body(Encoding(encoding.format, encoding.content_type, gzip=False))
            return _gzip(plain)
        pieces: list[bytes] = []
        for family in self._families.values():
            blocks = family.blocks()
            if blocks:
                pieces.append(family.headers[encoding.format])
                pieces += blocks
        pieces += [source.shown.foreign.texts[encoding.format] for source in self._sources]
        pieces.append(self.registry.foreign_text(encoding.format))
        if encoding.format is Format.OPENMETRICS:
            pieces.append(_EOF)
        return b"".join(pieces)

    def _publish(self, source: Source, rendered: _Rendered, expires_at: float) -> None:
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

    def _check_twice(self, source: Source, rendered: _Rendered) -> None:
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
                self._publish(source, _NOTHING_RENDERED, inf)

    def _remove(self, source: Source) -> None:
        with self._lock:
            self._publish(source, _NOTHING_RENDERED, inf)
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
                self._publish(source, _NOTHING_RENDERED, inf)
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
        self.shown = _NOTHING_RENDERED
        self._exposition = exposition
        self._renderer = _Renderer(dict(labels))

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


class Registry(CollectorRegistry):
    """A prometheus_client registry that keeps the collectors that are not ours apart."""

    def __init__(self) -> None:
        super().__init__(auto_describe=True)
        self.foreign: list[ForeignCollector] = []
        self._failing: set[int] = set()

    def register(self, collector: ForeignCollector) -> None:
        """Let a collector join; raises `ValueError` when one of its names is taken."""
        super().register(collector)
        if not isinstance(collector, Exposition):
            self.foreign.append(collector)

    def unregister(self, collector: ForeignCollector) -> None:
        """Remove a collector that has joined."""
        super().unregister(collector)
        self.foreign.remove(collector)

    def foreign_text(self, kind: Format) -> bytes:
        """What the foreign collectors say now; one that raises is left out and logged once."""
        families = [family for collector in self.foreign for family in self._collect(collector)]
        return _generate(families, kind)

    def _collect(self, collector: ForeignCollector) -> list[Family]:
        try:
            families = [_without_created(family) for family in collector.collect()]
        except Exception as error:  # noqa: BLE001 - whatever it raises is its own affair
            if id(collector) not in self._failing:
                log.warning("foreign collector %s left out: %s", type(collector).__name__, describe(error))
            self._failing.add(id(collector))
            return []
        self._failing.discard(id(collector))
        return families


@dataclass(frozen=True, slots=True)
class _Foreign:
    """Families of foreign code with their source's labels and lines; never changed."""

    families: tuple[FrozenFamily, ...]
    names: frozenset[str]
    texts: Mapping[Format, bytes]


_NO_FOREIGN = _Foreign((), frozenset(), dict.fromkeys(Format, b""))


@dataclass(frozen=True, slots=True)
class _Rendered:
    """A snapshot with its lines in blocks; never changed. `blocks_of` says which blocks are a metric's."""

    snapshot: Snapshot
    labels: Mapping[str, str]
    blocks: list[bytes]
    blocks_of: Mapping[Metric, tuple[int, int]]
    foreign: _Foreign = _NO_FOREIGN

    @property
    def layout(self) -> Layout:
        return self.snapshot.layout

    def samples(self, metric: Metric) -> Iterator[tuple[dict[str, str], float]]:
        """All labels and the value of every series of a metric."""
        for key, value in self.snapshot.series(metric):
            yield all_labels(metric, self.labels, key), value

    def identities(self, metric: Metric) -> set[str]:
        """What tells the series of a metric apart: their labels, as rendered."""
        return {label_text(labels) for labels, _ in self.samples(metric)}


_NOTHING_RENDERED = _Rendered(NOTHING, {}, [], {})


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
        self.headers = {kind: _generate([self._empty()], kind) for kind in Format}

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


def _text(block: Block, values: Sequence[float]) -> bytes:
    """A block's lines as prometheus_client writes them; `%s` of a float is already that below `GO_EXPONENT`."""
    part = values[block.start : block.end]
    if max(part) < GO_EXPONENT:
        return (block.template % tuple(part)).encode()
    return (block.template % tuple([value if value < GO_EXPONENT else _large(value) for value in part])).encode()


def _large(value: float) -> str:
    """As prometheus_client's `floatToGoString` from `GO_EXPONENT` on; whole numbers in a third of its time."""
    if value < EXACT and value.is_integer():
        digits = str(int(value))
        return f"{digits[0]}.{digits[1:]}".rstrip("0.") + _EXPONENTS[len(digits)]
    written: str = floatToGoString(value)  # type: ignore[no-untyped-call]
    return written


class _Renderer:
    """Renders the snapshots of one source; only blocks with changed values are formatted anew."""

    def __init__(self, labels: Mapping[str, str]) -> None:
        self._labels = labels
        self._blocks: list[Block] = []
        self._last = _NOTHING_RENDERED

    def render(self, snapshot: Snapshot) -> _Rendered:
        """The lines of `snapshot`."""
        last = self._last
        blocks_of = last.blocks_of
        foreign = last.foreign
        if snapshot.families != last.snapshot.families:
            foreign = _render_foreign(snapshot.families, self._labels)
        if snapshot.layout is not last.layout:
            self._blocks, blocks_of = layout_blocks(snapshot.layout, self._labels)
            values = snapshot.values.tolist()
            texts = [_text(block, values) for block in self._blocks]
        elif snapshot.values != last.snapshot.values:
            texts = last.blocks.copy()
            changed = self._changed(last.snapshot.values.tobytes(), snapshot.values.tobytes())
            # Many floats are made at once much faster than slice by slice, but few are not worth making all.
            floats = snapshot.values.tolist() if len(changed) > len(texts) / 2 else snapshot.values
            for number in changed:
                texts[number] = _text(self._blocks[number], floats)
        elif foreign is last.foreign:
            return last
        else:
            texts = last.blocks
        self._last = _Rendered(snapshot, self._labels, texts, blocks_of, foreign)
        return self._last

    def _changed(self, old: bytes, new: bytes) -> list[int]:
        """Numbers of the blocks that differ; raw bytes compare several times faster than floats."""
        return [
            number
            for number, block in enumerate(self._blocks)
            if old[block.start * _FLOAT_BYTES : block.end * _FLOAT_BYTES]
            != new[block.start * _FLOAT_BYTES : block.end * _FLOAT_BYTES]
        ]


def _render_foreign(families: Sequence[FrozenFamily], labels: Mapping[str, str]) -> _Foreign:
    """Raises `ReadingError` when series can no longer be told apart with `labels` added."""
    labelled = Families()
    for family in families:
        labelled.add(family.with_labels(labels) if labels else family)
    shown = labelled.joined()
    texts = {kind: _generate([_thaw(family) for family in shown], kind) for kind in Format}
    return _Foreign(shown, frozenset(name for family in shown for name in family.names), texts)


def _thaw(family: FrozenFamily) -> Family:
    """As prometheus_client's own object."""
    thawed = Family(family.name, family.documentation, family.type, family.unit)
    thawed.samples = [Sample(*sample) for sample in family.samples]  # type: ignore[arg-type]
    return thawed


def _gzip(data: bytes) -> bytes:
    header = 16  # zlib's way to ask for a gzip header
    packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, header + GZIP_WINDOW_BITS, GZIP_MEMORY_LEVEL)
    return packer.compress(data) + packer.flush()


@dataclass
class _Listed:
    """What `generate_latest` needs of a registry."""

    families: list[Family]

    def collect(self) -> Iterable[Family]:
        return self.families


def _generate(families: list[Family], kind: Format) -> bytes:
    """prometheus_client's own rendering, without OpenMetrics' closing line."""
    listed: Any = _Listed(families)
    if kind is Format.TEXT:
        return generate_latest(listed)
    text: bytes = generate_openmetrics(listed)  # type: ignore[no-untyped-call]
    return text.removesuffix(_EOF)


def _without_created(family: Family) -> Family:
    family.samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
    return family
