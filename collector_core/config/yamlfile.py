"""YAML as configuration needs it: strict, bounded, and every value knows its line.

YAML 1.2's core schema instead of PyYAML's 1.1: `no` is a word, `12:30:45` is text and `1e3` is a number.
Duplicate keys, aliases, tags, deep nesting and large files are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from collector_core.errors import ConfigError, Problem

MAX_BYTES = 1 << 20
MAX_DEPTH = 32

_TAG = "tag:yaml.org,2002:"

YamlPath = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """A parsed file: `data` is what it says, `lines` maps the path of each value to its line (from 1)."""

    file: Path
    data: Any
    lines: Mapping[YamlPath, int]

    def problem(self, path: YamlPath, message: str) -> Problem:
        """A `Problem` at `path`, or at the nearest parent that stands in the file."""
        place = next((path[:end] for end in range(len(path), -1, -1) if path[:end] in self.lines), ())
        return Problem(str(self.file), self.lines.get(place), dotted(path), message)


def dotted(path: YamlPath) -> str:
    """A path as people write it: `collectors.gpu.hosts[0].name`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def load(file: Path) -> Document:
    """Read and parse `file`; raises `ConfigError` with every problem of its form. An empty file is `None`."""
    return parse(_read(file), file)


def parse(text: str, file: Path) -> Document:
    """Parse `text` that came from `file`; raises `ConfigError`."""
    try:
        node = _Loader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = ", ".join(filter(None, (error.context, error.problem))) or "not valid YAML"
        raise ConfigError([Problem(str(file), mark.line + 1 if mark else None, "", message)]) from None
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError([Problem(str(file), None, "", f"not valid YAML: {error}")]) from None
    builder = _Builder(file)
    data = builder.build(node, ()) if node else None
    if builder.problems:
        raise ConfigError(builder.problems)
    return Document(file, data, builder.lines)


def _read(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError([Problem(str(file), None, "", f"cannot be read: {error.strerror or error}")]) from None
    if len(raw) > MAX_BYTES:
        raise ConfigError([Problem(str(file), None, "", f"larger than {MAX_BYTES} bytes")])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError([Problem(str(file), line, "", "not UTF-8")]) from None


class _Loader(yaml.SafeLoader):
    """Composes nodes only; refuses aliases and deep nesting while it does."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise self._refusal("aliases (*name) are not allowed")
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._refusal(f"nested deeper than {MAX_DEPTH} levels")
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1

    def _refusal(self, problem: str) -> yaml.MarkedYAMLError:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        return yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)


_Loader.yaml_implicit_resolvers = {}  # none of YAML 1.1's
for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+0123456789."),
    ),
):
    _Loader.add_implicit_resolver(f"{_TAG}{_tag}", re.compile(rf"^(?:{_pattern})$"), _first)


class _Builder:
    """Turns nodes into plain Python values, noting lines and problems on the way."""

    def __init__(self, file: Path) -> None:
        self.lines: dict[YamlPath, int] = {}
        self.problems: list[Problem] = []
        self._file = str(file)

    def build(self, node: yaml.Node, path: YamlPath) -> Any:
        self.lines.setdefault(path, node.start_mark.line + 1)
        if node.tag.removeprefix(_TAG) not in _KINDS:
            self._refuse(node.start_mark.line + 1, path, f"tag {node.tag} is not allowed")
            return None
        if isinstance(node, yaml.MappingNode):
            return {key: self.build(value, (*path, key)) for key, value in self._entries(node, path)}
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _entries(self, node: yaml.MappingNode, path: YamlPath) -> Iterator[tuple[str, yaml.Node]]:
        seen: set[Hashable] = set()
        for key_node, value in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self._refuse(line, path, "a key must be plain text")
                continue
            key = key_node.value
            if key in seen:
                self._refuse(line, (*path, key), "duplicate key")
                continue
            seen.add(key)
            self.lines[(*path, key)] = line
            yield key, value

    def _scalar(self, node: yaml.Node, path: YamlPath) -> Any:
        kind = node.tag.removeprefix(_TAG)
        try:
            return _CONVERTERS[kind](node.value)
        except ValueError:
            self._refuse(node.start_mark.line + 1, path, f"{node.value!r} is not a valid {kind}")
            return None

    def _refuse(self, line: int, path: YamlPath, message: str) -> None:
        self.problems.append(Problem(self._file, line, dotted(path), message))


def _integer(text: str) -> int:
    return int(text, 0) if text[:2] in ("0o", "0x") else int(text)


def _float(text: str) -> float:
    special = re.fullmatch(r"([-+]?)\.(inf|nan)", text.lower())
    return float("".join(special.groups())) if special else float(text)


_CONVERTERS: Mapping[str, Callable[[str], Any]] = {
    "null": lambda _: None,
    "bool": lambda text: text.lower() == "true",
    "int": _integer,
    "float": _float,
    "str": str,
}
_KINDS = {*_CONVERTERS, "map", "seq"}
