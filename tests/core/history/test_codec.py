"""Columns come back as they were."""

import contextlib
from array import array

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from collector_core.history import codec, journal, points
from collector_core.history.head import Head, Table
from collector_core.history.points import Point, Points

integers = st.lists(st.integers(-(2**58), 2**58))
floats = st.floats(allow_nan=False, allow_infinity=False)
decimals = st.builds(
    lambda digits, places: round(digits / 10**places, places), st.integers(-(10**12), 10**12), st.integers(0, 4)
)


@given(integers)
def test_integers_come_back(values):
    assert codec.decode_integers(codec.encode_integers(values)) == values


@given(st.lists(decimals) | st.lists(floats))
def test_numbers_come_back(values):
    assert list(codec.decode_numbers(codec.encode_numbers(values, codec.SMALL))) == values


@given(st.lists(st.tuples(decimals | floats, decimals | floats), min_size=1))
def test_a_counter_comes_back_with_its_rises(pairs):
    times = array("q", range(len(pairs)))
    given_points = Points(times, *(array("d", column) for column in zip(*pairs, strict=True)))
    encoded = points.encode(given_points)
    assert points.decode(times, encoded) == given_points
    assert points.decode(times, encoded, 1, 3) == given_points.between(1, 3)


@st.composite
def tables(draw):
    """Readings of some series, counters first, at times that rise."""
    numbers = draw(st.lists(st.integers(1, 10**6), min_size=1, max_size=5, unique=True))
    counters = draw(st.integers(0, len(numbers)))
    times = sorted(draw(st.sets(st.integers(-5, 2**45), min_size=1, max_size=5)))
    values, rises = (
        draw(st.lists(decimals | floats, min_size=width * len(times), max_size=width * len(times)))
        for width in (len(numbers), counters)
    )
    return Table(tuple(numbers), counters, array("q", times), array("d", values), array("d", rises))


@given(st.lists(tables(), min_size=1, max_size=4))
def test_a_journal_entry_comes_back(given_tables):
    counters = {number for table in given_tables for number in table.numbers[: table.counters]}
    for table in given_tables:  # a series is a counter for good
        assume(not counters & set(table.numbers[table.counters :]))
    found, expected = Head(), Head()
    for table in journal.decode_tables(journal.encode(given_tables), counters):
        found.add(table)
    for table in given_tables:
        expected.add(table)
    assert found.numbers() == expected.numbers()
    for number in expected.numbers():
        assert found.points(number) == expected.points(number)


def test_an_entry_of_version_1_is_read():
    """Time by time, as decimals."""
    rows = [(7, 1000, 1.5, 0.0), (3, 1000, 20.0, 2.0), (7, 2000, 1.6, 0.0), (3, 2000, 21.0, 1.0)]
    series, times, values, rises = zip(*rows, strict=True)
    integers = (codec.encode_integers(column) for column in (series, times))
    entry = codec.join_columns([*integers, *(codec.encode_numbers(column) for column in (values, rises))])
    head = Head()
    for table in journal.decode_tables(entry, {3}):
        head.add(table)
    assert list(head.points(7)) == [Point(1000, 1.5), Point(2000, 1.6)]
    assert list(head.points(3)) == [Point(1000, 20.0, 2.0), Point(2000, 21.0, 1.0)]


@given(st.binary(max_size=200))
def test_damaged_bytes_are_refused_with_one_error(data):
    for decode in (
        codec.decode_integers,
        codec.decode_numbers,
        journal.decode,
        lambda raw: points.decode(array("q"), raw),
    ):
        with contextlib.suppress(ValueError):
            decode(data)


@given(st.data())
def test_a_flipped_byte_is_an_error_or_numbers_of_the_same_count(data):
    encoded = bytearray(codec.encode_numbers([round(20 + each % 7 / 10, 1) for each in range(300)]))
    encoded[data.draw(st.integers(0, len(encoded) - 1))] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(ValueError):
        codec.decode_numbers(bytes(encoded))


def test_a_column_that_asks_for_gigabytes_is_refused():
    with pytest.raises(ValueError, match="numbers"):
        codec.decode_integers(b"\x00\x01\xff\xff\xff\xff")


def test_watts_of_a_day_take_less_than_two_bytes_each():
    watts = [round(100 + 20 * ((each * 7919) % 1000) / 1000, 1) for each in range(8640)]
    assert len(codec.encode_numbers(watts, codec.SMALL)) < 2 * len(watts)


def test_a_steady_counter_takes_next_to_nothing_beside_its_rises():
    steady = Points()
    for each in range(1000):
        steady.append(each, 500 + 100.5 * each, 100.5 if each else 500, is_counter=True)
    assert len(points.encode(steady)) < 100


@given(st.lists(st.integers(0, 50), unique=True), st.lists(st.integers(0, 50), unique=True))
def test_merging_keeps_every_time_once_and_the_first_value(ours, others):
    one = points.of([Point(time, 1.0) for time in sorted(ours)], is_counter=False)
    two = points.of([Point(time, 2.0) for time in sorted(others)], is_counter=False)
    merged = one.merged(two)
    assert list(merged.times) == sorted({*ours, *others})
    assert [point.value for point in merged] == [1.0 if point.time in ours else 2.0 for point in merged]
