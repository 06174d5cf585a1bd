"""Charts of power: lines where there are readings, nothing where there are none, and words for both."""

import re
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from collector_core.web.power_section import UNKNOWN, section
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
    assert list(segments([0, 5, 100, 105], [1.0, 2.0, 3.0, 4.0], 12.5)) == [
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


def view(watts, joules=3600.0, estimated=False, history=()):
    times = [1000.0 + 5 * number for number in range(len(history))]
    return {
        "time": 2000.0,
        "since_timestamp_seconds": 800.0,
        "total_watts": watts,
        "total_joules": joules,
        "components": {"<cpu>": {"watts": watts, "joules": joules, "estimated": estimated}},
        "history": {
            "window_seconds": 900.0,
            "longest_step_seconds": 12.5,
            "timestamps": times,
            "total_watts": list(history),
            "watts": {"<cpu>": list(history)},
        },
        "reason": None,
        "fix": None,
    }


class Text(HTMLParser):
    """The words of a page, and what its pictures say."""

    def __init__(self, html):
        super().__init__()
        self.words, self.labels = [], []
        self.feed(html)

    def handle_data(self, data):
        self.words.append(data)

    def handle_starttag(self, tag, attrs):
        if tag == "svg":
            self.labels.append(dict(attrs)["aria-label"])


def test_a_chart_says_in_words_what_it_shows():
    (_, label) = Text(section(view(12.34, history=(None, 10.0, 15.0)))).labels
    assert label == "<cpu>, last 15 minutes: now 12.3 W, between 10 W and 15 W"


def test_unknown_power_is_called_so_and_never_0():
    page = Text(section(view(None, history=(10.0, None))))
    assert page.words.count(UNKNOWN) == 2
    assert "0 W" not in page.words
    assert page.labels[1].endswith("now not known, between 10 W and 10 W; gaps where it was not known")


def test_estimates_are_marked():
    words = Text(section(view(12.0, estimated=True))).words
    assert "estimate" in words
    assert "≈ 12 W" in words
    assert "≈ 1 Wh in 20 min" in words
    assert "estimate" not in Text(section(view(12.0))).words


def test_names_of_components_are_escaped():
    assert "<cpu>" not in section(view(1.0))
