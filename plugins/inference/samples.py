"""A server's answer in Prometheus' text format: the samples that are asked for, and no more work than that.

https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from math import isfinite
from typing import NamedTuple

MAX_LINE_CHARACTERS = 4096
MAX_SAMPLES = 5000

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


class Value(NamedTuple):
    """One sample: its labels and its value, a finite number."""

    labels: Mapping[str, str]
    value: float


Answer = dict[str, list[Value]]


def parse(body: bytes, wanted: Collection[str]) -> Answer:
    """The samples whose name is `wanted`, by name. NaN and infinite values are left out: they say nothing.

    A colon in a wanted name may be an underscore in the answer: some servers and relays write vLLM's names so.
    Lines of other metrics are passed over unread: a server has thousands of them. Raises `ValueError` for a body that
    is not UTF-8, a line that cannot be read, and for more than `MAX_SAMPLES` samples.
    """
    names = {name.replace(":", "_"): name for name in wanted} | {name: name for name in wanted}
    lines = list(_lines(body.decode(), names))
    if len(lines) > MAX_SAMPLES:
        raise ValueError(f"has {len(lines)} samples of what is mapped, {MAX_SAMPLES} at most")
    found: Answer = {}
    for number, line in lines:
        name, labels, value = _sample(number, line)
        if isfinite(value):
            found.setdefault(names[name], []).append(Value(labels, value))
    return found


def _lines(text: str, wanted: Collection[str]) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.split("\n"), 1):
        name = _NAME.match(line)
        if name and name[0] in wanted:
            if len(line) > MAX_LINE_CHARACTERS:
                raise ValueError(f"line {number} has {len(line)} characters, {MAX_LINE_CHARACTERS} at most")
            yield number, line


def _sample(number: int, line: str) -> tuple[str, Mapping[str, str], float]:
    # Imported here because only who reads servers needs it. Without its type, a sample keeps its name.
    from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415

    try:
        ((sample,),) = (family.samples for family in text_string_to_metric_families(line))
        return sample.name, sample.labels, float(sample.value)
    except Exception as error:  # what the parser raises depends on where it stumbles
        raise ValueError(f"line {number}: cannot read {line[:80]!r}") from error
