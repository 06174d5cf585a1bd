"""The text format, and a ValueError with the line for everything else."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary, generate_latest

from collector_core import Readings
from collector_core.testing import Harness
from collector_plugins.textfile import MTIME, VALID, Textfile
from collector_plugins.textfile.promfile import parse

PIECES = [
    *[
        b"# HELP a ",
        b"# TYPE a ",
        b"counter",
        b"histogram",
        b"untyped",
        b"gauge",
        b"a",
        b"a_total",
        b"a_bucket",
        b"b:c",
    ],
    *[b'{x="y"}', b'{le="+Inf"}', b'{a="\\', b"{", b"}", b'"', b",", b"=", b" ", b"\t", b"\n", b"\r", b"#", b"\\"],
    *[
        b" 1\n",
        b" -Inf\n",
        b" NaN\n",
        b" 1e400\n",
        b" 9" * 400,
        b" 1 1\n",
        b"_sum 2\n",
        b"\xff",
        "\u00e4".encode(),
        b"\x00",
    ],
]
CONTENTS = st.lists(st.one_of(st.binary(max_size=20), st.sampled_from(PIECES)), max_size=30).map(b"".join)


@settings(max_examples=400, deadline=None)
@given(data=CONTENTS)
def test_arbitrary_bytes_are_a_value_error(data):
    with suppress(ValueError):
        parse(data)


@settings(max_examples=100, deadline=None)
@given(data=CONTENTS, other=CONTENTS)
def test_arbitrary_files_are_published_or_a_failed_part(tmp_path_factory, data, other):
    folder = tmp_path_factory.mktemp("textfile")
    (folder / "a.prom").write_bytes(data)
    (folder / "b.prom").write_bytes(other)
    (folder / "c.prom").write_bytes(b"good_metric 1\n")
    harness = Harness(Textfile, directories=[str(folder)])
    harness.run()
    failed = {failure.labels["file"] for failure in harness.part_failures}
    assert {file for (file,), valid in harness.series(VALID).items() if not valid} == failed
    assert len(harness.series(MTIME)) + len(failed) == 3
    assert "good_metric 1.0\n" in harness.exposition() or str(folder / "c.prom") in failed
    harness.close()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a 1", "the last line has no end"),
        ("a 1\nb\n", "line 2: cannot read 'b': has no value"),
        ("a 1\na 1 1760000000000\n", "line 2: has a timestamp"),
        ("# TYPE a info\na 1\n", "'info' is not a type"),
        ('a{b="\udcff"} 1\n', "line 1: is not UTF-8"),
        ("\ufeffa 1\n", "line 1: begins with a byte order mark"),
    ],
)
def test_what_is_malformed_is_named_with_its_line(text, message):
    with pytest.raises(ValueError, match="line") as refused:
        parse(text.encode("utf-8", "surrogateescape"))
    assert message in str(refused.value)


def test_files_of_windows_and_indented_ones_are_read():
    (family,) = parse(b" # HELP a_bytes Help.\r\n # TYPE a_bytes gauge\r\n a_bytes 1\r\n")
    assert (family.name, family.type, family.documentation) == ("a_bytes", "gauge", "Help.")


def test_names_in_quotes_are_shown_as_scrapers_can_read_them(tmp_path):
    text = '# TYPE "disk.used" gauge\n{"disk.used","host.name"="a"} 17\n'
    (tmp_path / "a.prom").write_text(text)
    harness = Harness(Textfile, directories=[str(tmp_path)])
    harness.run()
    assert set(harness.series(VALID).values()) == {1}
    assert 'disk_used{host_name="a"} 17.0\n' in harness.exposition()
    harness.close()


def test_what_prometheus_client_writes_is_read_back():
    registry = CollectorRegistry()
    Counter("jobs", "Jobs, \\ and\nmore.", ["kind"], registry=registry).labels('a "b" \\ \n').inc()
    Gauge("load", "Load.", registry=registry).set(1e9)
    Histogram("wait_seconds", "Wait.", registry=registry).observe(3)
    Summary("size_bytes", "Size.", registry=registry).observe(3)
    text = generate_latest(registry)
    out = Readings((), max_series=1000)
    out.add_families(parse(text))
    shown = {sample.name for family in out.snapshot().families for sample in family.samples}
    assert {"jobs_total", "load", "wait_seconds_bucket", "wait_seconds_sum", "size_bytes_count"} <= shown
    lines = {str(line) for family in out.snapshot().families for line in family.documentation.splitlines()}
    assert {"Jobs, \\ and", "more.", "Wait."} <= lines
