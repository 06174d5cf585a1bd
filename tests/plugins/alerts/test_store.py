"""What is on disk: private, whole, and never the end of the program, whatever it says."""

import contextlib
import sqlite3
import stat

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector_core import NotAvailable
from collector_core.storage import StorageError, StorageReason
from collector_plugins.alerts.alert import Alert
from collector_plugins.alerts.grouping import AlertBatch
from collector_plugins.alerts.notification import build_notification
from collector_plugins.alerts.store import AlertsState, AlertStore
from tests.plugins.alerts.conftest import HOT, QUICK


def message(number):
    alert = Alert("1", {"alertname": "Hot"}, 1.0, "text")
    return build_notification("ops", AlertBatch({}, (alert,)), float(number))


def test_the_state_is_private(tmp_path):
    AlertStore(tmp_path / "sub/a.sqlite3").close()
    assert stat.S_IMODE((tmp_path / "sub/a.sqlite3").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "sub").stat().st_mode) == 0o700


def test_a_queue_keeps_its_order_and_a_message_is_in_it_once(tmp_path):
    store = AlertStore(tmp_path / "a.sqlite3")
    messages = [message(number) for number in range(5)]
    store.save(AlertsState(), messages, [])
    store.save(AlertsState(), messages[:1], [messages[2].id])
    store.close()
    again = AlertStore(tmp_path / "a.sqlite3")
    assert again.queued() == [messages[0], messages[1], messages[3], messages[4]]
    again.close()


def test_a_file_of_a_newer_version_is_left_alone(tmp_path):
    file = tmp_path / "a.sqlite3"
    with sqlite3.connect(file) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    before = file.read_bytes()
    with pytest.raises(NotAvailable, match="this energy-collector knows 1") as caught:
        AlertStore(file)
    assert "upgrade" in caught.value.fix
    assert file.read_bytes() == before


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(content=st.one_of(st.binary(max_size=200), st.just(b"SQLite format 3\0" + b"\0" * 200)))
def test_a_file_that_is_garbage_is_set_aside(tmp_path, content):
    file = tmp_path / "a.sqlite3"
    file.write_bytes(content)
    store = AlertStore(file)
    assert store.load() == AlertsState()
    store.save(AlertsState(), [message(1)], [])
    store.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(body=st.one_of(st.text(max_size=50), st.sampled_from(["{}", "[]", "null", '{"rules":{"entries":{"k":{}}}}'])))
def test_a_state_that_says_nothing_sensible_is_set_aside(tmp_path, body):
    file = tmp_path / "a.sqlite3"
    file.unlink(missing_ok=True)
    store = AlertStore(file)
    store._database.rows("INSERT INTO state VALUES ('all', ?)", (body.replace("\0", ""),))
    store.close()
    again = AlertStore(file)
    assert again.load() == AlertsState()
    again.close()


RELEASED = """
CREATE TABLE state (name TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE queue (seq INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, channel TEXT NOT NULL,
                                  body TEXT NOT NULL);
INSERT INTO state VALUES ('all', '{"rules":{"entries":{}},"channels":{"ops":{}},"synced":{}}');
"""


@pytest.mark.parametrize("version", [1, 0])
def test_a_file_of_the_previous_release_opens_unchanged(tmp_path, version):
    """Version 0 is what a process left that was killed while it made the file."""
    file = tmp_path / "a.sqlite3"
    with contextlib.closing(sqlite3.connect(file)) as db:
        db.executescript(f"{RELEASED} PRAGMA user_version = {version}")
    with contextlib.closing(AlertStore(file)) as store:
        assert store.set_aside is None
        assert list(store.load().channels) == ["ops"]
        store.save(store.load(), [message(1)], [])
    with contextlib.closing(sqlite3.connect(file)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert db.execute("SELECT channel FROM queue").fetchall() == [("ops",)]


def test_a_state_that_is_broken_does_not_cost_the_queue(tmp_path):
    file = tmp_path / "a.sqlite3"
    with contextlib.closing(AlertStore(file)) as store:
        store.save(AlertsState(), [message(1), message(2)], [])
        store._database.rows("UPDATE state SET body = 'broken'")
    with contextlib.closing(AlertStore(file)) as store:
        assert store.set_aside.exists()
        assert store.load() == AlertsState()
        assert store.queued() == [message(1), message(2)]


def test_a_broken_state_is_said(watch, tmp_path, caplog):
    (tmp_path / "state").mkdir()
    (tmp_path / "state/alerts.sqlite3").write_bytes(b"garbage" * 1000)
    watch(**QUICK, rules=[HOT]).run("heat 1\n")
    assert "it is kept as" in caplog.text
    assert "alerts.sqlite3.corrupt-" in caplog.text


def test_a_second_service_is_refused_and_a_command_reads_beside_the_first(tmp_path, monkeypatch):
    monkeypatch.setattr("collector_plugins.alerts.store.BUSY_SECONDS", 0.05)
    file = tmp_path / "a.sqlite3"
    with contextlib.closing(AlertStore(file)) as store:
        store.save(AlertsState(), [message(1)], [])
        with pytest.raises(StorageError) as caught:
            AlertStore(file)
        assert caught.value.storage_reason is StorageReason.LOCKED
        with contextlib.closing(AlertStore(file, read_only=True)) as reader:
            assert reader.load() == AlertsState()
            assert reader.queued() == [message(1)]
        store.remove(message(1).id)
    with contextlib.closing(AlertStore(file)) as store:
        assert store.queued() == []


def test_a_command_says_that_a_state_is_broken_and_leaves_it(tmp_path):
    file = tmp_path / "a.sqlite3"
    with contextlib.closing(AlertStore(file)) as store:
        store.save(AlertsState(), [], [])
        store._database.rows("UPDATE state SET body = 'broken'")
    before = file.read_bytes()
    with contextlib.closing(AlertStore(file, read_only=True)) as reader, pytest.raises(StorageError) as caught:
        reader.load()
    assert caught.value.storage_reason is StorageReason.CORRUPT
    assert file.read_bytes() == before


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
