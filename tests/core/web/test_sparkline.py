"""Charts: lines where there are readings, nothing where there are none."""

import re

from hypothesis import given
from hypothesis import strategies as st

from collector_core import PageBand
from collector_core.web.sparkline import HEIGHT, WIDTH, Span, segments, sparkline

VALUES = st.lists(st.none() | st.floats(-1e6, 1e6, allow_subnormal=False), max_size=50)


def chart(*values, step=12.5):
    times = [1000.0 + 5 * number for number in range(len(values))]
    return sparkline(Span(1000.0, 1900.0, step), times, values, "text")


def lines(svg):
    return re.findall(r'class="line" d="([^"]*)"', svg)


def test_a_missing_value_breaks_the_line_and_draws_no_zero():
    first, second = lines(chart(10.0, 10.0, None, 10.0, 10.0))
    assert first.count("L") == second.count("L") == 1
    assert "0.0 47.0" not in first + second


def test_time_in_which_nobody_looked_breaks_the_line():
    assert list(segments([(0, 1.0), (5, 2.0), (100, 3.0), (105, 4.0)], 12.5)) == [
        [(0, 1.0), (5, 2.0)],
        [(100, 3.0), (105, 4.0)],
    ]


def test_one_reading_alone_is_a_dot():
    assert lines(chart(None, 10.0, None)) == ["M1.7 4.0h0"]


def test_nothing_known_draws_only_the_base():
    assert lines(chart(None, None)) == lines(chart()) == []


def test_the_scale_starts_at_zero():
    ((_, low), (_, high)) = [point.split() for point in lines(chart(100.0, 50.0))[0][1:].split("L")]
    assert float(low) == 4.0
    assert 24 < float(high) < 27


def test_what_flows_back_is_below_zero():
    svg = chart(10.0, -10.0)
    assert 'class="base" d="M0 25.5H300"' in svg


@given(VALUES)
def test_every_reading_is_drawn_within_the_chart(values):
    drawn = [
        tuple(map(float, place.split()))
        for line in lines(chart(*values))
        for place in re.split("[ML]", line.replace("h0", ""))
        if place
    ]
    assert len(drawn) == sum(value is not None for value in values)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in drawn)


def test_what_is_outside_the_time_that_is_shown_is_not_drawn():
    shown = Span(1000.0, 1900.0, 12.5)
    assert lines(sparkline(shown, [990.0, 1000.0, 1900.0, 1901.0], [1.0, 2.0, 2.0, 3.0], "text")) == [
        "M0.0 4.0h0",
        "M300.0 4.0h0",
    ]


def test_what_is_expected_is_a_band_beside_and_ahead_of_the_values():
    band = PageBand(times=[1000.0, 1900.0], lower=[1.0, 2.0], middle=[2.0, 4.0], upper=[3.0, 8.0])
    svg = sparkline(Span(1000.0, 1900.0, 500.0), [1000.0, 1450.0], [2.0, 3.0], "text", band)
    assert 'class="band" d="M0.0 30.9L300.0 4.0L300.0 36.2L0.0 41.6Z"' in svg
    assert 'class="expected" d="M0.0 36.2L300.0 25.5"' in svg
    assert lines(svg) == ["M0.0 36.2L150.0 30.9"]
    assert "area" not in svg, "it would lie over the band"
    outside = PageBand(times=[0.0], lower=[9.0], middle=[9.0], upper=[9.0])
    assert sparkline(Span(1000.0, 1900.0, 500.0), [1000.0], [2.0], "text", outside) == chart(2.0, step=500.0)
