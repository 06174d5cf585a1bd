"""What is on disk: private, whole, and never the end of the program, whatever it says."""

import sqlite3
import stat

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector_core import NotAvailable
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
    with pytest.raises(NotAvailable, match="newer energy-collector") as caught:
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
    store._db.execute("INSERT INTO state VALUES ('all', ?)", (body.replace("\0", ""),))
    store._db.commit()
    store.close()
    again = AlertStore(file)
    assert again.load() == AlertsState()
    again.close()


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
