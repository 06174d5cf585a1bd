"""What was exported comes back, once; what is wrong comes not at all."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core.history import importing, query
from collector_core.history.formats import COLUMNS, HistoryFormat, write_table
from collector_core.history.importing import BadLineError, keep_readings, parse_series, read_lines
from collector_core.history.interface import EVER, HistorySample
from collector_core.history.query import HistoryQuery
from collector_core.model.labels import label_text
from tests.core.history.conftest import NOON, kept

NAMES = st.from_regex(r"[a-z_:][a-zA-Z0-9_:]{0,10}", fullmatch=True)
LABELS = st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True), st.text(max_size=8), max_size=3)


def keep(store, lines):
    return sum(keep_readings(store, text, readings) for text, readings in read_lines(lines).items())


def exported(store, kind):
    found = query.run(store, HistoryQuery(None, 0, EVER))
    return b"".join(write_table(kind, COLUMNS, query.as_rows(found))).decode().splitlines(keepends=True)


def rises(store, text):
    number, _ = store.catalogue.find(text)
    return [(point.time - NOON, point.rise) for point in store.read(number, 0, EVER)]


@pytest.fixture
def another(stores):
    return stores.make("another")


@pytest.mark.parametrize("kind", [HistoryFormat.CSV, HistoryFormat.NDJSON])
def test_an_export_is_imported_whole_and_only_once(store, another, kind):
    odd = kept("lamp_power_watts", plug='a "quoted", one\\with\nbreaks')
    store.append(
        [
            HistorySample(odd, NOON + 1, 1.25, 0.0),
            HistorySample(kept(), NOON, 1e-7, 0.0),
            HistorySample(odd, NOON + 9, 2.0, 0.0),
        ]
    )
    lines = exported(store, kind)
    assert keep(another, lines) == 3
    assert exported(another, kind) == lines
    assert keep(another, lines) == 0
    assert exported(another, kind) == lines


def test_promtool_dumps_are_known_by_their_look(store):
    dump = [
        '{__name__="node_cpu_seconds_total", cpu="0", job="n"} 1.5 1700000000000\n',
        '{__name__="node_cpu_seconds_total", cpu="0", job="n"} 4 1700000015000\n',
        '{__name__="node_cpu_seconds_total", cpu="0", job="n"} NaN 1700000030000\n',
    ]
    assert keep(store, dump) == 2
    number, series = store.catalogue.find('node_cpu_seconds_total{cpu="0",job="n"}')
    assert series.is_counter
    assert series.series.unit == "seconds"
    assert [point.rise for point in store.read(number, 0, EVER)] == [0, 2.5]


def test_readings_between_known_ones_count_no_rise_twice(store):
    counter = kept("lamp_energy_joules_total", "counter")
    store.append([HistorySample(counter, NOON, 10.0, 0.0), HistorySample(counter, NOON + 9000, 50.0, 40.0)])
    store.seal(NOON)
    between = [
        f"{(NOON + 3000) / 1000},lamp_energy_joules_total,30\n",
        f"{(NOON - 3000) / 1000},lamp_energy_joules_total,4\n",
    ]
    assert keep(store, ["time,series,value\n", *between]) == 2
    assert rises(store, "lamp_energy_joules_total") == [(-3000, 0), (0, 6), (3000, 20), (9000, 20)]


def test_another_store_brings_its_readings_tiers_and_events(store, another):
    counter = kept("lamp_energy_joules_total", "counter")
    another.append([HistorySample(counter, NOON + 10_000 * each, 5.0 * each, 5.0) for each in range(500)])
    another.seal(NOON + 7_200_000)
    assert importing.keep_store(store, another) == 500
    assert importing.keep_store(store, another) == 0
    assert sum(rise for _, rise in rises(store, "lamp_energy_joules_total")) == 2500


@pytest.mark.parametrize(
    ("lines", "number", "why"),
    [
        (["a,b\n"], 1, "header"),
        (["time,series,value\n", "1,up,1\n", "2,up\n"], 3, "columns"),
        (["time,series,value\n", "\n", "x,up,1\n"], 3, "RFC 3339"),
        (["time,series,value\n", "1,up,nan\n"], 2, "finite"),
        (["time,series,value\n", "1,up{,1\n"], 2, "not a series"),
        (["time,series,value\n", '1,"up{a=b}",1\n'], 2, "label"),
        (["time,series,value\n", "-1,up,1\n"], 2, "1970"),
        (['{"time": 1, "series": "up", "value": 1}\n', '{"time": 1}\n'], 2, "object"),
        (['{"time": 1, "series": "up", "value": true}\n'], 1, "finite"),
        (['{__name__="up"} 1 1700000000000\n', '{__name__="up"} one 1\n'], 2, "float"),
        (['{__name__="up"} 1 99999999999999999\n'], 1, "milliseconds"),
    ],
)
def test_a_bad_line_is_named(lines, number, why):
    with pytest.raises(BadLineError, match=f"line {number}: .*{why}"):
        read_lines(lines)


@given(NAMES, LABELS)
def test_a_series_is_read_as_it_is_written(name, labels):
    text = name + label_text(labels)
    found = parse_series(text)
    assert (found.text, found.name, found.labels) == (text, name, labels)


@given(st.lists(st.text(max_size=60), max_size=5))
def test_any_file_is_read_or_refused(lines):
    for first in ([], ["time,series,value\n"]):
        try:
            read_lines([*first, *lines])
        except BadLineError as error:
            assert str(error).startswith("line ")


def test_a_table_is_written_in_every_text_format():
    rows = [(1, 'a{b="c"}', 2.5)]
    assert json.loads(b"".join(write_table(HistoryFormat.NDJSON, COLUMNS, rows))) == {
        "time": 1,
        "series": 'a{b="c"}',
        "value": 2.5,
    }
    text = b"".join(write_table(HistoryFormat.CSV, COLUMNS, rows)).decode()
    assert list(csv.reader(io.StringIO(text))) == [[*COLUMNS], ["1", 'a{b="c"}', "2.5"]]


@pytest.mark.parametrize("kind", [HistoryFormat.ARROW, HistoryFormat.PARQUET])
def test_arrow_and_parquet_hold_the_same(kind):
    pa = pytest.importorskip("pyarrow")
    raw = b"".join(write_table(kind, COLUMNS, [(1, "a", 2.5), (2.5, "a", 3)]))
    if kind is HistoryFormat.ARROW:
        table = pa.ipc.open_stream(raw).read_all()
    else:
        table = pytest.importorskip("pyarrow.parquet").read_table(pa.BufferReader(raw))
    assert table.to_pydict() == {"time": [1.0, 2.5], "series": ["a", "a"], "value": [2.5, 3.0]}
