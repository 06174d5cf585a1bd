"""Columns come back as they were."""

import contextlib
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core.history import codec, journal, points
from collector_core.history.journal import JournalReading
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


@given(st.lists(st.tuples(st.integers(1, 10**6), st.integers(0, 2**45), decimals, decimals), min_size=1))
def test_a_journal_entry_comes_back(rows):
    readings = [JournalReading(*row) for row in rows]
    assert journal.decode(journal.encode(readings)) == readings


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
