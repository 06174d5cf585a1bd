"""What a server says of each of its models at one moment: counters that only grow, and values of now."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from math import inf, isnan
from typing import NamedTuple

from collector_plugins.inference.mapping import Mapping, Reading, Sample
from collector_plugins.inference.samples import Answer, Value

SUFFIXES = ("", "_bucket", "_sum", "_count")
COUNTERS = (
    Reading.REQUESTS,
    Reading.FAILURES,
    Reading.ABORTED,
    Reading.TOKENS,
    Reading.LATENCY_SUM,
    Reading.LATENCY_COUNT,
)
TIMES = (Reading.LATENCY, Reading.FIRST_TOKEN)
GAUGES = (Reading.WAITING, Reading.RUNNING, Reading.CACHE_USAGE, Reading.UTILIZATION)
DATA_PARALLEL = "dp_rank"
MEANS = (Reading.CACHE_USAGE, Reading.UTILIZATION)  # of several engines or accelerators the mean; all else adds up


class Key(NamedTuple):
    """One counter of a model: a plain one, the sum or count of times, a bucket up to `bound`, or that of a layer."""

    reading: Reading
    part: str = ""
    bound: float = inf
    layer: str = ""


@dataclass
class State:
    """One model on one server. Times are in seconds; `quantiles` and `layers` are what the server itself reckons."""

    counters: dict[Key, float] = field(default_factory=dict)
    gauges: dict[Reading, float] = field(default_factory=dict)
    quantiles: dict[tuple[Reading, float], float] = field(default_factory=dict)
    layers: dict[str, float] = field(default_factory=dict)


def wanted(mapping: Mapping) -> frozenset[str]:
    """Every sample that a mapping may ask for."""
    names = (sample.sample for reading in Reading for sample in mapping.of(reading))
    return frozenset(name + suffix for name in names for suffix in SUFFIXES)


def states(answer: Answer, mapping: Mapping, own_name: str) -> dict[str, State]:
    """Every model in an answer; `own_name` is the model's where the mapping has no label for it.

    What has no such label although the mapping has one, such as the load of a GPU, is the whole server's and said of
    each of its models. Raises `ValueError` for a histogram whose bounds are no numbers.
    """
    found: dict[str, State] = {}
    shared = State()
    for reading in Reading:
        sample = _there(answer, mapping.of(reading))
        if sample is None:
            continue
        for model, values in _by_model(answer, sample, mapping, own_name).items():
            state = shared if model is None else found.setdefault(model, State())
            _take(state, reading, sample, values, mapping.layer_label)
    is_of_a_model = shared.counters or shared.gauges.keys() - {Reading.UTILIZATION}
    if not found and is_of_a_model:  # nothing on the page has the label: it is about one
        found[own_name] = shared
    for state in found.values():
        state.gauges = {**shared.gauges, **state.gauges}
    return {model: state for model, state in found.items() if state.counters or state.gauges or state.layers}


Values = dict[str, list[Value]]  # by the suffix of the name


def _there(answer: Answer, samples: Iterable[Sample]) -> Sample | None:
    """The first alternative that the server has."""
    return next((each for each in samples if _has(answer, each)), None)


def _has(answer: Answer, sample: Sample) -> bool:
    values = (value for suffix in SUFFIXES for value in answer.get(sample.sample + suffix, ()))
    return any(sample.takes(value.labels) for value in values)


def _by_model(answer: Answer, sample: Sample, mapping: Mapping, own_name: str) -> dict[str | None, Values]:
    found: dict[str | None, Values] = {}
    label = mapping.model_label
    for suffix in SUFFIXES:
        for value in _once(answer.get(sample.sample + suffix, ()), mapping.rank_labels):
            if sample.takes(value.labels) and value.value >= 0:  # -1 is how some write that they do not know
                model = (value.labels.get(label) or None) if label else own_name
                found.setdefault(model, {}).setdefault(suffix, []).append(value)
    return found


def _once(values: Iterable[Value], rank_labels: Collection[str]) -> Iterable[Value]:
    """Of values that several ranks of one data-parallel engine tell, the largest."""
    if not rank_labels:
        return values
    largest: dict[frozenset[tuple[str, str]], Value] = {}
    for number, value in enumerate(values):
        labels = {name: text for name, text in value.labels.items() if name not in rank_labels}
        key = frozenset(labels.items() if DATA_PARALLEL in labels else {"": str(number)}.items())
        largest[key] = max(value, largest.get(key, value), key=lambda each: each.value)
    return largest.values()


def _take(state: State, reading: Reading, sample: Sample, values: Values, layer_label: str) -> None:
    scale = sample.scale
    if reading in COUNTERS:
        _count(state, Key(reading), values.get("", ()), scale=scale)
    elif reading in GAUGES:
        _gauge(state, reading, values.get("", ()), scale)
    elif reading in TIMES:
        _times(state, reading, values, scale)
    else:
        _layers(state, values, layer_label, scale)


def _count(state: State, key: Key, values: Iterable[Value], *, scale: float = 1.0) -> None:
    for value in values:
        state.counters[key] = state.counters.get(key, 0.0) + value.value * scale


def _gauge(state: State, reading: Reading, values: Iterable[Value], scale: float) -> None:
    numbers = [value.value * scale for value in values]
    if numbers:
        state.gauges[reading] = sum(numbers) / (len(numbers) if reading in MEANS else 1)


def _times(state: State, reading: Reading, values: Values, scale: float) -> None:
    _count(state, Key(reading, "sum"), values.get("_sum", ()), scale=scale)
    _count(state, Key(reading, "count"), values.get("_count", ()))
    for value in values.get("_bucket", ()):
        bound = _number(value.labels.get("le", ""))
        _count(state, Key(reading, "bucket", bound if bound == inf else bound * scale), (value,))
    own = [(_number(value.labels["quantile"]), value) for value in values.get("", ()) if "quantile" in value.labels]
    for q, value in own:
        state.quantiles[reading, q] = max(value.value * scale, state.quantiles.get((reading, q), 0.0))


def _layers(state: State, values: Values, label: str, scale: float) -> None:
    for suffix, part in (("_sum", "sum"), ("_count", "count")):
        for layer, of_layer in _grouped(values.get(suffix, ()), label):
            key = Key(Reading.LAYER_LATENCY, part, layer=layer)
            _count(state, key, of_layer, scale=scale if part == "sum" else 1.0)
    for layer, of_layer in _grouped(values.get("", ()), label):
        plain = [value.value * scale for value in of_layer if "quantile" not in value.labels]
        if plain:
            state.layers[layer] = sum(plain) / len(plain)


def _grouped(values: Iterable[Value], label: str) -> Iterator[tuple[str, list[Value]]]:
    groups: dict[str, list[Value]] = {}
    for value in values:
        if layer := value.labels.get(label):
            groups.setdefault(layer, []).append(value)
    yield from groups.items()


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError as error:
        raise ValueError(f"{text[:40]!r} is not a histogram bound") from error
    if isnan(number):
        raise ValueError("NaN is not a histogram bound")
    return number
