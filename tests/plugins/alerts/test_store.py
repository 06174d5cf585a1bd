"""What is on disk: private, whole, still there after every step, and never the end of alerting, whatever it says."""

import contextlib
import json
import sqlite3
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core import NotAvailable, Reason
from collector_core.storage import Database, StorageError, StorageReason
from collector_plugins.alerts import store
from collector_plugins.alerts.alert_state import AlertStates, TrackedAlert
from collector_plugins.alerts.grouping import NotificationLog, NotifiedAlert
from collector_plugins.alerts.store import SCHEMA, AlertStore, SavedState, state_file
from tests.plugins.alerts.conftest import HOT, QUICK, hot, message

VERSION_1 = Path(__file__).parent / "state-version-1.sql"
FULL = SavedState(
    AlertStates(
        {
            "Hot\nheat": TrackedAlert("Hot", hot(1, flapping=True), 5.0, firing=True),
            "Hot\na": TrackedAlert("Hot", hot(2), 0.0),
        },
        {"Hot\nheat": [1.0, 2.5]},
    ),
    {
        "ops": NotificationLog({"1": NotifiedAlert(hot(1), 3.0)}, {"Hot": 4.0, "": 5.0}),
        "night-shift": NotificationLog({"2": NotifiedAlert(hot(2), 6.0)}),
    },
    {"central": {"1": hot(1), "3": hot(3, ends_at=1.7e9)}},
)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "folder" / "alerts.sqlite3"


@pytest.fixture
def opened(file):
    """Opens the store; an earlier one is closed, as its process has ended."""
    stores = []

    def open_store(path=file, **options):
        for each in stores:
            each.close()
        stores.append(AlertStore(path, **options))
        return stores[-1]

    yield open_store
    for each in stores:
        each.close()


def change(file, *statements):
    """What somebody else, or a failing disk, does to the file."""
    with sqlite3.connect(file) as connection:
        for statement, *parameters in statements:
            connection.execute(statement, parameters)
    connection.close()


def make_version_1(file):
    """A file as the release before left it."""
    file.parent.mkdir(parents=True)
    connection = sqlite3.connect(file)
    connection.executescript(VERSION_1.read_text(encoding="utf-8"))
    connection.close()


def store_mode(file):
    with contextlib.closing(sqlite3.connect(file)) as connection:
        return connection.execute("PRAGMA journal_mode").fetchone()[0]


# ------------------------------------------------------------------ what is saved is there


def test_the_state_is_private(opened, file):
    opened().save(SavedState(), [], [])
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_new_file_holds_nothing(opened):
    subject = opened()
    assert (subject.load_state(), subject.load_queues(), subject.damaged, subject.set_aside) == (
        SavedState(),
        {},
        0,
        None,
    )


def test_everything_that_was_saved_is_there_after_a_restart_in_its_order(opened):
    opened().save(FULL, [], [])
    after = opened().load_state()
    assert after == FULL
    assert list(after.alerts.tracked) == list(FULL.alerts.tracked)


def test_what_is_no_longer_in_the_state_is_gone(opened):
    opened().save(FULL, [], [])
    less = replace(FULL, logs={"ops": NotificationLog({}, {"Hot": 4.0})}, known={})
    opened().save(less, [], [])
    assert opened().load_state() == less


def test_a_queue_keeps_its_order_and_a_message_is_in_it_once(opened):
    messages = [message(number) for number in range(5)]
    other = replace(message(9), channel="night", id="9")
    opened().save(SavedState(), [*messages, other], [])
    opened().save(SavedState(), messages[:1], [messages[2].id])
    opened().remove_message(messages[3].id)
    assert opened().load_queues() == {"ops": [messages[0], messages[1], messages[4]], "night": [other]}


def test_a_message_that_is_new_and_done_at_once_is_not_kept(opened):
    opened().save(SavedState(), [message(1)], [message(1).id])
    assert opened().load_queues() == {}


def test_what_did_not_change_is_not_written(opened):
    subject = opened()
    subject.save(FULL, [], [])
    changes = subject._database._connection.total_changes
    subject.save(FULL, [], [])
    assert subject._database._connection.total_changes == changes
    subject.save(replace(FULL, known={}), [], [])
    assert subject._database._connection.total_changes > changes


def test_a_save_is_whole_or_not_at_all_and_the_next_one_makes_up_for_it(opened):
    subject = opened()
    subject.save(FULL, [message(1)], [])
    subject._database._connection.execute("PRAGMA query_only = 1")
    with pytest.raises(StorageError):
        subject.save(SavedState(), [message(2)], [message(1).id])
    subject.save(FULL, [message(2)], [])
    subject = opened()
    assert (subject.load_state(), subject.load_queues()) == (FULL, {"ops": [message(1), message(2)]})


def test_in_memory_nothing_is_kept(opened, tmp_path):
    subject = opened(Database.IN_MEMORY)
    subject.save(FULL, [message(1)], [])
    assert subject.load_state() == FULL
    assert opened(Database.IN_MEMORY).load_state() == SavedState()
    assert list(tmp_path.iterdir()) == []


def test_each_collector_has_a_file_of_its_own():
    assert state_file(Path("/state"), "second") == Path("/state/second.sqlite3")


# ------------------------------------------------------------------ other processes


def test_a_second_process_may_look_but_not_write(opened, file, monkeypatch):
    opened().save(FULL, [message(1)], [])
    second = AlertStore(file, read_only=True)
    assert second.load_state() == FULL
    assert second.load_queues() == {"ops": [message(1)]}
    with pytest.raises(StorageError):
        second.remove_message(message(1).id)
    second.close()
    monkeypatch.setattr(store, "BUSY_SECONDS", 0.05)
    with pytest.raises(StorageError, match="another process has it open") as caught:
        AlertStore(file).load_state()
    assert caught.value.storage_reason is StorageReason.LOCKED


# ------------------------------------------------------------------ files of other versions


def test_a_file_of_the_version_before_is_taken_over(opened, file):
    make_version_1(file)
    subject = opened()
    state, queues = subject.load_state(), subject.load_queues()
    assert subject.damaged == 0
    assert list(state.alerts.tracked) == ['Hot\nheat{room="hall"}', "Damp\ndamp"]
    tracked = state.alerts.tracked['Hot\nheat{room="hall"}']
    assert (tracked.firing, tracked.holds, tracked.steady, tracked.alert.value) == (True, True, 10.0, 61.5)
    assert state.alerts.recent_starts == {'Hot\nheat{room="hall"}': [1700000005.0], "Loud\nnoise": [1700000005.0]}
    assert set(state.logs) == {"ops", "old-one", "log_file"}
    for log in state.logs.values():
        assert log.last_sent["Hot"] == 1700000010.0
        assert log.notified["4cbb8bcbae562a3a"].at == 1700000010.0
    assert {key: each.is_resolved for key, each in state.known["central"].items()} == {
        "4cbb8bcbae562a3a": False,
        "3268152c8ca40e80": True,
    }
    assert {name: len(queue) for name, queue in queues.items()} == {"ops": 2, "old-one": 2}
    assert queues["ops"][0].firing[0].summary == "hall is at 60"


def test_it_is_the_same_after_it_was_saved_in_the_present_version(opened, file):
    make_version_1(file)
    before = opened().load_state()
    opened().save(before, [], [])
    assert opened().load_state() == before


def test_a_file_whose_making_was_cut_short_by_a_kill_is_finished(opened, file):
    make_version_1(file)
    change(file, ("PRAGMA user_version = 0",))
    assert opened().load_queues().keys() == {"ops", "old-one"}
    assert store_mode(file) == "delete", "a file with a write-ahead log does not open on a full disk"


def test_a_state_of_the_version_before_that_cannot_be_read_costs_no_queue(opened, file):
    make_version_1(file)
    change(file, ("UPDATE state SET body = 'nonsense'",))
    subject = opened()
    assert subject.load_state() == SavedState()
    assert {name: len(queue) for name, queue in subject.load_queues().items()} == {"ops": 2, "old-one": 2}


def test_in_a_state_of_the_version_before_what_can_be_read_is_taken_over(opened, file):
    make_version_1(file)
    connection = sqlite3.connect(file)
    state = json.loads(connection.execute("SELECT body FROM state").fetchone()[0])
    connection.close()
    state["rules"]["entries"]["Damp\ndamp"]["alert"] = 7
    state["channels"]["ops"]["groups"] = [1, 2]
    state["channels"]["old-one"] = None
    change(file, ("UPDATE state SET body = ?", json.dumps(state)))
    subject = opened()
    loaded = subject.load_state()
    assert list(loaded.alerts.tracked) == ['Hot\nheat{room="hall"}']
    assert set(loaded.logs["ops"].notified) == {"4cbb8bcbae562a3a", "3268152c8ca40e80"}
    assert subject.damaged == 1


def test_a_file_of_a_newer_version_is_left_alone(opened, file):
    file.parent.mkdir()
    change(file, ("CREATE TABLE x (y)",), (f"PRAGMA user_version = {SCHEMA.version + 1}",))
    before = file.read_bytes()
    with pytest.raises(NotAvailable, match="schema 3, this energy-collector supports 2") as caught:
        opened().load_state()
    assert (caught.value.reason, "upgrade" in caught.value.fix) == (Reason.NOT_SUPPORTED, True)
    assert file.read_bytes() == before


# ------------------------------------------------------------------ damage


@pytest.mark.parametrize(
    "damage",
    [
        ("UPDATE records SET body = 'nonsense' WHERE key = ?", "Hot\na"),
        ("UPDATE records SET body = '{}' WHERE key = ?", "Hot\na"),
        ("UPDATE records SET kind = 'novel' WHERE key = ?", "Hot\na"),
        ("UPDATE records SET body = x'ff00' WHERE key = ?", "Hot\na"),
    ],
    ids=lambda damage: damage[0],
)
def test_a_damaged_alert_costs_no_other(opened, file, damage):
    opened().save(FULL, [], [])
    opened().close()
    change(file, damage)
    subject = opened()
    state = subject.load_state()
    assert list(state.alerts.tracked) == ["Hot\nheat"]
    assert (state.logs, state.known, subject.damaged) == (FULL.logs, FULL.known, 1)
    subject.save(state, [], [])
    subject = opened()
    assert (subject.load_state(), subject.damaged) == (state, 0), "it is gone with the next save"


def test_a_damaged_message_costs_no_other_and_is_gone_with_the_next_save(opened, file):
    opened().save(FULL, [message(1), message(2)], [])
    opened().close()
    change(file, ("UPDATE queue SET body = 'nonsense' WHERE id = ?", message(1).id))
    subject = opened()
    assert (subject.load_queues(), subject.damaged) == ({"ops": [message(2)]}, 1)
    state = subject.load_state()
    subject.save(state, [], [])
    subject = opened()
    assert (subject.load_queues(), subject.damaged) == ({"ops": [message(2)]}, 0)


@pytest.mark.parametrize("content", [b"garbage", b"SQLite format 3\0" + b"\0" * 200, b"\xff" * 5000], ids=len)
def test_a_file_that_is_no_database_is_set_aside(opened, file, content):
    file.parent.mkdir()
    file.write_bytes(content)
    subject = opened()
    assert subject.load_state() == SavedState()
    assert subject.set_aside.read_bytes() == content
    subject.save(FULL, [message(1)], [])
    assert opened().load_state() == FULL


def test_of_a_file_that_breaks_off_what_can_be_read_goes_on(opened, file):
    alerts = {f"Hot\n{number}": TrackedAlert("Hot", hot(number), 0.0, firing=True) for number in range(200)}
    opened().save(SavedState(AlertStates(alerts)), [message(number) for number in range(200)], [])
    opened().close()
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 4])
    subject = opened()
    kept = subject.load_state().alerts.tracked
    assert 0 < len(kept) < 200
    assert all(alerts[key] == tracked for key, tracked in kept.items())
    assert subject.set_aside


def test_a_folder_that_cannot_be_written_is_said_so(opened, tmp_path):
    (tmp_path / "folder").write_text("a file")
    subject = opened()
    assert subject.load_state() == SavedState(), "there is none"
    with pytest.raises(StorageError) as caught:
        subject.save(FULL, [], [])
    assert caught.value.storage_reason is StorageReason.READ_ONLY


anything = st.none() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text() | st.binary()
bodies = anything | st.sampled_from(["{}", "[]", "null", "[[]]", '{"at":1}', '{"rule":"x"}', "1e999", "NaN"])
kinds = st.sampled_from(["alert", "starts", "notified", "group", "known"]) | st.text(max_size=5)


@given(st.lists(st.tuples(kinds, st.text(max_size=5), st.text(max_size=5), bodies), max_size=10))
def test_whatever_stands_in_a_row_the_others_are_read(rows):
    subject = AlertStore(Database.IN_MEMORY)
    subject.save(FULL, [], [])
    inserted = 0
    with subject._database.transaction() as connection:
        for row in rows:
            values = [value.encode("utf-8", "replace").decode() if isinstance(value, str) else value for value in row]
            cursor = connection.execute("INSERT OR IGNORE INTO records VALUES (?, ?, ?, ?)", values)
            inserted += cursor.rowcount
    state = subject.load_state()
    assert FULL.alerts.tracked.items() <= state.alerts.tracked.items()
    assert subject.damaged <= inserted
    subject.save(state, [], [])
    subject.close()


def test_no_secret_is_in_the_state(watch, webhook, tmp_path):
    canary = "c4n4ry-t0ken-0123456789"
    server = webhook(status=500)
    channel = {"type": "webhook", "url": f"{server.url}?t={canary}", "secret": canary, "bearer_token": canary}
    subject = watch(**QUICK, rules=[HOT], channels={"ops": channel})
    subject.run("heat 60\n").run("heat 60\n")
    assert server.deliveries
    kept = b"".join(file.read_bytes() for file in (tmp_path / "state").rglob("*") if file.is_file())
    assert b"Hot" in kept
    assert canary.encode() not in kept
    assert canary not in subject.harness.exposition()
