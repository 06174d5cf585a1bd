"""Measurements that are kept: what is written stays written, and what cannot be used is said."""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from collector_core.measure.store import SCHEMA, MeasurementStore, NotAStoreError, StoreError, default_path
from collector_core.storage import Schema


@pytest.fixture
def file(tmp_path):
    return tmp_path / "data/measurements.db"


@pytest.fixture
def measurement(server):
    def make(label="work", seconds=1.0):
        with server.monitor().measure(label) as m:
            server.advance(seconds)
        return m

    return make


def test_what_was_kept_is_what_was_measured(file, measurement):
    m = measurement("work", 2.0)
    with MeasurementStore(file) as store:
        store.add(m, command="sleep 2", exit_code=3)
        store.add(measurement("other"))
    with closing(MeasurementStore(str(file))) as store:
        first, second = store.measurements()
        assert [each.label for each in store.measurements(label="other")] == ["other"]
        assert [each.label for each in store.measurements(last=1)] == ["other"]
    assert (first.label, first.command, first.exit_code) == ("work", "sleep 2", 3)
    assert first.figure("energy_joules") == pytest.approx(440.0)
    assert first.result == m.to_dict()
    assert first.to_dict()["energy_joules"] == first.result["energy_joules"]
    assert second.command is None
    assert second.figure("no_such_figure") is None
    assert first.started_at == m.started_at
    assert file.stat().st_mode & 0o077 == 0, "command lines are nobody else's business"


def test_another_stores_measurements_are_added_once(file, measurement, tmp_path):
    with closing(MeasurementStore(tmp_path / "laptop.db")) as laptop, closing(MeasurementStore(file)) as store:
        store.add(measurement("here"))
        laptop.add(measurement("there", 2.0), command="make", exit_code=2)
        laptop.add(measurement("there", 3.0))
        store.add(measurement("here"))
        assert [store.merge(laptop.path), store.merge(laptop.path), store.merge(file)] == [2, 0, 0]
        assert [each.label for each in store.measurements()] == ["here", "there", "there", "here"], "by time"
        assert store.measurements("there")[0].to_dict() == {**laptop.measurements()[0].to_dict(), "id": 3}
        assert laptop.merge(file) == 2, "and the other way round"
        statistics = store.statistics("there")
        assert [(each["label"], each["host"], each["count"]) for each in statistics] == [
            ("there", os.uname().nodename, 2)
        ]
        assert statistics[0]["metrics"]["duration_seconds"]["mean"] == pytest.approx(2.5, rel=0.01)
        assert [each["quoted"] for each in store.report()["operations"]] == [True, True]


@pytest.mark.parametrize("content", [b"", b"no database", "other", None])
def test_a_file_that_is_no_store_is_refused_and_left_alone(file, tmp_path, content):
    other = tmp_path / "other.db"
    if content == "other":
        with closing(sqlite3.connect(other)) as connection:
            connection.execute("CREATE TABLE measurements (id INTEGER)")
    elif content is not None:
        other.write_bytes(content)
    before = other.read_bytes() if other.exists() else None
    with closing(MeasurementStore(file)) as store, pytest.raises(NotAStoreError, match=r"other\.db"):
        store.merge(other)
    assert (other.read_bytes() if other.exists() else None) == before
    assert [each.name for each in tmp_path.iterdir() if each.name != "data"] == ([] if before is None else ["other.db"])


def test_the_file_lies_in_xdgs_data_home(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_path() == tmp_path / "energy-collector/measurements.db"
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_path() == tmp_path / ".local/share/energy-collector/measurements.db"


WRITER = """
import sys
from pathlib import Path
from collector_core.measure.measurement import Measurement
from collector_core.measure.result import Setup, Seen, conclude
from collector_core.measure.store import MeasurementStore

store, label, number = MeasurementStore(Path(sys.argv[1])), sys.argv[2], 0
while True:
    m = Measurement(label, "auto", float(number))
    for name in Measurement.__slots__:
        if name not in ("label", "level", "started_at"):
            empty = name in ("disagreements", "others", "problems")
            setattr(m, name, () if empty else "rapl" if name == "method" else 1.0)
    store.add(m)
    number += 1
    print(number, flush=True)
"""


def test_being_killed_while_writing_loses_nothing_that_was_finished(file):
    finished = 0
    for round_ in range(5):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, file, f"round {round_}"], stdout=subprocess.PIPE, text=True
        ) as writer:
            lines = [writer.stdout.readline() for _ in range(20 + 7 * round_)]
            os.kill(writer.pid, signal.SIGKILL)
            lines += writer.stdout.readlines()
        written = [int(line) for line in lines if line.endswith("\n")]
        with closing(MeasurementStore(file)) as store:
            kept = store.measurements(label=f"round {round_}")
            assert store.set_aside is None
        assert len(kept) in (written[-1], written[-1] + 1), "the last may have been finished, and not yet told"
        assert [each.started_at for each in kept] == list(range(len(kept)))
        finished += len(kept)
    with closing(MeasurementStore(file)) as store:
        assert len(store.measurements()) == finished


def test_two_processes_write_at_once(file):
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, file, name], stdout=subprocess.PIPE, text=True) for name in "ab"
    ]
    for writer in writers:
        for _ in range(10):
            writer.stdout.readline()
    for writer in writers:
        writer.kill()
        writer.stdout.close()
        writer.wait()
    with closing(MeasurementStore(file)) as store:
        assert min(len(store.measurements(label=name)) for name in "ab") >= 10


@pytest.mark.parametrize("damage", ["text", "page"])
def test_a_broken_file_is_set_aside_and_a_new_one_begun(file, measurement, damage, monkeypatch):
    monkeypatch.setattr("collector_core.measure.store.default_path", lambda: file)
    with closing(MeasurementStore(file)) as store:
        for _ in range(50):
            store.add(measurement("old", 1.0)) if damage == "text" else store.add(measurement("o" * 5000))
            if damage == "text":
                break
    content = bytearray(file.read_bytes())
    if damage == "text":
        content[:] = b"this is no database " * 400
    else:
        content[3 * 4096 : 9 * 4096] = os.urandom(6 * 4096)
    file.write_bytes(content)
    with closing(MeasurementStore(file)) as store:
        assert store.set_aside is not None
        assert store.set_aside.read_bytes() == bytes(content)
        assert store.set_aside.name.startswith("measurements.db.corrupt-")
        store.add(measurement("new"))
        labels = [each.label for each in store.measurements()]
        assert labels == ["new"] if damage == "text" else labels == ["o" * 5000] * (len(labels) - 1) + ["new"]
        assert len(labels) > 30 or damage == "text", "what can be read is taken over"
    file.write_bytes(b"broken again " * 400)
    with closing(MeasurementStore(file)) as store:
        assert store.set_aside.exists()
    assert len([each for each in file.parent.iterdir() if ".corrupt-" in each.name]) == 2


@pytest.fixture
def schema(monkeypatch):
    """Lets the next version of the schema come, made by these statements."""
    return lambda *statements: monkeypatch.setattr(
        "collector_core.measure.store.SCHEMA", Schema([*SCHEMA.migrations, statements])
    )


def test_an_older_schema_is_brought_up_to_date_at_once_or_not_at_all(file, measurement, schema):
    with closing(MeasurementStore(file)) as store:
        store.add(measurement())
    schema("ALTER TABLE measurements ADD COLUMN host TEXT", "CREATE TABLE measurements (x)")
    with pytest.raises(StoreError, match="already exists"):
        MeasurementStore(file)
    with closing(sqlite3.connect(file)) as connection:
        columns = connection.execute("SELECT name FROM pragma_table_info('measurements')").fetchall()
    assert ("host",) not in columns
    schema("ALTER TABLE measurements ADD COLUMN host TEXT")
    with closing(MeasurementStore(file)) as store:
        assert [each.label for each in store.measurements()] == ["work"]


def test_a_newer_schema_is_refused_and_left_alone(file, measurement, schema, monkeypatch):
    kept = measurement()
    schema("ALTER TABLE measurements ADD COLUMN host TEXT")
    with closing(MeasurementStore(file)) as store:
        store.add(kept)
    monkeypatch.undo()
    with pytest.raises(StoreError, match=r"has schema 2, this energy-collector supports 1; fix: .*upgrade"):
        MeasurementStore(file)
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT count(host), count(*) FROM measurements").fetchone() == (0, 1)


def test_a_file_that_cannot_be_used_is_named_and_not_set_aside(tmp_path, file):
    (tmp_path / "folder.db").mkdir()
    for path in (tmp_path / "folder.db", Path("/proc/no-such-folder/x.db")):
        with pytest.raises(StoreError, match=f"measurements cannot be kept: .*{path.name}: .*--db"):
            MeasurementStore(path)
    assert [each.name for each in tmp_path.iterdir()] == ["folder.db"]


@pytest.mark.parametrize("kind", ["text", "database", "versioned database"])
def test_a_file_of_something_else_is_left_as_it_is(tmp_path, kind):
    file = tmp_path / "theirs"
    if kind == "text":
        file.write_text("root:x:0:0:root:/root:/bin/bash\n")
    else:
        with closing(sqlite3.connect(file)) as theirs:
            theirs.execute("CREATE TABLE bookmarks (url TEXT)")
            theirs.execute(f"PRAGMA user_version = {int(kind != 'database')}")
    file.chmod(0o644)
    content = file.read_bytes()
    with pytest.raises(StoreError, match="theirs is no database of measurements, and is left as it is"):
        MeasurementStore(file)
    assert [each.name for each in tmp_path.iterdir()] == ["theirs"]
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (content, 0o644)


@pytest.mark.parametrize("size", [0, 4096])
def test_a_file_that_a_power_failure_has_emptied_is_begun_anew(tmp_path, measurement, size):
    file = tmp_path / "measurements.db"
    file.write_bytes(bytes(size))
    with closing(MeasurementStore(file)) as store:
        store.add(measurement())
        assert len(store.measurements()) == 1


def test_a_measurement_that_cannot_be_written_is_an_error_and_leaves_nothing(file, measurement):
    with closing(MeasurementStore(file)) as store:
        store.add(measurement("first"))
        store._database.rows("PRAGMA max_page_count = 1")
        with pytest.raises(StoreError, match="full.*free up space"):
            for _ in range(100):
                store.add(measurement("x" * 10_000))
    with closing(MeasurementStore(file)) as store:
        assert all(each.result["label"] == each.label for each in store.measurements())


def test_a_measurement_that_the_disk_has_changed_costs_no_other(file, measurement, caplog):
    with closing(MeasurementStore(file)) as store:
        for label in "abc":
            store.add(measurement(label))
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE measurements SET result = substr(result, 5) WHERE id = 2")
        connection.commit()
    with closing(MeasurementStore(file)) as store:
        assert [each.label for each in store.measurements()] == ["a", "c"]
    assert "measurement 2 cannot be read" in caplog.text


RELEASED = """
PRAGMA journal_mode = WAL;
CREATE TABLE measurements (
    id INTEGER PRIMARY KEY, started_at REAL NOT NULL, label TEXT NOT NULL, command TEXT, exit_code INTEGER,
    method TEXT NOT NULL, energy_joules REAL, duration_seconds REAL NOT NULL, result TEXT NOT NULL
) STRICT;
CREATE INDEX measurements_by_label ON measurements (label, started_at);
INSERT INTO measurements VALUES (7, 1.5, 'old', 'sleep 1', 0, 'rapl', 2.0, 1.0, '{"label": "old"}');
PRAGMA user_version = 1;
"""


def test_a_file_of_the_previous_release_opens_unchanged_also_through_a_link(file, measurement, tmp_path):
    file.parent.mkdir()
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(RELEASED)
    (tmp_path / "link.db").symlink_to(file)
    for path in (file, tmp_path / "link.db"):
        with closing(MeasurementStore(path)) as store:
            assert store.set_aside is None
            assert store.measurements()[0].to_dict() == {"id": 7, "command": "sleep 1", "exit_code": 0, "label": "old"}
            store.add(measurement("new"))
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        assert connection.execute("SELECT id, label FROM measurements ORDER BY id").fetchall() == [
            (7, "old"),
            (8, "new"),
            (9, "new"),
        ]
