"""Snapshots → bytes: rendered once per run, joined on request. The only module that imports prometheus_client."""

from __future__ import annotations

import gzip
import logging
import threading
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from math import inf
from typing import Any

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client import Metric as Family
from prometheus_client.exposition import choose_encoder, generate_latest, gzip_accepted
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector as ForeignCollector
from prometheus_client.utils import floatToGoString

from collector_core.collector import Clock
from collector_core.errors import DeclarationError, ReadingError, describe
from collector_core.metrics import Metric
from collector_core.readings import NO_SERIES, Key, Series, Snapshot

log = logging.getLogger(__name__)

BLOCK = 16  # series that are formatted together; small enough that one changed value costs little
GO_EXPONENT = 1e6  # from here on prometheus_client writes 1.5e+06 where Python writes 1500000.0
GZIP_LEVEL = 1
SLOW_LINES = 5000  # about 5 ms of joining and compressing
_EOF = b"# EOF\n"
_BLOCK_BYTES = BLOCK * array("d").itemsize


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
    collected at each scrape; ours are only joined. Safe to use from any thread.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._families: dict[str, _Family] = {}
        self._sources: list[Source] = []
        self._bodies: dict[tuple[Format, bool], bytes] = {}
        self._next_expiry = inf
        self._frozen: dict[str, _Frozen] = {}
        self._lines = 0
        self.registry = Registry()
        self.registry.register(self)

    def source(self, name: str, metrics: Iterable[Metric], labels: Mapping[str, str] | None = None) -> Source:
        """A place to publish `metrics`; `labels` are added to every series of it.

        Raises `DeclarationError` when another source declared one of the metrics differently.
        """
        source = Source(self, name, labels or {})
        metrics = tuple(metrics)
        with self._lock:
            for metric in metrics:
                self._check_declaration(source, metric)
            for metric in metrics:
                family = self._families.setdefault(metric.base_name, _Family(metric, name))
                family.users += 1
                source.families[metric] = family
            self._sources.append(source)
        return source

    def freeze(self, name: str, collector: ForeignCollector) -> None:
        """Show what a prometheus_client collector says now, until the next call with this `name`."""
        frozen = _Frozen([_without_created(family) for family in collector.collect()])
        with self._lock:
            self._frozen[name] = frozen
            self._bodies.clear()

    def freeze_process_metrics(self) -> None:
        """Show `process_*` and `python_info` as they are now."""
        self.freeze("process", ProcessCollector(registry=None))
        if "python" not in self._frozen:
            self.freeze("python", PlatformCollector(registry=None))

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

    @property
    def slow(self) -> bool:
        """Whether `body` may take long enough to be kept out of an event loop."""
        return bool(self.registry.foreign) or self._lines > SLOW_LINES

    def collect(self) -> Iterator[Family]:
        """The same series as prometheus_client's objects, for whoever uses `registry` directly."""
        with self._lock:
            self._expire()
            families = [family.as_prometheus_client() for family in self._families.values() if family.published]
            return iter(families + [family for frozen in self._frozen.values() for family in frozen.families])

    def describe(self) -> Iterable[Family]:
        """Nothing in advance: sources come and go."""
        return ()

    def _make_body(self, encoding: Encoding) -> bytes:
        if encoding.gzip:
            plain = self.body(Encoding(encoding.format, encoding.content_type, gzip=False))
            return gzip.compress(plain, GZIP_LEVEL, mtime=0)
        pieces: list[bytes] = []
        for family in self._families.values():
            if family.published:
                pieces.append(family.headers[encoding.format])
                for rendered in family.published.values():
                    pieces += rendered.blocks
        pieces += [frozen.texts[encoding.format] for frozen in self._frozen.values()]
        pieces.append(self.registry.foreign_text(encoding.format))
        if encoding.format is Format.OPENMETRICS:
            pieces.append(_EOF)
        return b"".join(pieces)

    def _publish(self, source: Source, rendered: Mapping[Metric, _Rendered], expires_at: float) -> None:
        with self._lock:
            if source.closed:
                return
            for metric, each in rendered.items():
                source.families[metric].check(source, each)
            for metric, family in source.families.items():
                family.put(source, rendered.get(metric))
            lines = sum(len(each.series.values) for each in rendered.values())
            self._lines += lines - source.lines
            source.lines = lines
            source.expires_at = expires_at
            self._next_expiry = min(self._next_expiry, expires_at)
            self._bodies.clear()

    def _remove(self, source: Source) -> None:
        with self._lock:
            self._publish(source, {}, inf)
            if source.closed:
                return
            source.closed = True
            self._sources.remove(source)
            for family in source.families.values():
                family.users -= 1
                if not family.users:
                    del self._families[family.metric.base_name]

    def _expire(self) -> None:
        now = self._clock.monotonic()
        if now < self._next_expiry:
            return
        for source in self._sources:
            if source.expires_at <= now:
                self._publish(source, {}, inf)
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
        self.closed = False
        self.families: dict[Metric, _Family] = {}
        self.expires_at = inf
        self.lines = 0
        self._exposition = exposition
        self._labels = dict(labels)
        self._renderers: dict[Metric, _Renderer] = {}

    def publish(self, snapshot: Snapshot, *, expires_at: float = inf) -> None:
        """Replace all that this source shows; at `expires_at` (monotonic seconds) it vanishes. Nothing once closed.

        Call it from one thread at a time. Raises `ReadingError` when another source shows one of the series.
        """
        rendered = {metric: self._renderer(metric).render(series) for metric, series in snapshot.families.items()}
        self._exposition._publish(self, rendered, expires_at)  # noqa: SLF001 - one class in two halves

    def close(self) -> None:
        """Give up the place; any number of times."""
        self._exposition._remove(self)  # noqa: SLF001

    def _renderer(self, metric: Metric) -> _Renderer:
        renderer = self._renderers.get(metric)
        if renderer is None:
            renderer = self._renderers[metric] = _Renderer(metric, self._labels)
        return renderer


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
class _Rendered:
    """The series of one metric of one source, with their lines; never changed once published."""

    metric: Metric
    labels: Mapping[str, str]
    series: Series
    blocks: list[bytes]

    def samples(self) -> Iterator[tuple[dict[str, str], float]]:
        """All labels and the value of every series."""
        for key, value in self.series.items():
            yield _all_labels(self.metric, self.labels, key), value


@dataclass
class _Family:
    """One metric of all sources: its headers in both formats and what each source shows."""

    metric: Metric
    owner: str
    users: int = 0
    published: dict[Source, _Rendered] = field(default_factory=dict)
    headers: dict[Format, bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.headers = {kind: _generate([self._empty()], kind) for kind in Format}

    def put(self, source: Source, rendered: _Rendered | None) -> None:
        if rendered is None:
            self.published.pop(source, None)
        else:
            self.published[source] = rendered

    def as_prometheus_client(self) -> Family:
        family = self._empty()
        for rendered in self.published.values():
            for labels, value in rendered.samples():
                family.add_sample(self.metric.name, labels, value)
        return family

    def check(self, source: Source, rendered: _Rendered) -> None:
        """Raises `ReadingError` when another source already shows one of the series."""
        mine = self.published.get(source)
        if mine and mine.series.layout is rendered.series.layout:
            return
        for other, theirs in self.published.items():
            common = other is not source and _identities(rendered) & _identities(theirs)
            if common:
                raise ReadingError(
                    f"{self.metric.name}{min(common)} is already published by {other.name}; "
                    "give the instances different `labels`"
                )

    def _empty(self) -> Family:
        return Family(self.metric.base_name, self.metric.help, self.metric.kind, self.metric.unit.value)


class _Frozen:
    """Families of a foreign collector with their text in both formats."""

    def __init__(self, families: list[Family]) -> None:
        self.families = families
        self.texts = {kind: _generate(families, kind) for kind in Format}


class _Renderer:
    """Renders one metric of one source again and again; only blocks with changed values are formatted anew."""

    def __init__(self, metric: Metric, labels: Mapping[str, str]) -> None:
        self._metric = metric
        self._labels = labels
        self._templates: list[str] = []
        self._last = _Rendered(metric, labels, NO_SERIES, [])

    def render(self, series: Series) -> _Rendered:
        """The lines of `series`."""
        last = self._last
        if series.layout is not last.series.layout:
            self._templates = self._make_templates(series)
            blocks = [_format(template, series.values, n) for n, template in enumerate(self._templates)]
        elif series.values != last.series.values:
            blocks = last.blocks.copy()
            for n in _changed_blocks(last.series.values, series.values):
                blocks[n] = _format(self._templates[n], series.values, n)
        else:
            return last
        self._last = _Rendered(self._metric, self._labels, series, blocks)
        return self._last

    def _make_templates(self, series: Series) -> list[str]:
        name = self._metric.name
        texts = (_label_text(_all_labels(self._metric, self._labels, key)) for key in series.layout)
        lines = [f"{name}{text.replace('%', '%%')} %s\n" for text in texts]
        return ["".join(lines[place : place + BLOCK]) for place in range(0, len(lines), BLOCK)]


def _changed_blocks(before: array[float], values: array[float]) -> list[int]:
    """Numbers of the blocks that differ; raw bytes compare several times faster than floats."""
    old, new, size = before.tobytes(), values.tobytes(), _BLOCK_BYTES
    return [n for n, at in enumerate(range(0, len(old), size)) if old[at : at + size] != new[at : at + size]]


def _format(template: str, values: array[float], block: int) -> bytes:
    """Fill in values as prometheus_client writes them; `%s` of a float is already that below `GO_EXPONENT`."""
    part = values[block * BLOCK : (block + 1) * BLOCK]
    return (template % tuple(part if max(part) < GO_EXPONENT else map(floatToGoString, part))).encode()


def _all_labels(metric: Metric, labels: Mapping[str, str], key: Key) -> dict[str, str]:
    return {**labels, **dict(zip(metric.labels, key, strict=True))}


def _identities(rendered: _Rendered) -> set[str]:
    return {_label_text(labels) for labels, _ in rendered.samples()}


def _label_text(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    pairs = (f'{name}="{_escape(value)}"' for name, value in sorted(labels.items()))
    return "{" + ",".join(pairs) + "}"


def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


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
