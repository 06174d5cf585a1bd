"""What was learnt outlives a restart; what is damaged or newer costs nothing but itself."""

import contextlib
import json
import logging
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core.testing import FakeClock
from collector_plugins.anomaly.anomalies import from_saved
from collector_plugins.anomaly.statefile import Saved


def state_file(tmp_path):
    return tmp_path / "state" / "state.jsonl"


def again(found, machine, **options):
    """The same machine after a restart of the plugin."""
    found.anomaly.collector.close()
    other = machine(clock=found.clock, **options)
    other.sim, other.system = found.sim, found.system
    return other


def test_what_was_learnt_outlives_a_restart(machine):
    found = machine()
    found.days(3)
    other = again(found, machine)
    found.system.load = 0.8
    (cpu,) = (each for each in other.rows(6) if each.component == "cpu")
    assert "expected 0." in cpu.description


def test_anomalies_are_still_told_after_a_restart_and_have_ended(machine):
    found = machine()
    found.days(3)
    found.system.load = 0.8
    found.rows(3)
    other = again(found, machine)
    other.rows(1)
    assert {each.id for each in found.records()} <= {each.id for each in other.records()}
    assert all(each.ended for each in other.records() if each.id in {old.id for old in found.records()})


def test_after_a_night_off_nothing_is_judged_at_once(machine):
    found = machine()
    found.days(3)
    found.anomaly.collector.close()
    found.clock.advance(9 * 3600)
    other = machine(clock=found.clock)
    other.sim, other.system = found.sim, found.system
    found.system.load = 0.4
    assert other.rows(2) == []


def test_it_is_saved_now_and_then_and_readable_by_its_owner_only(machine, tmp_path):
    found = machine(save_every=3600)
    found.rows(20)
    file = state_file(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text().splitlines()[0]) == {
        "schema": 1,
        "row": 300.0,
        "at": pytest.approx(found.clock.time(), abs=3600),
    }
    assert list(file.parent.iterdir()) == [file]


def test_nothing_is_written_before_a_row_is_over(machine, tmp_path):
    found = machine()
    found.anomaly.run()
    found.anomaly.collector.close()
    assert not state_file(tmp_path).exists()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("not json\n", "corrupt"),
        ("", "corrupt"),
        ("[]\n", "corrupt"),
        ('{"schema": 99, "row": 300, "at": 1}\n', "other-schema"),
        ('{"schema": "../x", "row": 300, "at": 1}\n', "other-schema"),
    ],
)
def test_a_state_that_cannot_be_used_is_put_aside_and_said(machine, tmp_path, caplog, text, why):
    file = state_file(tmp_path)
    file.parent.mkdir()
    file.write_text(text)
    found = machine()
    found.rows(3)
    (aside,) = file.parent.glob(f"state.jsonl.{why}-*")
    assert aside.read_text() == text
    assert f"it is kept as {aside.name}" in caplog.text
    assert "learning begins anew" in caplog.text
    found.anomaly.collector.close()
    assert file.exists()


def test_a_state_of_other_rows_is_learnt_anew(machine, caplog):
    found = machine()
    found.days(2)
    other = again(found, machine, row=60.0)
    other.rows(2)
    assert "was learnt with rows of 300.0 s" in caplog.text
    assert next(iter(other.anomaly.collector._watching.watched.values())).told <= 2


def test_a_damaged_line_costs_no_other_series(machine, tmp_path, caplog):
    found = machine()
    found.days(2)
    found.anomaly.collector.close()
    file = state_file(tmp_path)
    lines = file.read_text().splitlines()
    damaged = next(place for place, line in enumerate(lines) if '"series","system_cpu_usage_ratio"' in line)
    lines[damaged] = lines[damaged][:50]
    file.write_text("\n".join(lines))
    other = machine(clock=found.clock)
    other.rows(2)
    told = {text: each.told for text, each in other.anomaly.collector._watching.watched.items()}
    assert told["system_cpu_usage_ratio"] <= 2
    assert told["system_memory_used_bytes"] > 500
    assert "1 lines are damaged" in caplog.text


def test_series_that_have_not_shown_up_yet_are_saved_again(machine, tmp_path):
    found = machine()
    found.rows(30)
    found.anomaly.collector.close()
    other = machine(clock=found.clock, series=["system_cpu_usage_ratio"])
    other.rows(2)
    other.anomaly.collector.close()
    assert "system_memory_used_bytes" in state_file(tmp_path).read_text()


def test_a_folder_that_cannot_be_written_is_said_once_and_costs_nothing_else(machine, tmp_path, caplog):
    (tmp_path / "state").write_text("a file")
    found = machine(save_every=600)
    found.rows(20)
    assert caplog.text.count("cannot be written") == 1
    assert "state_dir" in caplog.text


@given(
    st.text(max_size=200)
    | st.recursive(st.none() | st.floats() | st.text(), lambda s: st.lists(s) | st.dictionaries(st.text(), s)).map(
        json.dumps
    )
)
def test_any_line_is_taken_or_counted_as_damaged(tmp_path_factory, line):
    file = tmp_path_factory.mktemp("state") / "state.jsonl"
    file.write_text('{"schema": 1, "row": 60, "at": 1}\n' + line.replace("\n", " "), encoding="utf-8", errors="replace")
    saved = Saved(file, 60.0, logging.getLogger("x"), FakeClock().time())
    saved.load()
    assert saved.records == []


@given(
    st.dictionaries(
        st.sampled_from(
            ["time", "type", "severity", "ended", "related", "series", "actions", "component", "description", "score"]
        ),
        st.none() | st.integers() | st.text() | st.floats() | st.lists(st.text()),
    )
)
def test_any_record_is_restored_or_refused(state):
    with contextlib.suppress(ValueError):
        json.dumps(from_saved(state, 0.0).data())
