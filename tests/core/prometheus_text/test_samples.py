"""Lines of Prometheus' text format: samples, and an error with its line for everything else."""

from __future__ import annotations

from itertools import pairwise
from math import inf, isnan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector_core.prometheus_text import Exemplar, PrometheusTextError, Sample, SampleReader, read_samples
from collector_core.prometheus_text.reader import MAX_LINE_BYTES


def read(text: str, **options: bool) -> list[Sample]:
    return list(read_samples(text.encode(), **options))


def one(text: str, **options: bool) -> Sample:
    (sample,) = read(text, **options)
    return sample


@pytest.mark.parametrize(
    ("line", "name", "labels"),
    [
        ("up 1", "up", {}),
        ("up{} 1", "up", {}),
        ("\t up \t1 ", "up", {}),
        ("job:up:sum 1\r", "job:up:sum", {}),
        ('up{a="b"} 1', "up", {"a": "b"}),
        ('up{a="b"}1', "up", {"a": "b"}),
        ('  up { a = "b" , c="d" , }   1', "up", {"a": "b", "c": "d"}),
        ('up{a=""} 1', "up", {"a": ""}),
        (r'up{a="q\" b\\ n\n x\t",b="}, #"} 1', "up", {"a": 'q" b\\ n\n x\\t', "b": "}, #"}),
        ('{"disk.used"} 1', "disk.used", {}),
        ('{ "disk.used" , "host.name" = "ä" } 1', "disk.used", {"host.name": "ä"}),
        ('{a="b","disk \\"used\\""} 1', 'disk "used"', {"a": "b"}),
        ('up{"host.name"="a",room="b"} 1', "up", {"host.name": "a", "room": "b"}),
    ],
)
def test_names_and_labels(line: str, name: str, labels: dict[str, str]) -> None:
    assert one(line) == Sample(name, labels, 1.0, None, None)


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1), ("-.5", -0.5), ("+2.", 2), ("1.9E+07", 1.9e7), ("+Inf", inf), ("-inf", -inf), ("Infinity", inf)],
)
def test_values(text: str, value: float) -> None:
    assert one(f"a {text}").value == value


@pytest.mark.parametrize("text", ["NaN", "Nan", "-nan", "+nan"])
def test_values_that_are_none(text: str) -> None:
    assert isnan(one(f"a {text}").value)


def test_timestamps_are_milliseconds_and_in_openmetrics_seconds() -> None:
    assert one("a 1 1760000000123").timestamp == 1760000000.123
    assert one("a 1 -5").timestamp == -0.005
    assert one("a 1 1760000000.5\n# EOF\n", openmetrics=True).timestamp == 1760000000.5
    assert one("a 1 1760000000.5").timestamp == 1760000000.5


def test_exemplars() -> None:
    labels = {"trace_id": "} # {"}
    assert one('a_total{b="#"} 3 # {trace_id="} # {"} 0.5 99.5').exemplar == Exemplar(labels, 0.5, 99.5)
    assert one("a_total 3 1000 # {} 0.5") == Sample("a_total", {}, 3.0, 1.0, Exemplar({}, 0.5, None))


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("a", "has no value"),
        ("a ", "has no value"),
        ('a{b="c"}', "has no value"),
        ("1a 1", "does not begin with a metric's name"),
        ("{} 1", "has no metric's name"),
        ("a one", "'one' is not a number"),
        ("a 0,5", "'0,5' is not a number"),
        ("a 1_000", "'1_000' is not a number"),
        ("a ١", "is not a number"),
        ("a 1e400", "'1e400' is not a number"),
        ("a 1 soon", "a timestamp that is not in milliseconds"),
        ("a 1 1.5.2", "'1.5.2' is not a number"),
        ("a 1 " + "9" * 400, "a timestamp that is not in milliseconds"),
        ("a 1 2 3", "is not a name, labels, a value"),
        ('a{b="c} 1', "labels that are not"),
        ("a{b=c} 1", "labels that are not"),
        ("a{b} 1", "labels that are not"),
        ('a{,b="c"} 1', "labels that are not"),
        ('a{b="c"d="e"} 1', "labels that are not"),
        ('a{b.c="d"} 1', "labels that are not"),
        ('a{"b"} 1', "labels that are not"),
        ('{"a","b"} 1', "labels that are not"),
        ('a{b="1",b="2"} 1', "has the label 'b' twice"),
        ("a 1 # {", "labels that are not"),
        ("a 1 # {} x", "'x' is not a number"),
        ("a 1 # {} 1 2 # {} 1", "an exemplar that cannot be read"),
        ('a 1 # {"name"} 1', "an exemplar that cannot be read"),
        ("\ufeffa 1", "begins with a byte order mark"),
        ("\0a\0 \x001", "is UTF-16"),
        ("<!DOCTYPE html>", "is HTML"),
        ('{"error": "not found"}', "is JSON"),
        ('[{"a": 1}]', "is JSON"),
        ("{", "is JSON"),
        ("h {count:1", "labels that are not"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(line: str, problem: str) -> None:
    with pytest.raises(PrometheusTextError, match="line 3: ") as refused:
        read(f"# a comment\n\n{line}\nb 1\n")
    assert problem in str(refused.value)
    assert refused.value.line == 3
    assert len(str(refused.value)) < 200


def test_only_what_is_wanted_is_read() -> None:
    page = 'other{broken 1\n\xff\n{"a.b"} 1\n{"b} 2\n {x="y","a.b"} 3\nab 4\nb 5\n'.encode("latin-1")
    assert [(sample.name, sample.value) for sample in read_samples(page, {"b", "a.b"})] == [
        ("a.b", 1),
        ("a.b", 3),
        ("b", 5),
    ]
    assert list(read_samples(page, ())) == []
    with pytest.raises(PrometheusTextError, match="line 2: is not UTF-8"):
        list(read_samples(b"x 1\nb{c='\xff'} 1\n".replace(b"'", b'"'), {"b"}))


NATIVE = "{count:24,sum:100,schema:0,zero_threshold:0.001,zero_count:4,positive_spans:[0:2,1:2],positive_deltas:[2,1]}"


@pytest.mark.parametrize("rest", ["", " 1760000000.5", ' # {trace_id="a"} 1.5 3', ' 3 # {a="b"} 1 # {c="d"} 2'])
def test_native_histograms_are_passed_over(rest: str) -> None:
    page = f'before 1\nh{{a="b"}} {NATIVE}{rest}\n{{"h.2",a="b"}} {NATIVE}{rest}\nh {NATIVE}{rest}\nafter 2\n'.encode()
    for wanted in (None, {"before", "h", "h.2", "after"}):
        assert [sample.name for sample in read_samples(page, wanted)] == ["before", "after"]


@pytest.mark.parametrize(
    "page",
    [
        b"",
        b" \r\n\n",
        b"<html><body>It works!</body></html>",
        b"\n<?xml version='1.0'?>\n<metrics/>\n",
        b'{"status": "ok"}',
        b'{\n  "a": 1\n}\n',
        b"[]",
        b"404 page not found\n",
        b"Not Found\n",
        b"OK",
        "a 1\n".encode("utf-16"),
        "a 1\n".encode("utf-16-be"),
        "\ufeffb 1\na 1\n".encode(),
        b"\x1f\x8b\x08\x00",
    ],
)
def test_a_page_that_is_none_is_refused_by_those_who_want_something_of_it(page: bytes) -> None:
    with pytest.raises(PrometheusTextError, match="line "):
        list(read_samples(page, {"a"}))


@pytest.mark.parametrize(
    "page", [b"# nothing yet\n", b"b 1\n", b'{"b.c"} 1\n', b"b{\xff} 1\n", b"b\tNaN\n", b"b -Inf\n"]
)
def test_a_page_without_what_is_wanted_is_a_page(page: bytes) -> None:
    assert list(read_samples(page, {"a"})) == []


def test_a_line_that_is_too_long_is_refused_where_it_is_wanted() -> None:
    long = b'long{a="' + b"x" * MAX_LINE_BYTES + b'"} 1\n'
    assert [sample.value for sample in read_samples(long + b"b 2\n", {"b"})] == [2]
    with pytest.raises(PrometheusTextError, match=f"line 2: is longer than {MAX_LINE_BYTES} bytes"):
        list(read_samples(b"b 2\n" + long, {"long"}))
    fits = b'a{b="' + b"x" * (MAX_LINE_BYTES - 9) + b'"} 1'
    assert len(fits) == MAX_LINE_BYTES
    assert len(list(read_samples(fits + b"\n"))) == 1


def test_a_reader_keeps_no_more_of_a_line_than_may_be_read() -> None:
    reader = SampleReader({"a"}, max_line_bytes=100)
    for _ in range(1000):
        assert reader.feed(b"x" * 1000) == []
    assert len(reader._begun) <= 101
    assert reader.feed(b"\na 1\n") == [(2, Sample("a", {}, 1.0, None, None))]


def test_more_samples_than_are_allowed_are_refused() -> None:
    assert len(list(read_samples(b"a 1\nb 1\n", max_samples=2))) == 2
    with pytest.raises(PrometheusTextError, match="line 3: has more than 2 samples"):
        list(read_samples(b"a 1\nb 1\nc 1\n", max_samples=2))
    assert list(read_samples(b"a 1\nb 1\nc 1\n", {"c"}, max_samples=1))


def test_openmetrics_ends_with_its_mark() -> None:
    assert len(read("a 1\n# EOF", openmetrics=True)) == 1
    assert len(read("a 1\n# EOF\nb 1\n")) == 2, "in the older format it is a comment"
    with pytest.raises(PrometheusTextError, match="line 2: the text ends without # EOF"):
        read("a 1\n", openmetrics=True)
    with pytest.raises(PrometheusTextError, match="line 2: there is more after # EOF"):
        read("# EOF\na 1\n", openmetrics=True)


LINES = ["a 1", 'a{b="c"} 2 3', '{"x.y"} 4', "# TYPE a gauge", "# HELP a b", "# EOF", "", " ", "\r", 'a{b="', "ä 1"]
PIECES = [
    "a",
    " ",
    "\t",
    "{",
    "}",
    '"',
    "=",
    ",",
    "\\",
    "#",
    "1",
    "e",
    "+",
    "-",
    ".",
    "NaN",
    "\n",
    "\r",
    "\x00",
    "\ufeff",
    "ä",
]
TEXTS = (
    st.lists(st.sampled_from(LINES)).map("\n".join).map(str.encode)
    | st.lists(st.sampled_from(PIECES)).map("".join).map(str.encode)
    | st.lists(st.binary(max_size=9) | st.sampled_from([b"a 1\n", b"{", b'"', b"\n"])).map(b"".join)
)
WANTED = st.none() | st.sets(st.sampled_from(["a", "x.y", ""]))


@settings(max_examples=500)
@given(TEXTS, WANTED, st.booleans())
def test_any_bytes_are_samples_or_the_one_error(text: bytes, wanted: set[str] | None, openmetrics: bool) -> None:
    try:
        samples = list(read_samples(text, wanted, openmetrics=openmetrics))
    except PrometheusTextError as error:
        assert 1 <= error.line <= text.count(b"\n") + 1
        assert len(str(error)) < 200
    else:
        assert all(sample.name and (wanted is None or sample.name in wanted) for sample in samples)


@settings(max_examples=300)
@given(TEXTS, WANTED, st.lists(st.integers(0, 60)))
def test_it_does_not_matter_in_which_pieces_a_text_comes(text: bytes, wanted: set[str] | None, cuts: list[int]) -> None:
    places = [0, *sorted(cut for cut in cuts if cut <= len(text)), len(text)]
    pieces = [text[start:end] for start, end in pairwise(places)]
    assert outcome(pieces, wanted) == outcome([text], wanted)


def outcome(pieces: list[bytes], wanted: set[str] | None) -> object:
    try:
        return repr(list(read_samples(pieces, wanted)))
    except PrometheusTextError as error:
        return str(error)
