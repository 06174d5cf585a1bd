"""A page of somebody else's: what can be read of it is kept, whatever the rest is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core.prometheus_text import PageReader, PrometheusTextError, read_samples


def values(*pieces, wanted=("a", "b"), **options):
    page = PageReader(wanted, **options)
    for piece in pieces:
        page.feed(piece)
    return [(sample.name, sample.value) for sample in page.finish()], page.problem


def test_a_line_that_cannot_be_read_costs_the_samples_of_its_name():
    found, problem = values(b'a{x="1"} 1\na{x="2"} two\nb 3\na{x="3"} 3\n')
    assert found == [("b", 3)]
    assert "line 2: cannot read" in str(problem)


@pytest.mark.parametrize("page", [b"a one\n", b"<html>\na 1x\n</html>", b'{"a": 1}'])
def test_where_nothing_is_left_the_first_problem_is_raised(page):
    with pytest.raises(PrometheusTextError):
        values(page)


def test_too_many_samples_are_refused_as_a_whole():
    with pytest.raises(PrometheusTextError, match="more than 2 samples"):
        values(b"a 1\nb 2\na 3\n", b"b 4\n", max_samples=2)


def test_a_long_line_that_is_wanted_costs_its_name():
    assert values(b'a{x="' + b"x" * 100_000 + b'"} 1\nb 2\n')[0] == [("b", 2)]


@given(st.binary(max_size=200) | st.lists(st.sampled_from([b"a 1", b"b{", b"# x", b"a{}", b"b 2 3 4"])).map(b"\n".join))
def test_any_page_in_any_pieces_is_the_same_and_feeding_never_raises(page):
    def result(*pieces):
        try:
            return values(*pieces)[0]
        except PrometheusTextError as error:
            return str(error)

    assert result(page) == result(*(page[i : i + 1] for i in range(len(page))))
    try:
        whole = [(sample.name, sample.value) for sample in read_samples(page, ("a", "b"))]
    except PrometheusTextError:
        return
    assert repr(result(page)) == repr(whole), "what is sound is read as by the strict reader"
