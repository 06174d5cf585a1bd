"""The text format of `*.prom` files: metric families, or a `ValueError` that says what is wrong in which line.

https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format, as strictly as node_exporter reads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

MAX_LINE_CHARACTERS = 16_384
TYPES = frozenset({"counter", "gauge", "histogram", "summary", "untyped"})

_COMMENT = re.compile(r"#\s*(HELP|TYPE)\s+(\S+)(?:\s+(.*))?")
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_ESCAPES = re.compile(r"\\([\\n])")
_ENDINGS = {"_bucket": ("histogram",), "_sum": ("histogram", "summary"), "_count": ("histogram", "summary")}


@dataclass
class _Group:
    """What a file says of one metric, wherever in the file; lines by their number."""

    type: str = ""
    help: str | None = None
    lines: dict[int, str] = field(default_factory=dict)


def parse(data: bytes) -> list[Metric]:
    """The families of a file, each once. A counter whose name lacks `_total` becomes untyped and keeps its name.

    Raises `ValueError` for a file that is malformed, cut off, not UTF-8, or has timestamps.
    """
    text = data.decode()
    if text and not text.endswith("\n"):
        raise ValueError("the last line has no end: is the file still being written?")
    groups = _groups(text.split("\n"))
    return [_family(name, group) for name, group in groups.items() if group.lines]


def _groups(lines: Iterable[str]) -> dict[str, _Group]:
    """Lines of one metric may stand apart, which prometheus_client's parser does not put together."""
    groups: dict[str, _Group] = {}
    samples: list[tuple[int, str]] = []
    for number, line in enumerate(map(str.strip, lines), 1):
        if len(line) > MAX_LINE_CHARACTERS:
            raise ValueError(f"line {number} has {len(line)} characters, {MAX_LINE_CHARACTERS} at most")
        if line.startswith("#"):
            _comment(groups, number, line)
        elif line:
            samples.append((number, line))
    for number, line in samples:
        groups.setdefault(_family_name(groups, number, line), _Group()).lines[number] = line
    return groups


def _comment(groups: dict[str, _Group], number: int, line: str) -> None:
    found = _COMMENT.match(line)
    if not found:
        return
    word, name, rest = found[1], found[2], found[3] or ""
    group = groups.setdefault(name, _Group())
    if group.type if word == "TYPE" else group.help is not None:
        raise ValueError(f"line {number}: a second {word} of {name}")
    if word == "HELP":
        group.help = _ESCAPES.sub(lambda escape: "\n" if escape[1] == "n" else "\\", rest)
    elif rest in TYPES:
        group.type = rest
    else:
        raise ValueError(f"line {number}: {rest[:40]!r} is not a type of the text format")


def _family_name(groups: dict[str, _Group], number: int, line: str) -> str:
    found = _NAME.match(line)
    if not found:
        raise ValueError(f"line {number}: {line[:80]!r} does not begin with a metric's name")
    name = found[0]
    for ending, types in _ENDINGS.items():
        base = name.removesuffix(ending)
        if base != name and base in groups and groups[base].type in types:
            return base
    return name


def _family(name: str, group: _Group) -> Metric:
    kind = group.type or "untyped"
    if kind == "counter" and not name.endswith("_total"):
        kind = "untyped"
    family = Metric(name.removesuffix("_total") if kind == "counter" else name, group.help or "", kind)
    family.samples = list(_samples(name, kind, group))
    return family


def _samples(name: str, kind: str, group: _Group) -> Iterator[Sample]:
    head = f"# TYPE {name} {kind}\n"
    for number, line in group.lines.items():
        try:
            ((sample,),) = (family.samples for family in text_string_to_metric_families(head + line))
        except Exception as error:  # what the parser raises depends on where it stumbles
            raise ValueError(f"line {number}: cannot read {line[:80]!r} as {kind}") from error
        if sample.timestamp is not None:
            raise ValueError(f"line {number}: has a timestamp, which makes no sense in a file: remove it")
        yield sample
