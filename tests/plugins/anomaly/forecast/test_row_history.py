"""The rows that are kept for training: which, for how long, and how they are read again."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core import Selector, Series
from collector_plugins.anomaly.forecast.row_history import (
    HEADER,
    MAX_SERIES,
    RowHistory,
    history_files,
    parse_history,
    read_history,
)

CPU = "system_cpu_usage_ratio"
MIDNIGHT = 1_700_006_400.0
DAY = 86_400.0
LOG = logging.getLogger("collector.anomaly")


def series(name, **labels):
    text = name + ("{" + ",".join(f'{key}="{value}"' for key, value in labels.items()) + "}" if labels else "")
    return Series(text, name, labels, "gauge", "", "", "host", topic="load")


def history(folder, *selectors, days=3):
    return RowHistory(folder, [Selector.parse(text) for text in selectors or ("*",)], days, LOG)


def test_rows_are_kept_by_day_and_old_days_go(machine, tmp_path):
    found = machine(history_days=2, history_series=["system_cpu_*"], row=3600.0)
    found.days(4)
    files = history_files(tmp_path / "state")
    assert len(files) == 2
    table = read_history(files)
    assert set(table) == {CPU}
    assert 24 <= len(table[CPU]) <= 48
    assert list(table[CPU].values())[-1] == found.watched(CPU).value


def test_a_row_is_read_as_it_was_written(tmp_path):
    kept = history(tmp_path)
    rows = [(series("a"), 0.1 + 0.2), (series("b", x='1,"2'), -1e-300)]
    kept.append_rows(rows, MIDNIGHT + 60)
    kept.append_rows(rows[:1], MIDNIGHT + 120)
    assert read_history(history_files(tmp_path)) == {
        "a": {MIDNIGHT + 60: 0.1 + 0.2, MIDNIGHT + 120: 0.1 + 0.2},
        'b{x="1,"2"}': {MIDNIGHT + 60: -1e-300},
    }


def test_only_what_is_selected_is_kept(tmp_path):
    history(tmp_path, 'a{x="1"}', '{__topic__="power"}').append_rows(
        [(series("a", x="1"), 1.0), (series("a", x="2"), 2.0), (series("b", x="1"), 3.0)], MIDNIGHT
    )
    assert set(read_history(history_files(tmp_path))) == {'a{x="1"}'}
    assert history(tmp_path / "topic", '{__topic__="load"}').append_rows([(series("a"), 1.0)], MIDNIGHT) is None
    assert set(read_history(history_files(tmp_path / "topic"))) == {"a"}


@pytest.mark.parametrize("options", [{"days": 0}, {"selectors": ()}])
def test_without_days_or_series_there_is_no_file(tmp_path, options):
    kept = RowHistory(tmp_path, options.get("selectors", [Selector.parse("*")]), options.get("days", 3), LOG)
    kept.append_rows([(series("a"), 1.0)], MIDNIGHT)
    assert list(tmp_path.iterdir()) == []


def test_without_rows_there_is_no_file(tmp_path):
    history(tmp_path).append_rows([], MIDNIGHT)
    assert list(tmp_path.iterdir()) == []


def test_a_file_has_a_heading_once(tmp_path):
    for when in (60, 120):
        history(tmp_path).append_rows([(series("a"), 1.0)], MIDNIGHT + when)
    (file,) = history_files(tmp_path)
    assert file.name == "history-2023-11-15.csv"
    assert file.read_text() == f"time,series,value\n{MIDNIGHT + 60:.0f},a,1.0\n{MIDNIGHT + 120:.0f},a,1.0\n"


def test_the_configured_number_of_days_is_kept_today_included(tmp_path):
    kept = history(tmp_path, days=3)
    for day in range(10):
        kept.append_rows([(series("a"), 1.0)], MIDNIGHT + day * DAY)
        assert len(history_files(tmp_path)) == min(day + 1, 3)
    assert history_files(tmp_path)[-1].name == "history-2023-11-24.csv"


def test_other_files_of_the_folder_stay(tmp_path):
    (tmp_path / "history-of-something.csv").write_text("mine")
    (tmp_path / "state.jsonl").write_text("state")
    for day in range(5):
        history(tmp_path, days=1).append_rows([(series("a"), 1.0)], MIDNIGHT + day * DAY)
    assert {each.name for each in tmp_path.iterdir()} == {
        "history-of-something.csv", "state.jsonl", "history-2023-11-19.csv",
    }  # fmt: skip


def test_at_most_20_series_a_day_are_kept(tmp_path):
    kept = history(tmp_path)
    kept.append_rows([(series(f"s{number}"), 1.0) for number in range(30)], MIDNIGHT)
    kept.append_rows([(series("late"), 1.0)], MIDNIGHT + 60)
    assert len(read_history(history_files(tmp_path))) == MAX_SERIES
    kept.append_rows([(series("late"), 1.0)], MIDNIGHT + DAY)
    assert "late" in read_history(history_files(tmp_path))


def test_a_disk_that_refuses_is_said_once_and_again_after_it_worked(tmp_path, caplog):
    folder = tmp_path / "state"
    folder.write_text("a file")
    kept = history(folder)
    for minute in range(3):
        kept.append_rows([(series("a"), 1.0)], MIDNIGHT + 60 * minute)
    assert caplog.text.count("cannot be written") == 1
    folder.unlink()
    kept.append_rows([(series("a"), 1.0)], MIDNIGHT + 300)
    assert len(read_history(history_files(folder))["a"]) == 1
    (file,) = history_files(folder)
    file.unlink()
    file.mkdir()
    kept.append_rows([(series("a"), 1.0)], MIDNIGHT + 360)
    assert caplog.text.count("cannot be written") == 2


def test_a_line_that_was_cut_off_is_skipped():
    lines = ["time,series,value\n", "1,a,2.5\n", "2,a", "\n", "3,a,4\n"]
    assert list(parse_history(lines, "x")) == [(1.0, "a", 2.5), (3.0, "a", 4.0)]


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
def test_a_file_that_is_no_history_is_refused_with_its_line(lines, complaint):
    with pytest.raises(ValueError, match=complaint):
        list(parse_history(lines, "x"))


@given(
    st.lists(
        st.text(max_size=30)
        | st.tuples(st.floats(), st.text(max_size=5), st.floats()).map(lambda row: ",".join(map(str, row)))
    )
)
def test_any_history_is_read_or_refused(lines):
    try:
        list(parse_history([",".join(HEADER) + "\n", *(line + "\n" for line in lines)], "x"))
    except ValueError as error:
        assert str(error).startswith("x")
