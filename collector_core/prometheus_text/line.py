"""One line of Prometheus' text format or of OpenMetrics: a sample, or what a comment says of a metric.

https://prometheus.io/docs/instrumenting/exposition_formats/ and https://prometheus.io/docs/specs/om/open_metrics_spec/;
names in quotes: https://github.com/prometheus/proposals/blob/main/proposals/0028-utf8.md.
"""

from __future__ import annotations

import re
from math import inf, isinf
from typing import NamedTuple

from collector_core.model.families import Exemplar, Sample

_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(rf"[ \t]*(?:([a-zA-Z_][a-zA-Z0-9_]*)|{_QUOTED})[ \t]*(?:=[ \t]*{_QUOTED}[ \t]*)?(?:,|(?=\}}))")
_END_OF_LABELS = re.compile(r"[ \t]*\}")
_REST = re.compile(r"([^ \t#{]+)(?:[ \t]+([^ \t#]+))?[ \t]*(?:#[ \t]*(\{.*))?")
_NATIVE = re.compile(r"\{\w+:[^{}]*\}(?:[ \t]+[^ \t#]+)?[ \t]*(?:#.*)?")
_COMMENT = re.compile(rf"#[ \t]*(HELP|TYPE|UNIT)[ \t]+(?:([^ \t\"]+)|{_QUOTED})(?:[ \t]+(.*))?")
_ESCAPES = re.compile(r'\\([\\"n])')
_ESCAPES_OF_HELP = re.compile(r"\\([\\n])")

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_SPECIAL = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE | re.ASCII)
_MILLISECONDS = 1000
_SHOWN = 40  # characters of a word that is wrong


class Comment(NamedTuple):
    """`word` is HELP, TYPE or UNIT."""

    word: str
    name: str
    text: str


def parse_comment(line: str) -> Comment | None:
    """What a line that begins with `#` says of a metric, None for any other comment; raises `ValueError`."""
    match = _COMMENT.fullmatch(line.strip(" \t"))
    if match is None:
        return None
    word, plain, quoted, text = match.groups("")
    if plain and not _NAME.fullmatch(plain):
        raise ValueError("a metric's name has letters, digits, _ and :; others must be in quotes")
    if word == "HELP":
        text = _ESCAPES_OF_HELP.sub(_unescape, text)
    return Comment(word, plain or _unquoted(quoted), text)


def parse_sample(line: str, *, openmetrics: bool = False) -> Sample | None:
    """The sample of a line; raises `ValueError` that says what is wrong.

    None for one whose value has several numbers, such as a native histogram: `{count:2,sum:3,schema:0,…}`. Timestamps
    are in seconds since 1970, and written as whole milliseconds or, in OpenMetrics, as seconds; so is a fraction.
    """
    line = line.strip(" \t")
    match = _NAME.match(line)
    name, place = (match[0], match.end()) if match else ("", 0)
    braces = len(line) - len(line[place:].lstrip(" \t"))
    if name and _NATIVE.fullmatch(line, braces):
        return None
    if line.startswith("{", braces):
        name, labels, place = _labels(line, braces, name)
    elif braces == place:
        raise ValueError("does not begin with a metric's name" if match is None else "has no value")
    else:
        labels = {}
    if not name:
        raise ValueError("has no metric's name")
    return _sample(name, labels, line[place:].lstrip(" \t"), openmetrics=openmetrics)


def _sample(name: str, labels: dict[str, str], rest: str, *, openmetrics: bool) -> Sample | None:
    if _NATIVE.fullmatch(rest):
        return None
    match = _REST.fullmatch(rest)
    if match is None:
        raise ValueError("is not a name, labels, a value and perhaps a timestamp" if rest else "has no value")
    value, timestamp, exemplar = match.groups()
    return Sample(
        name,
        labels,
        _number(value),
        _timestamp(timestamp, openmetrics=openmetrics),
        _exemplar(exemplar) if exemplar else None,
    )


def _labels(line: str, start: int, name: str) -> tuple[str, dict[str, str], int]:
    """The name, which may stand in quotes among the labels, the labels, and where their braces end."""
    labels: dict[str, str] = {}
    place = start + 1
    while (end := _END_OF_LABELS.match(line, place)) is None:
        match = _LABEL.match(line, place)
        if match is None:
            raise ValueError('has labels that are not name="value"')
        plain, quoted, value = match.groups()
        key = _unquoted(quoted) if plain is None else plain
        if value is None:
            if plain is not None or name:
                raise ValueError('has labels that are not name="value"')
            name = key
        elif key in labels:
            raise ValueError(f"has the label {repr(key[:_SHOWN])[:_SHOWN]} twice")
        else:
            labels[key] = _unquoted(value)
        place = match.end()
    return name, labels, end.end()


def _exemplar(text: str) -> Exemplar:
    name, labels, place = _labels(text, 0, "")
    match = _REST.fullmatch(text[place:].lstrip(" \t"))
    if name or match is None or match[3] is not None:
        raise ValueError("has an exemplar that cannot be read")
    return Exemplar(labels, _number(match[1]), _timestamp(match[2], openmetrics=True))


def _timestamp(text: str | None, *, openmetrics: bool) -> float | None:
    if text is None:
        return None
    if openmetrics or "." in text:
        return _finite(text)
    if not _INTEGER.fullmatch(text):
        raise ValueError("has a timestamp that is not in milliseconds")
    return int(text) / _MILLISECONDS


def _number(text: str) -> float:
    return float(text) if _SPECIAL.fullmatch(text) else _finite(text)


def _finite(text: str) -> float:
    number = float(text) if _NUMBER.fullmatch(text) else inf
    if isinf(number):
        raise ValueError(f"{repr(text[:_SHOWN])[:_SHOWN]} is not a number")
    return number


def _unquoted(text: str) -> str:
    return _ESCAPES.sub(_unescape, text) if "\\" in text else text


def _unescape(match: re.Match[str]) -> str:
    return "\n" if match[1] == "n" else match[1]
