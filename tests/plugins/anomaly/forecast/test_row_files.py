"""Files with rows of series: read, or refused with the line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_plugins.anomaly.forecast.row_files import HEADER, parse_rows, read_rows


def test_rows_of_several_files_are_put_together_by_series_and_time(tmp_path):
    (tmp_path / "1.csv").write_text('time,series,value\n60,a,0.30000000000000004\n60,"b{x=""1,2""}",-1e-300\n')
    (tmp_path / "2.csv").write_text("time,series,value\n120,a,5\n")
    assert read_rows([tmp_path / "1.csv", tmp_path / "2.csv"]) == {
        "a": {60.0: 0.1 + 0.2, 120.0: 5.0},
        'b{x="1,2"}': {60.0: -1e-300},
    }


def test_a_line_that_was_cut_off_is_skipped():
    lines = ["time,series,value\n", "1,a,2.5\n", "2,a", "\n", "3,a,4\n"]
    assert list(parse_rows(lines, "x")) == [(1.0, "a", 2.5), (3.0, "a", 4.0)]


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (["a,b\n"], "x: the first line must be time,series,value"),
        ([], "x: the first line must be"),
        (["time,series,value\n", "1,a,2\n", "1,a,nan\n"], "x, line 3: .* not finite"),
        (["time,series,value\n", "inf,a,2\n"], "x, line 2: .* not finite"),
        (["time,series,value\n", "noon,a,2\n"], "x, line 2"),
    ],
)
def test_a_file_of_another_form_is_refused_with_its_line(lines, complaint):
    with pytest.raises(ValueError, match=complaint):
        list(parse_rows(lines, "x"))


@given(
    st.lists(
        st.text(max_size=30)
        | st.tuples(st.floats(), st.text(max_size=5), st.floats()).map(lambda row: ",".join(map(str, row)))
    )
)
def test_any_file_is_read_or_refused(lines):
    try:
        list(parse_rows([",".join(HEADER) + "\n", *(line + "\n" for line in lines)], "x"))
    except ValueError as error:
        assert str(error).startswith("x")
