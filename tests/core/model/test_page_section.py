"""What a collector may show on the status page is checked where it is made."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core import DeclarationError, PageBand, PageChart, PageLink, PageSection, PageTable
from collector_core.model.page_section import MAX_CHARTS, MAX_LINKS, MAX_POINTS, MAX_ROWS, MAX_TABLES, MAX_TEXT


def chart(**changes):
    return PageChart(
        **{"title": "Lamp", "unit": "W", "times": [1.0, 2.0], "values": [5.0, None], "window": 60, "longest_step": 5}
        | changes
    )


def section(**changes):
    return PageSection(**{"name": "lamps", "title": "Lamps"} | changes)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"times": [1.0]}, "one value for each time"),
        ({"times": [2.0, 1.0]}, "times must rise"),
        ({"times": [1.0, 1.0]}, "times must rise"),
        ({"values": [math.nan, 1.0]}, "finite number"),
        ({"values": [math.inf, 1.0]}, "finite number"),
        ({"times": [1.0, math.inf]}, "finite number"),
        ({"window": math.inf}, "finite number"),
        ({"window": 0}, "above 0"),
        ({"times": range(MAX_POINTS + 1), "values": [1.0] * (MAX_POINTS + 1)}, "at most 2000"),
        ({"title": "x" * (MAX_TEXT + 1)}, "at most 1000 characters"),
        ({"note": None}, "got NoneType"),
    ],
)
def test_a_chart_that_cannot_be_drawn_is_refused(changes, reason):
    assert chart()
    with pytest.raises(DeclarationError, match=reason):
        chart(**changes)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"times": [1.0]}, "one value for each time"),
        ({"times": [2.0, 1.0]}, "times must rise"),
        ({"upper": [math.inf, 9.0]}, "finite number"),
        ({"lower": [6.0, 0.0]}, "lower must not be above middle"),
        ({"times": range(MAX_POINTS + 1)}, "at most 2000"),
    ],
)
def test_a_band_that_cannot_be_drawn_is_refused(changes, reason):
    good = {"times": [1.0, 2.0], "lower": [0.0, 0.0], "middle": [5.0, 5.0], "upper": [9.0, 9.0]}
    assert chart(expected=PageBand(**good))
    with pytest.raises(DeclarationError, match=reason):
        PageBand(**good | changes)
    with pytest.raises(DeclarationError, match="must be a PageBand"):
        chart(expected=good)


@pytest.mark.parametrize(
    ("columns", "rows", "reason"),
    [
        (["a", "b"], [["1"]], "1 cells for 2 columns"),
        (["a"], [[1]], "got int"),
        (["a"], [["1"]] * (MAX_ROWS + 1), "at most 500"),
        ([str(number) for number in range(13)], [], "at most 12"),
    ],
)
def test_a_table_that_is_none_is_refused(columns, rows, reason):
    with pytest.raises(DeclarationError, match=reason):
        PageTable(columns=columns, rows=rows)


@pytest.mark.parametrize(
    "path", ["https://example.org/", "//example.org/", "/\\example.org", "javascript:alert(1)", ""]
)
def test_a_link_leads_nowhere_else(path):
    assert PageLink(text="lamps (JSON)", path="/api/v1/lamps").path == "/api/v1/lamps"
    with pytest.raises(DeclarationError, match="not a path of this service"):
        PageLink(text="lamps", path=path)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"name": "Lamps!"}, "snake_case"),
        ({"charts": [chart()] * (MAX_CHARTS + 1)}, "at most 50"),
        ({"tables": [PageTable(columns=["a"], rows=[])] * (MAX_TABLES + 1)}, "at most 10"),
        ({"links": [PageLink(text="a", path="/a")] * (MAX_LINKS + 1)}, "at most 5"),
        ({"charts": ["<svg>"]}, "must be PageChart objects, got str"),
        ({"title": b"Lamps"}, "got bytes"),
    ],
)
def test_a_section_that_the_page_has_no_room_for_is_refused(changes, reason):
    assert section(charts=[chart()], tables=[PageTable(columns=["a"], rows=[["1"]])])
    with pytest.raises(DeclarationError, match=reason):
        section(**changes)


@given(st.lists(st.floats()), st.lists(st.none() | st.floats()), st.floats(), st.floats())
def test_a_chart_is_drawable_or_refused(times, values, window, longest_step):
    try:
        made = chart(times=times, values=values, window=window, longest_step=longest_step)
    except DeclarationError:
        return
    assert sorted(set(made.times)) == list(made.times)
    assert all(math.isfinite(value) for value in made.values if value is not None)
