"""Which of a server's samples is which reading: tables for known servers, and the user's own."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from collections.abc import Mapping as LabelsOf
from enum import StrEnum
from importlib import resources
from typing import Annotated, Any

from pydantic import BeforeValidator

from collector_core import Field, Options

TABLE = "mappings.csv"
MAX_ALTERNATIVES = 8


class Reading(StrEnum):
    """What is read of a model, by the names that a mapping has for it."""

    REQUESTS = "requests"
    FAILURES = "failures"
    ABORTED = "aborted"
    TOKENS = "tokens"
    LATENCY = "latency"
    LATENCY_SUM = "latency_sum"
    LATENCY_COUNT = "latency_count"
    FIRST_TOKEN = "first_token"  # noqa: S105 - no password
    WAITING = "waiting"
    RUNNING = "running"
    CACHE_USAGE = "cache_usage"
    UTILIZATION = "utilization"
    LAYER_LATENCY = "layer_latency"


def _several(value: Any) -> Any:
    """`value`, or a list of them."""
    return (value,) if isinstance(value, str) else value


Values = Annotated[tuple[str, ...], BeforeValidator(_several), Field(min_length=1, max_length=32)]


class Sample(Options):
    """Where a reading is found: samples of one name, added up over the labels that are not asked for."""

    sample: str = Field(pattern=r"^[a-zA-Z_:][a-zA-Z0-9_:]{0,199}$", description="Name of the sample.")
    scale: float = Field(
        1.0, gt=0, allow_inf_nan=False, description="Factor to convert to seconds, or to a ratio from 0 to 1."
    )
    labels: dict[str, Values] = Field(
        default_factory=dict, max_length=16, description="Labels that the sample must have: a value, or one of several."
    )
    without: dict[str, Values] = Field(
        default_factory=dict, max_length=16, description="Labels that the sample must not have: a value, or several."
    )

    def takes(self, labels: LabelsOf[str, str]) -> bool:
        """Whether a sample with these labels is meant."""
        has_all = all(labels.get(name) in values for name, values in self.labels.items())
        return has_all and not any(labels.get(name) in values for name, values in self.without.items())


def _alternatives(value: Any) -> Any:
    """`name`, `{sample: name}` or a list of them."""
    items = value if isinstance(value, list | tuple) else [] if value is None else [value]
    return tuple({"sample": item} if isinstance(item, str) else item for item in items)


Samples = Annotated[tuple[Sample, ...], BeforeValidator(_alternatives), Field(max_length=MAX_ALTERNATIVES)]


def _samples(description: str) -> Any:
    return Field((), description=description)


class Mapping(Options):
    """Which sample is which reading. Each is a name, `{sample, scale, labels}`, or a list: the first that is there."""

    model_label: str = Field("", max_length=100, description="Label that names the model; none: the server has one.")
    layer_label: str = Field("layer", min_length=1, max_length=100, description="Label that names the layer.")
    rank_labels: tuple[str, ...] = Field(
        (),
        max_length=8,
        description="Labels in which ranks differ that tell the same: of samples with a `dp_rank` that differ in "
        "nothing else, the largest counts.",
    )
    requests: Samples = _samples("Counter of requests that were answered.")
    failures: Samples = _samples("Counter of requests that failed.")
    aborted: Samples = _samples("Counter of requests that ended without an answer, where `requests` counts them, too.")
    tokens: Samples = _samples("Counter of tokens that were generated.")
    latency: Samples = _samples("Histogram or summary of the time of a request.")
    latency_sum: Samples = _samples("Counter of the time of all requests, where there is no histogram.")
    latency_count: Samples = _samples("Counter of the requests in latency_sum.")
    first_token: Samples = _samples("Histogram or summary of the time to the first token.")
    waiting: Samples = _samples("Gauge: requests that wait.")
    running: Samples = _samples("Gauge: requests that are worked on.")
    cache_usage: Samples = _samples("Gauge: part of the KV cache that is in use.")
    utilization: Samples = _samples("Gauge: how busy the accelerators are; their mean.")
    layer_latency: Samples = _samples("Histogram, summary or gauge of the time in each layer.")

    def of(self, reading: Reading) -> tuple[Sample, ...]:
        """Where a reading may be found, in the order in which to look."""
        found: tuple[Sample, ...] = getattr(self, reading.value)
        return found

    @property
    def is_empty(self) -> bool:
        """Whether it names no sample at all."""
        return not any(self.of(reading) for reading in Reading)


def shipped(source: str) -> Mapping:
    """The table of a known kind of server."""
    readings: dict[str, Any] = {}
    for row in _rows():
        if row["source"] != source:
            continue
        if row["reading"] == "model_label":
            readings["model_label"] = row["sample"]
        elif row["reading"] == "rank_labels":
            readings["rank_labels"] = row["sample"].split("|")
        else:
            sample = {"sample": row["sample"], "scale": float(row["scale"])} | _conditions(row["labels"] or "")
            readings.setdefault(row["reading"], []).append(sample)
    return Mapping.model_validate(readings)


def _conditions(text: str) -> dict[str, dict[str, list[str]]]:
    """`label=value|value` and `label!=value|value` as `labels` and `without`."""
    if not text:
        return {}
    name, _, values = text.partition("=")
    key = "without" if name.endswith("!") else "labels"
    return {key: {name.rstrip("!"): values.split("|")}}


def _rows() -> Iterator[dict[str, str]]:
    text = resources.files(__package__).joinpath(TABLE).read_text(encoding="utf-8")
    yield from csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
