"""What was learnt outlives a restart; what is damaged or newer costs nothing but itself."""

import contextlib
import json
import logging
import shutil
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core import Context
from collector_core.testing import FakeClock
from collector_plugins.anomaly import Anomaly, metrics
from collector_plugins.anomaly.config import Config
from collector_plugins.anomaly.detector.calendar import Calendar
from collector_plugins.anomaly.incidents.incident import Incident
from collector_plugins.anomaly.saved_state import SavedState
from collector_plugins.anomaly.state_writer import StateWriter
from collector_plugins.system import metrics as system

CPU, MEMORY = "system_cpu_usage_ratio", "system_memory_used_bytes"
PREVIOUS_RELEASE = Path(__file__).parent / "previous_release"
LOG = logging.getLogger("collector.anomaly")


@pytest.fixture
def file(tmp_path):
    return tmp_path / "state" / "state.jsonl"


def restarted(found, make, **options):
    """The same machine after a restart of the plugin."""
    found.plugin.close()
    return make(clock=found.clock, host=found.host, **options)


def set_aside(file):
    """The files that were renamed, by their names without the time."""
    return {each.name.rpartition("-")[0]: each for each in file.parent.glob(f"{file.name}.*")}


def known_rows(found):
    return {text: each.rows_known for text, each in found.plugin.watcher.series.items()}


def test_what_was_learnt_outlives_a_restart(learnt_machine):
    found = learnt_machine()
    assert found.watched(CPU).rows_known > 6 * 280
    found.host.load = 0.8
    (cpu,) = (each for each in found.rows(6) if each.component == "cpu")
    assert "expected 0." in cpu.description
    assert "highest in 6 days" in cpu.description


def test_incidents_go_on_after_a_restart(learnt_machine, machine):
    found = learnt_machine()
    found.host.load = 0.8
    found.rows(3)
    before, active = found.incidents(), found.active()
    assert before
    assert not any(each.ended for each in before)
    other = restarted(found, machine)
    other.anomaly.run()
    assert other.active() == active
    other.rows(20)
    kept = {each.id: each for each in other.incidents()}
    assert [kept[each.id].description for each in before] == [each.description for each in before]
    assert {kept[each.id].ended for each in before} == {None}
    found.host.load = 0.0
    other.rows(20)
    assert all(kept[each.id].ended for each in before)
    assert other.active() == set()


def test_what_was_muted_stays_muted_after_a_restart(learnt_machine, machine):
    found = learnt_machine()
    found.host.change(system.TEMPERATURE, 43.21)
    (stuck,) = found.rows(60)
    found.plugin._record.judge(stuck, "muted")
    other = restarted(found, machine)
    other.rows(20)
    assert other.active() == set()
    (again,) = other.incidents()
    assert (again.id, again.outcome, again.ended) == (stuck.id, "muted", None)


def test_a_restart_restores_the_order_of_incidents(learnt_machine, machine):
    found = learnt_machine()
    found.host.load = 0.8
    found.rows(1)
    found.host.change(system.SWAP_USED, None)
    found.rows(10)
    times = [each.time for each in found.incidents()]
    assert len(set(times)) > 1
    other = restarted(found, machine)
    other.plugin.open()
    assert [each.time for each in other.incidents()] == times


def test_after_a_night_off_nothing_is_judged_at_once(learnt_machine, machine):
    found = learnt_machine()
    found.plugin.close()
    found.clock.advance(9 * 3600)
    other = machine(clock=found.clock, host=found.host)
    found.host.load = 0.4
    assert other.rows(3) == []


def test_components_go_on_where_they_were(learnt_machine, machine):
    found = learnt_machine()
    found.rows(2)
    before = found.plugin.watcher.components["network"].state()
    other = restarted(found, machine)
    other.rows(2)
    after = other.plugin.watcher.components["network"].state()
    assert after["names"] == before["names"]
    assert before["rows"] > 500
    assert after["rows"] == before["rows"] + 1


def test_it_is_saved_now_and_then_and_readable_by_its_owner_only(machine, file):
    found = machine(save_every=3600)
    found.rows(20)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text().splitlines()[0]) == {
        "schema": 1,
        "row": 300.0,
        "at": pytest.approx(found.clock.time(), abs=3600),
    }
    assert [each.name for each in file.parent.iterdir()] == ["state.jsonl"]


def test_nothing_is_written_before_a_row_is_over(machine, file):
    found = machine()
    found.anomaly.run()
    found.plugin.close()
    assert not file.exists()


def test_a_program_that_looks_once_writes_nothing(file):
    clock = FakeClock()
    config = Config(state_dir=file.parent, history_days=0)
    plugin = Anomaly(config, Context(name="anomaly", logger=LOG, clock=clock, keeps_running=False))
    plugin.open()
    plugin.watcher.rows = 5
    plugin.close()
    assert not file.parent.exists()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("not json\n", "corrupt"),
        ("", "corrupt"),
        ("[]\n", "corrupt"),
        ('{"schema": 1, "row": 300}\n', "corrupt"),
        ('{"schema": 99, "row": 300, "at": 1}\n', "other-schema"),
        ('{"schema": "../x", "row": 300, "at": 1}\n', "other-schema"),
        ('{"schema": 1, "row": 60, "at": 1}\n', "other-rows"),
    ],
)
def test_a_state_that_cannot_be_used_is_set_aside_and_said(machine, file, caplog, text, why):
    file.parent.mkdir()
    file.write_text(text)
    found = machine()
    found.rows(3)
    assert set_aside(file)[f"state.jsonl.{why}"].read_text() == text
    assert f"it is kept as {set_aside(file)[f'state.jsonl.{why}'].name}; learning starts over" in caplog.text
    found.plugin.close()
    assert file.exists()


def test_a_state_that_is_no_file_is_said_and_costs_nothing_else(machine, file, caplog):
    file.mkdir(parents=True)
    found = machine()
    found.rows(3)
    assert "cannot be read" in caplog.text
    assert len(known_rows(found)) == 9


def test_a_link_in_place_of_the_state_is_not_followed(machine, file, caplog, tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("precious")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.symlink_to(precious)
    found = machine()
    found.rows(3)
    assert "cannot be read" in caplog.text
    assert found.anomaly.value(metrics.CORRUPT_FILES) == 1
    assert precious.read_text() == "precious"
    assert not file.is_symlink()


def test_learning_starts_over_with_rows_of_another_length(learnt_machine, machine, file, caplog):
    found = learnt_machine()
    other = restarted(found, machine, row=60.0)
    other.rows(2)
    assert "learnt with rows of 300.0 s, and rows are 60 s" in caplog.text
    assert set_aside(file)["state.jsonl.other-rows"].read_text().count('["series"') == 9
    assert max(known_rows(other).values()) <= 2


def damage(file, start, change):
    """Change the one line that begins with `start`."""
    lines = file.read_text().splitlines()
    (place,) = (place for place, line in enumerate(lines) if line.startswith(start))
    lines[place] = change(lines[place])
    file.write_text("\n".join(lines) + "\n")


def test_a_damaged_line_costs_no_other_series(learnt_machine, machine, file, caplog):
    found = learnt_machine()
    found.plugin.close()
    damage(file, f'["series","{CPU}"', lambda line: line[:50])
    other = machine(clock=found.clock, host=found.host)
    other.rows(2)
    assert known_rows(other)[CPU] <= 2
    assert known_rows(other)[MEMORY] > 500
    assert "1 lines are damaged" in caplog.text


@pytest.mark.parametrize(
    "part",
    ["first", "told", "rules", "extremes", "detector"],
)
@pytest.mark.parametrize("value", [None, "x", float("nan"), {"counts": [0.5] * 8}, [[1], [2], ["3"]]])
def test_a_series_with_a_damaged_state_is_learnt_again_and_saved_again(
    learnt_machine, machine, file, caplog, part, value
):
    found = learnt_machine(series=[CPU, MEMORY])
    found.plugin.close()

    def change(line):
        kind, name, state = json.loads(line)
        return json.dumps([kind, name, state | {part: value}])

    damage(file, f'["series","{CPU}"', change)
    other = machine(clock=found.clock, host=found.host, series=[CPU, MEMORY])
    other.rows(2)
    assert f"the state of {CPU} cannot be used" in caplog.text
    assert known_rows(other)[CPU] <= 2
    assert known_rows(other)[MEMORY] > 500
    other.plugin.close()
    assert "cannot be written" not in caplog.text
    assert file.read_text().count('["series"') == 9


@pytest.mark.parametrize(
    "change", [{"matrix": []}, {"names": [1, 2]}, {"rows": float("nan")}, {"rows": None}, {"detector": 3}]
)
def test_a_component_with_a_damaged_state_is_learnt_again(learnt_machine, machine, file, caplog, change):
    found = learnt_machine()
    found.plugin.close()

    def apply(line):
        kind, name, state = json.loads(line)
        return json.dumps([kind, name, state | change])

    damage(file, '["group","network"', apply)
    other = machine(clock=found.clock, host=found.host)
    other.rows(3)
    assert "the state of network cannot be used" in caplog.text
    assert other.plugin.watcher.components["network"].state()["rows"] <= 3
    assert other.plugin.watcher.components["cpu"].state()["rows"] > 500


def test_series_that_have_not_shown_up_yet_are_saved_again(learnt_machine, machine, file):
    found = learnt_machine()
    other = restarted(found, machine, series=[CPU])
    other.rows(2)
    other.plugin.close()
    assert f'["series","{MEMORY}"' in file.read_text()


def test_a_series_that_shows_up_during_a_save_costs_nothing(machine, file):
    file.parent.mkdir()
    state = {"first": 1.0, "seen": 4e9, "told": 1}
    lines = [json.dumps(["series", f"s{number}", state]) for number in range(300)]
    lines.insert(250, json.dumps(["series", CPU, state]))
    file.write_text("\n".join(['{"schema": 1, "row": 300.0, "at": 1}', *lines, ""]))
    found = machine(save_every=600, series=[CPU, MEMORY])
    found.host.change(system.CPU_USAGE, None)
    found.rows(3)
    assert found.plugin._writer.is_writing
    del found.host.changes[system.CPU_USAGE]
    found.rows(5)
    assert sorted(found.plugin.watcher.series) == [CPU, MEMORY]
    assert len(file.read_text().splitlines()) == 1 + 1 + 301 + 1


def test_a_series_that_was_not_seen_for_a_month_is_not_saved_again(learnt_machine, machine, file):
    found = learnt_machine()
    found.plugin.close()
    found.clock.advance(29 * 86_400)
    other = machine(clock=found.clock, host=found.host, series=[CPU])
    other.rows(2)
    other.plugin.close()
    assert f'["series","{MEMORY}"' in file.read_text()
    found.clock.advance(1.1 * 86_400)
    other = machine(clock=found.clock, host=found.host, series=[CPU])
    other.rows(2)
    other.plugin.close()
    assert f'["series","{MEMORY}"' not in file.read_text()
    assert f'["series","{CPU}"' in file.read_text()


def test_a_folder_that_cannot_be_written_is_said_once_and_costs_nothing_else(machine, file, caplog):
    file.parent.write_text("a file")
    found = machine(save_every=600)
    found.rows(20)
    assert caplog.text.count("cannot be written") == 1
    assert "state_dir" in caplog.text


class TestStateWriter:
    def lines(self, count):
        return iter([json.dumps(["record", "", {"number": number}]) + "\n" for number in range(count)])

    def test_the_old_file_stays_until_all_lines_are_written(self, tmp_path):
        file = tmp_path / "state.jsonl"
        file.write_text("old")
        writer = StateWriter(file, 60.0, LOG)
        writer.start(self.lines(250), 5.0)
        for _ in range(2):
            writer.write_lines()
            assert writer.is_writing
            assert file.read_text() == "old"
        writer.write_lines()
        assert not writer.is_writing
        header, *rest = file.read_text().splitlines()
        assert json.loads(header) == {"schema": 1, "row": 60.0, "at": 5.0}
        assert [json.loads(line)[2]["number"] for line in rest] == list(range(250))

    def test_a_new_save_abandons_the_one_in_progress(self, tmp_path):
        writer = StateWriter(tmp_path / "state.jsonl", 60.0, LOG)
        writer.start(self.lines(500), 1.0)
        writer.write_lines()
        writer.start(self.lines(1), 2.0)
        writer.write_lines(None)
        assert len((tmp_path / "state.jsonl").read_text().splitlines()) == 2
        assert [each.name for each in tmp_path.iterdir()] == ["state.jsonl"]

    def test_without_a_save_in_progress_nothing_is_written(self, tmp_path):
        StateWriter(tmp_path / "state.jsonl", 60.0, LOG).write_lines(None)
        assert list(tmp_path.iterdir()) == []

    def test_a_folder_that_is_writable_again_is_said(self, tmp_path, caplog):
        caplog.set_level("INFO")
        folder = tmp_path / "state"
        folder.write_text("a file")
        writer = StateWriter(folder / "state.jsonl", 60.0, LOG)
        for _ in range(2):
            writer.start(self.lines(1), 1.0)
            assert not writer.is_writing
        folder.unlink()
        writer.start(self.lines(1), 1.0)
        writer.write_lines(None)
        assert [record.message.partition("state.jsonl ")[2].partition(":")[0] for record in caplog.records] == [
            "cannot be written", "can be written again",
        ]  # fmt: skip

    def test_a_line_that_cannot_be_made_leaves_the_old_file(self, tmp_path, caplog):
        def lines():
            yield "first\n"
            raise ValueError("Out of range float values are not JSON compliant")

        file = tmp_path / "state.jsonl"
        file.write_text("old")
        writer = StateWriter(file, 60.0, LOG)
        writer.start(lines(), 1.0)
        writer.write_lines(None)
        assert file.read_text() == "old"
        assert "cannot be written" in caplog.text


class TestPreviousRelease:
    """A state that the release before this one has saved: three days of two series, and a load on the last one."""

    @pytest.fixture
    def restored(self, machine, file):
        saved = json.loads((PREVIOUS_RELEASE / "continued.json").read_text())
        file.parent.mkdir()
        shutil.copy(PREVIOUS_RELEASE / "state.jsonl", file)
        clock = FakeClock(*reversed(saved["at"]))
        return machine(clock=clock, series=[CPU, "system_load_average"], level=4.2, tolerance=0), saved

    def test_its_incidents_are_still_there(self, restored):
        found, _ = restored
        found.plugin.open()
        assert [(each.type, each.component, each.severity) for each in found.incidents()] == [
            ("level", "power", 5), ("level", "cpu", 5),
        ]  # fmt: skip
        assert found.incidents()[1].description.startswith("CPU use of this machine is 0.859, expected 0.0871 ± 0.0204")

    def test_it_goes_on_to_the_last_digit(self, restored):
        found, saved = restored
        found.anomaly.run()
        for (cpu, load), expected in zip(saved["fed"], saved["score_and_prediction"], strict=True):
            found.host.changes = {system.CPU_USAGE: cpu, system.LOAD_AVERAGE: load}
            found.rows(1)
            for series, (score, predicted) in expected.items():
                (key,) = (key for key in found.anomaly.series(metrics.SCORE) if key[0].startswith(series))
                assert found.anomaly.series(metrics.SCORE)[key] == pytest.approx(score, abs=1e-12)
                assert found.anomaly.series(metrics.PREDICTED)[key] == pytest.approx(predicted, rel=1e-12)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)
states = st.dictionaries(st.sampled_from(["first", "seen", "told", "time", "severity"]), json_values)


@given(
    st.text(max_size=60)
    | json_values.map(json.dumps)
    | st.tuples(st.sampled_from(["series", "group", "record"]), st.just("x"), states).map(json.dumps)
    | st.just('["series","x",{"seen":' + "9" * 400 + "}]")
)
def test_any_line_is_taken_or_counted_as_damaged(tmp_path_factory, line):
    file = tmp_path_factory.getbasetemp() / "any-line.jsonl"
    header = b'{"schema": 1, "row": 60, "at": 1}\n'
    file.write_bytes(header + line.replace("\n", " ").encode(errors="replace"))
    saved = SavedState(file, 60.0, LOG, FakeClock().time(), Calendar())
    saved.load()
    assert saved.incidents == []
    assert file.exists()


@given(
    st.dictionaries(
        st.sampled_from(["time", "type", "severity", "ended", "related", "series", "actions", "component", "score"]),
        json_values,
    )
)
def test_any_incident_is_restored_or_refused(state):
    whole = Incident(1.0, "level", 2, "cpu", "x", "words", 0.9).state() | state
    with contextlib.suppress(ValueError):
        restored = Incident.restore(whole)
        json.dumps(restored.to_json(), allow_nan=False)
        assert restored.severity in range(1, 6)


@pytest.mark.parametrize(
    "change",
    [{"severity": "high"}, {"severity": 6}, {"severity": 0}, {"time": "noon"}, {"time": 1e300}, {"score": float("inf")},
     {"related": None}, {"component": 5}],
)  # fmt: skip
def test_an_incident_that_would_break_the_api_is_refused(change):
    with pytest.raises(ValueError, match=".+"):
        Incident.restore(Incident(1.0, "level", 2, "cpu", "x", "words", 0.9).state() | change)
