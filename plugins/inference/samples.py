"""A server's answer in Prometheus' text format: the samples that are asked for, and no more work than that."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from math import isfinite
from typing import NamedTuple

from collector_core.prometheus_text import read_samples

MAX_SAMPLES = 5000


class Value(NamedTuple):
    """One sample: its labels and its value, a finite number."""

    labels: Mapping[str, str]
    value: float


Answer = dict[str, list[Value]]


def parse(body: bytes, wanted: Collection[str]) -> Answer:
    """The samples whose name is `wanted`, by name. NaN and infinite values are left out: they say nothing.

    A colon in a wanted name may be an underscore in the answer: some servers and relays write vLLM's names so.
    Raises `ValueError` for a line that is wanted and cannot be read, and for more than `MAX_SAMPLES` samples.
    """
    names = {name.replace(":", "_"): name for name in wanted} | {name: name for name in wanted}
    found: Answer = {}
    for sample in read_samples(body, names, max_samples=MAX_SAMPLES):
        if isfinite(sample.value):
            found.setdefault(names[sample.name], []).append(Value(sample.labels, sample.value))
    return found
