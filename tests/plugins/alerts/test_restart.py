"""Restarts, kills and reloads at any moment: nothing is lost, nothing is told twice, time goes on where it was."""

import itertools
import shutil
import sqlite3
import subprocess
from contextlib import closing, suppress

import pytest

from collector_core import NotAvailable, Reason
from collector_core.testing import FakeClock
from collector_plugins.alerts import metrics
from collector_plugins.alerts.store import AlertStore, SavedState, state_file
from tests.core.storage.conftest import mounted
from tests.plugins.alerts.conftest import HOT, QUICK, Watched, hooked, message

STORY = ("heat 1\n", "heat 60\n", "heat 60\n", "heat 61\n", "heat 1\n", "heat 1\n", "heat 1\n")


def distinct_statuses(server):
    """What a receiver makes of its deliveries, that knows a repeated one by its id: the status of each."""
    return list({each.headers["webhook-id"]: each.json["status"] for each in server.deliveries}.values())


def end_within_the_story(watch, server, step, killed):
    """Play the story, with a new process from `step` on; returns it."""
    options = {**QUICK, "startup_grace": "60s", "rules": [HOT], **hooked(server)}
    subject = watch(**options)
    for text in STORY[:step]:
        subject.run(text)
    subject = watch(subject, killed=killed, **options)
    for text in (*STORY[step - 1 :], "heat 1\n", "heat 1\n"):
        subject.run(text)
    return subject


at_every_step = pytest.mark.parametrize(
    ("step", "killed"), list(itertools.product(range(1, len(STORY)), (False, True))), ids=str
)


@at_every_step
def test_at_whatever_step_it_ends_an_alert_is_told_once_and_its_end_once(watch, webhook, step, killed):
    server = webhook()
    end_within_the_story(watch, server, step, killed)
    assert server.statuses("Hot") == ["firing", "resolved"]


@at_every_step
def test_at_whatever_step_it_ends_while_the_channel_is_away_it_hears_of_all_of_it_later(watch, webhook, step, killed):
    server = webhook(status=503)
    subject = end_within_the_story(watch, server, step, killed)
    server.status = 200
    subject.run("heat 1\n", advance=3600).run("heat 1\n")
    assert distinct_statuses(server) == ["firing", "resolved"]
    assert subject.harness.value(metrics.QUEUE_LENGTH, channel="ops") == 0


def test_a_message_that_was_under_way_at_a_kill_comes_again_under_its_id(watch, webhook, monkeypatch):
    monkeypatch.setattr("collector_plugins.alerts.DELIVERY_SHARE", 0)
    hanging, server = webhook(hangs=True), webhook()
    options = {**QUICK, "rules": [HOT]}
    subject = watch(**options, **hooked(hanging)).run("heat 60\n").run("heat 60\n")
    subject = watch(subject, killed=True, **options, **hooked(server))
    subject.run("heat 60\n").settle("ops")
    hanging.release()
    assert server.statuses("Hot") == ["firing"]
    ids = {each.headers["webhook-id"] for each in (*hanging.deliveries, *server.deliveries)}
    assert len(ids) == 1


def test_what_waits_for_a_channel_that_is_gone_is_forgotten(watch, webhook):
    options = {**QUICK, "rules": [HOT]}
    subject = watch(**options, **hooked(webhook(status=503))).run("heat 60\n").run("heat 60\n")
    server = webhook()
    channels = {"other": {"type": "webhook", "url": server.url}}
    subject = watch(subject, **options, channels=channels).run("heat 60\n").run("heat 60\n")
    assert server.statuses("Hot") == ["firing"], "the other channel has not been told yet"
    assert set(subject.collector._dispatcher._store.load_queues()) == set()


def test_a_dropped_message_does_not_come_back(watch, webhook):
    options = {"rules": [HOT, {"alert": "Damp", "series": "damp", "above": 1}], "queue_limit": 1, **QUICK}
    subject = watch(**options, **hooked(webhook(status=503))).run("heat 60\ndamp 2\n").run("heat 60\ndamp 2\n")
    server = webhook()
    watch(subject, killed=True, **options, **hooked(server)).run("heat 60\ndamp 2\n")
    assert (server.statuses("Hot"), server.statuses("Damp")) == ([], ["firing"])


# ------------------------------------------------------------------ what a start must not conclude


def test_a_series_that_is_not_there_yet_resolves_nothing_until_the_grace_is_over(watch, webhook):
    server = webhook()
    options = {**QUICK, "startup_grace": "60s", "rules": [HOT], **hooked(server)}
    subject = watch(**options).run("heat 60\n").run("heat 60\n")
    subject = watch(subject, **options)
    for _ in range(11):
        subject.run("")
    assert server.statuses("Hot") == ["firing"]
    subject.run("").run("").run("")
    assert server.statuses("Hot") == ["firing", "resolved"]


def test_an_alert_about_an_absent_series_goes_on_over_a_restart_until_it_is_known_better(watch, webhook):
    server = webhook()
    rule = {"alert": "NoGpu", "series": "gpu_power", "absent": True}
    options = {**QUICK, "startup_grace": "60s", "rules": [rule], **hooked(server)}
    subject = watch(**options)
    for _ in range(14):
        subject.run("")
    assert server.statuses("NoGpu") == ["firing"]
    subject = watch(subject, **options)
    for _ in range(14):
        subject.run("")
    assert server.statuses("NoGpu") == ["firing"], "neither over nor told again"
    subject = watch(subject, **options)
    for _ in range(3):
        subject.run("gpu_power 1\n")
    assert server.statuses("NoGpu") == ["firing", "resolved"]


def test_a_selector_that_begins_to_match_nothing_resolves_its_alerts(watch, webhook):
    server = webhook()
    subject = watch(**QUICK, rules=[HOT | {"series": 'heat{room=~"a|b"}'}], **hooked(server))
    both = 'heat{room="a"} 60\nheat{room="b"} 60\n'
    subject.run(both).run(both)
    subject.run('heat{room="c"} 60\n').run('heat{room="c"} 60\n').run('heat{room="c"} 60\n')
    assert server.statuses("Hot") == ["firing", "firing", "resolved", "resolved"]


# ------------------------------------------------------------------ reloads


def test_a_rule_that_a_reload_takes_away_ends_its_alerts(watch, webhook):
    server = webhook()
    options = {**QUICK, **hooked(server)}
    subject = watch(**options, rules=[HOT]).run("heat 60\n").run("heat 60\n")
    watch(subject, **options, rules=[]).run("heat 60\n").run("heat 60\n").run("heat 60\n")
    assert server.statuses("Hot") == ["firing", "resolved"]


def test_a_threshold_that_a_reload_raises_resolves_the_alert(watch, webhook):
    server = webhook()
    options = {**QUICK, **hooked(server)}
    subject = watch(**options, rules=[HOT]).run("heat 60\n").run("heat 60\n")
    watch(subject, **options, rules=[HOT | {"above": 70}]).run("heat 60\n").run("heat 60\n").run("heat 60\n")
    assert server.statuses("Hot") == ["firing", "resolved"]


def test_a_hold_that_a_reload_makes_shorter_counts_what_was_seen_before(watch):
    subject = watch(**QUICK, rules=[HOT | {"for": "1h"}])
    for _ in range(5):
        subject.run("heat 60\n")
    subject = watch(subject, **QUICK, rules=[HOT | {"for": "20s"}]).run("heat 60\n")
    assert subject.harness.value(metrics.ACTIVE, alert="Hot", severity="warning") == 1


def test_a_severity_that_a_reload_changes_is_another_alert(watch, webhook):
    server = webhook()
    options = {**QUICK, **hooked(server)}
    subject = watch(**options, rules=[HOT]).run("heat 60\n").run("heat 60\n")
    watch(subject, **options, rules=[HOT | {"severity": "critical"}]).run("heat 60\n").run("heat 60\n").run("heat 60\n")
    told = [(each["labels"]["severity"], each["status"]) for got in server.deliveries for each in got.json["alerts"]]
    assert told == [("warning", "firing"), ("critical", "firing"), ("warning", "resolved")]


# ------------------------------------------------------------------ clocks


@pytest.mark.parametrize("wall_time", [1_600_000_000.0, 1_800_000_000.0], ids=["back", "forth"])
def test_a_clock_that_jumps_over_a_restart_repeats_nothing_and_the_end_is_told(watch, webhook, wall_time):
    server = webhook()
    options = {**QUICK, "repeat_interval": "24h", "rules": [HOT], **hooked(server)}
    subject = watch(**options).run("heat 60\n").run("heat 60\n")
    subject = watch(subject, **options | {"clock": FakeClock(0.0, wall_time)})
    told = ["firing"] if wall_time < 1.7e9 else ["firing", "firing"]  # years later it is time to repeat it
    subject.run("heat 60\n").run("heat 60\n")
    assert server.statuses("Hot") == told
    subject.run("heat 1\n").run("heat 1\n").run("heat 1\n")
    assert server.statuses("Hot") == [*told, "resolved"]


# ------------------------------------------------------------------ a state that cannot be kept


def test_an_alertmanager_hears_of_what_ended_while_the_program_was_away(watch, webhook):
    server = webhook()
    channels = {"central": {"type": "alertmanager", "urls": server.url.removesuffix("/hook")}}
    options = {**QUICK, "rules": [HOT], "channels": channels}
    subject = watch(**options).run("heat 60\n")
    started = server.deliveries[0].json[0]
    watch(subject, **options).run("heat 1\n")
    ended = server.deliveries[-1].json[0]
    assert (ended["labels"], ended["startsAt"]) == (started["labels"], started["startsAt"])
    assert ended["endsAt"] < started["endsAt"]


def test_a_state_that_cannot_be_kept_is_said_so_and_alerts_go_on(watch, webhook, tmp_path):
    server = webhook()
    subject = watch(**QUICK, rules=[HOT], **hooked(server)).run("heat 1\n")
    shutil.move(subject.folder, tmp_path / "away")
    subject.folder.write_text("no folder any more")
    subject.run("heat 60\n").run("heat 60\n")
    (failure,) = subject.harness.part_failures
    assert (failure.name, failure.error.reason) == ("state=alerts", Reason.PERMISSION)
    assert "alerts would not survive a restart" in failure.error.detail
    assert server.statuses("Hot") == ["firing"]
    subject.folder.unlink()
    shutil.move(tmp_path / "away", subject.folder)
    subject.run("heat 60\n")
    assert subject.harness.part_failures == []
    assert subject.collector._dispatcher._store.load_queues() == {}, "what was sent meanwhile is not sent again"
    subject = watch(subject, **QUICK, rules=[HOT], **hooked(server)).run("heat 60\n")
    assert server.statuses("Hot") == ["firing"]


def test_while_nothing_can_be_written_no_more_is_remembered_than_the_queue_holds(watch, webhook, tmp_path):
    options = {"queue_limit": 2, "flap_starts": 100, "notifications_per_minute": 600, **QUICK}
    subject = watch(**options, rules=[HOT], **hooked(webhook(status=503))).run("heat 1\n")
    shutil.move(subject.folder, tmp_path / "away")
    subject.folder.write_text("no folder any more")
    for _ in range(10):
        subject.run("heat 60\n").run("heat 60\n").run("heat 1\n").run("heat 1\n")
    assert len(subject.collector._dispatcher._unsaved) <= 2


def survives_no_restart(subject):
    (failure,) = subject.harness.part_failures
    assert (failure.name, failure.error.reason) == ("state=alerts", Reason.PERMISSION)
    assert "alerts would not survive a restart" in failure.error.detail
    assert failure.error.fix
    return True


def test_without_a_place_for_its_state_alerts_go_out_and_it_says_what_fixes_it(watch, webhook, tmp_path):
    server = webhook()
    (tmp_path / "file").write_text("")
    options = {**QUICK, "rules": [HOT], **hooked(server), "state_dir": tmp_path / "file"}
    subject = watch(**options).run("heat 60\n").run("heat 60\n")
    assert server.statuses("Hot") == ["firing"]
    assert survives_no_restart(subject)
    (tmp_path / "file").unlink()
    subject.run("heat 60\n")
    assert subject.harness.part_failures == []
    subject = watch(subject, **options).run("heat 60\n")
    assert server.statuses("Hot") == ["firing"], "once there is a place, it is kept"


def test_on_a_disk_that_was_full_from_the_start_alerts_go_out(webhook):
    server = webhook()
    with mounted() as disk:
        with suppress(OSError), (disk / "filling").open("wb", buffering=0) as filling:
            while filling.write(b"x" * 512):
                pass
        subject = Watched(disk / "state", **QUICK, rules=[HOT], **hooked(server))
        subject.run("heat 60\n").run("heat 60\n")
        assert server.statuses("Hot") == ["firing"]
        assert survives_no_restart(subject)
        (disk / "filling").unlink()
        subject.run("heat 60\n")
        assert subject.harness.part_failures == []
        subject.close()


def test_a_disk_that_is_mounted_for_reading_only_still_says_what_fires(webhook):
    server = webhook()
    with mounted() as disk:
        options = {**QUICK, "rules": [HOT], **hooked(server)}
        subject = Watched(disk / "state", **options).run("heat 60\n").run("heat 60\n")
        subject.close()
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        subject = Watched(disk / "state", subject.clock, **options).run("heat 60\n").run("heat 60\n")
        assert server.statuses("Hot") == ["firing"], "it is known that it was told"
        assert survives_no_restart(subject)
        subject.close()


def test_a_state_that_another_process_has_keeps_the_second_one_from_starting(watch, tmp_path):
    first = watch(**QUICK, rules=[HOT]).run("heat 60\n")
    second = watch(**QUICK, rules=[HOT], state_dir=first.folder)
    with pytest.raises(NotAvailable, match="another process"):
        second.run("heat 60\n")


def test_a_damaged_record_is_logged_and_the_other_alerts_go_on(watch, webhook, caplog):
    server = webhook()
    rules = [HOT, {"alert": "Damp", "series": "damp", "above": 1}]
    options = {**QUICK, "rules": rules, **hooked(server)}
    both = "heat 60\ndamp 2\n"
    subject = watch(**options).run(both).run(both)
    subject.store_connection.execute("UPDATE records SET body = 'nonsense' WHERE kind = 'alert' AND key LIKE 'Damp%'")
    subject = watch(subject, killed=True, **options)
    for _ in range(3):
        subject.run("heat 60\n")
    assert "1 records of the saved state cannot be read and are left out" in caplog.text
    assert server.statuses("Hot") == ["firing"]
    assert server.statuses("Damp") == ["firing", "resolved"], "that the channel was told of it is a record of its own"


def test_a_file_that_is_garbage_is_set_aside_and_said_so(watch, caplog):
    subject = watch(**QUICK, rules=[HOT])
    subject.folder.mkdir()
    (subject.folder / "alerts.sqlite3").write_bytes(b"garbage")
    subject.run("heat 60\n")
    (aside,) = subject.folder.glob("alerts.sqlite3.corrupt-*")
    assert f"the state file was damaged and is now {aside}" in caplog.text
    assert len(subject.collector._firing) == 1


def damage(folder, *statements):
    """What a broken disk or another program did to the state while the service was away."""
    with closing(sqlite3.connect(folder / "alerts.sqlite3", isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.mark.parametrize(
    ("statements", "kept"),
    [
        (["UPDATE queue SET body = CAST(x'7bff7d' AS TEXT) WHERE seq = (SELECT min(seq) FROM queue)"], -1),
        (["UPDATE queue SET body = x'fffe' WHERE seq = (SELECT max(seq) FROM queue)"], -1),
        (["UPDATE queue SET body = 5 WHERE seq = (SELECT max(seq) FROM queue)"], -1),
        (["DROP TABLE records"], 0),
        (
            [
                "PRAGMA writable_schema = ON",
                "UPDATE sqlite_master SET sql = replace(sql, 'body TEXT NOT NULL', 'body TEXT') WHERE name = 'queue'",
                "PRAGMA writable_schema = RESET",
                "UPDATE queue SET body = NULL WHERE seq = (SELECT max(seq) FROM queue)",
                "PRAGMA writable_schema = ON",
                "UPDATE sqlite_master SET sql = replace(sql, 'body TEXT', 'body TEXT NOT NULL') WHERE name = 'queue'",
            ],
            -1,
        ),
    ],
    ids=["not UTF-8", "bytes", "number", "no records", "an invalid row"],
)
def test_whatever_is_damaged_costs_itself_alone_and_is_told(tmp_path, webhook, caplog, statements, kept):
    with closing(AlertStore(state_file(tmp_path, "alerts"))) as store:
        store.save(SavedState(), [message(number) for number in range(60)], [])
    damage(tmp_path, *statements)

    with closing(Watched(tmp_path, **QUICK, **hooked(webhook(status=503)))) as subject:
        subject.run()
        assert len(subject.collector._dispatcher.channels["ops"]) == 60 + kept
        told = subject.harness.value(metrics.DAMAGED) + subject.harness.value(metrics.CORRUPT_FILES)
        assert told == 1
        assert "damaged" in caplog.text or "cannot be read" in caplog.text


def test_every_damaged_file_is_kept_counted_and_alerted_on(tmp_path):
    options = {**QUICK, "default_rules": True}
    for number in (1, 2):
        (tmp_path / "alerts.sqlite3").write_bytes(b"garbage %d" % number)
        with closing(Watched(tmp_path, **options)) as subject:
            subject.run().run()
            assert subject.harness.value(metrics.CORRUPT_FILES) == number
            assert subject.harness.value(metrics.ACTIVE, alert="StateDamaged", severity="warning") == 1
    copies = sorted(each.read_bytes() for each in tmp_path.glob("alerts.sqlite3.corrupt-*"))
    assert copies == [b"garbage 1", b"garbage 2"]


def test_a_program_that_looks_once_leaves_the_services_state_alone_and_tells_nobody(watch, webhook):
    server = webhook()
    subject = watch(**QUICK, rules=[HOT], **hooked(server))
    object.__setattr__(subject.collector.ctx, "keeps_running", False)
    subject.run("heat 60\n").run("heat 60\n")
    assert subject.harness.value(metrics.ACTIVE, alert="Hot", severity="warning") == 1
    assert subject.harness.value(metrics.QUEUE_LENGTH, channel="ops") == 1
    assert (server.deliveries, subject.folder.exists()) == ([], False)
