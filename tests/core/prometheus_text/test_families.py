"""Whole texts as families, against what prometheus_client writes and reads."""

from __future__ import annotations

from collections.abc import Iterator
from math import isnan
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import ALLOWUTF8
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.samples import Exemplar as ForeignExemplar
from prometheus_client.samples import Timestamp

from collector_core.prometheus_text import Family, PrometheusTextError, read_families
from tests.core.prometheus_text.test_samples import TEXTS

Shown = dict[str, tuple[str, list[tuple[str, dict[str, str], str]]]]


def shown(families: list[Family]) -> Shown:
    return {
        family.name: (family.type, [(each.name, dict(each.labels), repr(each.value)) for each in family.samples])
        for family in families
    }


def read(text: str, **options: bool) -> Shown:
    return shown(read_families(text.encode(), **options))


def test_lines_of_one_family_may_stand_apart() -> None:
    text = '# HELP a A.\na{b="1"} 1\nc 2\n# TYPE a gauge\na{b="2"} 3\n'
    assert read(text) == {
        "a": ("gauge", [("a", {"b": "1"}, "1.0"), ("a", {"b": "2"}, "3.0")]),
        "c": ("unknown", [("c", {}, "2.0")]),
    }


def test_histograms_and_summaries_are_one_family_each() -> None:
    text = (
        '# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 2\nh_sum 3\nh_count 2\n'
        '# TYPE s summary\ns{quantile="0.5"} 1\ns_sum 3\ns_count 2\n'
    )
    found = read(text)
    assert {name: (kind, len(samples)) for name, (kind, samples) in found.items()} == {
        "h": ("histogram", 4),
        "s": ("summary", 3),
    }


def test_what_only_looks_like_a_histogram_is_not_one() -> None:
    text = "a_sum 1\na_count 2\n# TYPE b gauge\nb 1\nb_sum 1\n# TYPE c histogram\n# TYPE c_sum gauge\nc_sum 1\n"
    assert set(read(text)) == {"a_sum", "a_count", "b", "b_sum", "c_sum"}


def test_a_counter_keeps_its_name() -> None:
    assert read("# TYPE a counter\na 1\n# TYPE b_total counter\nb_total 2\n") == {
        "a": ("unknown", [("a", {}, "1.0")]),
        "b": ("counter", [("b_total", {}, "2.0")]),
    }


def test_openmetrics_has_more_types_and_units() -> None:
    text = (
        "# TYPE a_seconds counter\n# UNIT a_seconds seconds\na_seconds_total 1\na_seconds_created 9\n"
        '# TYPE b info\nb_info{c="d"} 1\n# TYPE e stateset\ne{e="on"} 1\n# TYPE f unknown\nf 1\n'
        '# TYPE g gaugehistogram\ng_bucket{le="+Inf"} 1\ng_gsum 1\ng_gcount 1\n# EOF\n'
    )
    families = {family.name: family for family in read_families(text.encode(), openmetrics=True)}
    kinds = {name: (family.type, family.unit, len(family.samples)) for name, family in families.items()}
    assert kinds == {
        "a_seconds": ("counter", "seconds", 2),
        "b": ("info", "", 1),
        "e": ("stateset", "", 1),
        "f": ("unknown", "", 1),
        "g": ("gaugehistogram", "", 3),
    }


def test_names_in_quotes() -> None:
    text = '# HELP "disk.used" Used.\n# TYPE "disk.used" gauge\n{"disk.used","host.name"="a"} 17\n'
    (family,) = read_families(text.encode())
    assert (family.name, family.type, family.documentation) == ("disk.used", "gauge", "Used.")


@pytest.mark.parametrize("newline", ["\n", "\r\n", " \n\t"])
def test_help_is_unescaped_once(newline: str) -> None:
    text = f'  # HELP a C:\\\\new\\nline "quoted{newline}a 1{newline}'
    (family,) = read_families(text.encode())
    assert family.documentation == 'C:\\new\nline "quoted'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("# TYPE a weather\n", "line 1: 'weather' is not a type of the text format"),
        ("# TYPE a\n", "line 1: '' is not a type"),
        ("# TYPE a info\n", "'info' is not a type"),
        ("# TYPE a gauge\n# TYPE a gauge\n", "line 2: a second TYPE of a"),
        ("# HELP a\n# HELP a x\n", "line 2: a second HELP of a"),
        ("# TYPE a histogram\na 1\n", "line 2: a is not a sample of a histogram"),
        ("# TYPE a/b gauge\n", "line 1: cannot read '# TYPE a/b gauge'"),
        ("a 1\na 1 1760000000000\n", "line 2: has a timestamp"),
        ('a 1\na{b="\udcff"} 1\n', "line 2: is not UTF-8"),
        ("# HELP a \udcff\n", "line 1: is not UTF-8"),
    ],
)
def test_what_is_malformed_is_named_with_its_line(text: str, problem: str) -> None:
    with pytest.raises(PrometheusTextError) as refused:
        read_families(text.encode("utf-8", "surrogateescape"), timestamps=False)
    assert problem in str(refused.value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("# TYPE a untyped\n# EOF\n", "line 1: 'untyped' is not a type of OpenMetrics"),
        ("# UNIT a b\n# UNIT a b\n# EOF\n", "line 2: a second UNIT of a"),
        ("# TYPE a counter\na 1\n# EOF\n", "line 2: a is not a sample of a counter"),
    ],
)
def test_openmetrics_has_rules_of_its_own(text: str, problem: str) -> None:
    with pytest.raises(PrometheusTextError) as refused:
        read_families(text.encode(), openmetrics=True)
    assert problem in str(refused.value)


NAMES = st.from_regex(r"[a-z]{1,3}x", fullmatch=True)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=9) | st.sampled_from(
    ['a "b" \\ \n', "\\n"]
)
LABELS = st.dictionaries(st.from_regex(r"[a-z]{1,3}", fullmatch=True) | st.just("host.name"), TEXT, max_size=3)
VALUES = st.floats(width=64)
SUFFIXES = {
    "gauge": [""],
    "unknown": [""],
    "counter": ["_total"],
    "summary": ["", "_sum", "_count"],
    "histogram": ["_bucket", "_sum", "_count"],
    "info": ["_info"],
}
IN_BOTH = ("gauge", "counter", "summary", "histogram")


@st.composite
def metrics(draw: st.DrawFn, kinds: tuple[str, ...], *, dots: bool = False) -> list[Metric]:
    found = []
    for name in sorted(draw(st.sets(NAMES, min_size=1, max_size=4))):
        kind = draw(st.sampled_from(kinds))
        family = Metric(f"{name}.y" if dots and draw(st.booleans()) else name, draw(TEXT), kind)
        for labels in draw(st.lists(LABELS, max_size=3, unique_by=lambda each: tuple(sorted(each.items())))):
            for suffix in SUFFIXES[kind]:
                extra = {"le": "+Inf"} if suffix == "_bucket" else {}
                exemplar = ForeignExemplar({"id": draw(TEXT)}, 0.5, Timestamp(99, 5)) if extra else None
                family.add_sample(family.name + suffix, {**labels, **extra}, draw(VALUES), exemplar=exemplar)
        found.append(family)
    return found


class Registry:
    """What prometheus_client's writers ask for."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        return iter(self._families)


def written(families: list[Metric]) -> Shown:
    return {
        family.name: (
            family.type,
            [(each.name, dict(each.labels), repr(float(each.value))) for each in family.samples],
        )
        for family in families
        if family.samples
    }


@settings(max_examples=200, deadline=None)
@given(metrics(IN_BOTH, dots=True))
def test_what_prometheus_client_writes_is_read_back(families: list[Metric]) -> None:
    registry: Any = Registry(families)
    text = generate_latest(registry, escaping=ALLOWUTF8)
    found = read_families(text)
    assert shown(found) == written(families)
    helps = {family.name: family.documentation for family in families}
    assert all(family.documentation == helps[family.name].strip(" \t") for family in found)


@settings(max_examples=200, deadline=None)
@given(metrics(tuple(SUFFIXES), dots=True))
def test_what_prometheus_client_writes_as_openmetrics_is_read_back(families: list[Metric]) -> None:
    registry: Any = Registry(families)
    text = generate_openmetrics(registry, escaping=ALLOWUTF8)
    found = read_families(text, openmetrics=True)
    assert shown(found) == written(families)
    exemplars = [each.exemplar for family in families for each in family.samples]
    read_back = [each.exemplar for family in found for each in family.samples]
    assert [each and (dict(each.labels), each.value, float(each.timestamp)) for each in exemplars] == [
        each and (dict(each.labels), each.value, each.timestamp) for each in read_back
    ]


@settings(max_examples=300, deadline=None)
@given(TEXTS, st.booleans(), st.booleans())
def test_any_bytes_are_families_or_the_one_error(text: bytes, openmetrics: bool, timestamps: bool) -> None:
    try:
        families = read_families(text, openmetrics=openmetrics, timestamps=timestamps)
    except PrometheusTextError as error:
        assert error.line >= 1
    else:
        assert all(family.samples and not isnan(len(family.name)) for family in families)
