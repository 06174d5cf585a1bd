"""The plugin as a whole: from what others show to what channels get, over restarts too."""

import json
import socket

import pytest

from collector_core import Gauge
from collector_core.testing.routes import serve_routes
from collector_plugins import alerts
from collector_plugins.alerts import DemoAlerts, metrics
from collector_plugins.alerts.config import Config
from tests.plugins.alerts.conftest import HOT, QUICK, hooked
from tests.shown import Shown

DOWN = """\
collector_up{collector="node",plugin="evm"} 0
collector_unavailable_info{collector="node",plugin="evm",reason="unreachable"} 1
"""
UP = DOWN.split("\n", maxsplit=1)[0].removesuffix("0") + "1\n"


def test_an_alert_reaches_its_channel_once_and_its_end_once(watch, webhook):
    server = webhook()
    subject = watch(**QUICK, rules=[HOT], **hooked(server))
    for text in ("heat 20\n", "heat 60\n", "heat 61\n", "heat 62\n", "heat 20\n", "heat 20\n", "heat 20\n"):
        subject.run(text)
    assert server.statuses("Hot") == ["firing", "resolved"]
    sent = dict(subject.harness.series(metrics.NOTIFICATIONS))
    assert sent == {("ops", "sent"): 2, ("ops", "failed"): 0, ("ops", "dropped"): 0}
    assert subject.harness.value(metrics.UP, channel="ops") == 1


def test_an_alert_and_its_end_are_noted_in_the_history(watch):
    subject = watch(**QUICK, rules=[HOT])
    for text in ("heat 20\n", "heat 60\n", "heat 61\n", "heat 20\n", "heat 20\n"):
        subject.run(text)
    begun, over = subject.harness.events
    assert begun[0] == over[0] == "alert"
    assert begun[1].startswith("Hot fires")
    assert over[1].startswith("Hot is over")


def test_the_collector_that_is_down_is_named_with_its_reason_and_what_to_do(watch, webhook):
    server = webhook()
    subject = watch(**QUICK | {"default_rules": True}, **hooked(server))
    for _ in range(40):
        subject.run(DOWN)
    (told,) = server.deliveries[0].json["alerts"]
    assert told["labels"] == {
        "alertname": "CollectorDown",
        "collector": "node",
        "instance": "test",
        "plugin": "evm",
        "severity": "warning",
    }
    assert told["annotations"]["summary"] == "The collector node has no data: unreachable"
    assert "energy-collector doctor" in told["annotations"]["fix"]
    for _ in range(3):
        subject.run(UP)
    assert server.statuses("CollectorDown") == ["firing", "resolved"]


def test_anomalies_are_alerts_of_their_severity(watch):
    subject = watch()
    active = 'anomaly_active{component="cpu",type="spike",severity="%d"} 1\n'
    subject.run("".join(active % level for level in range(1, 6)))
    firing = {(alert.name, alert.labels["exported_severity"]) for alert in subject.collector._firing}
    assert firing == {
        ("MinorAnomaly", "1"),
        ("MinorAnomaly", "2"),
        ("Anomaly", "3"),
        ("SevereAnomaly", "4"),
        ("CriticalAnomaly", "5"),
    }


INCIDENT = (
    'anomaly_active{component="node",type="missing",severity="3"} 2\n'
    'anomaly_incident_info{id="1",component="node",type="missing",severity="3",series="a",value="",expected="7",'
    'description="Height (node=a) is missing",actions="Read its log"} 1\n'
    'anomaly_incident_info{id="2",component="node",type="missing",severity="3",series="b",value="",expected="7",'
    'description="Peers (node=a) is missing",actions="Read its log"} 1\n'
    'anomaly_incident_info{id="3",component="cpu",type="level",severity="3",series="c",value="9",expected="7",'
    'description="Another thing",actions="Do something else"} 1\n'
)


def test_an_anomaly_is_alerted_on_with_its_sentence_and_what_to_do(watch, webhook):
    server = webhook()
    subject = watch(**QUICK | {"default_rules": True}, **hooked(server))
    for _ in range(3):
        subject.run(INCIDENT)
    (told,) = server.deliveries[0].json["alerts"]
    assert told["annotations"]["summary"] == (
        "node, missing, severity 3 of 5: Height (node=a) is missing; Peers (node=a) is missing"
    )
    assert told["annotations"]["fix"] == "Read its log"
    assert "description" not in told["labels"]


def test_an_anomaly_that_nobody_describes_still_has_a_text(watch):
    subject = watch().run('anomaly_active{component="cpu",type="spike",severity="3"} 1\n')
    (alert,) = subject.collector._firing
    assert alert.summary == "cpu, spike, severity 3 of 5: it behaves unusually"
    assert "/api/v1/anomalies" in alert.fix


@pytest.mark.parametrize(
    ("text", "alert", "summary"),
    [
        (
            'blockchain_node_up{node="a"} 0\nblockchain_node_up{node="b"} 1\n',
            "TargetDown",
            "Chain node (node=a) is down: unknown",
        ),
        ('nvidia_host_up{host="a"} 0\nnvidia_host_up{host="b"} 1\n', "TargetDown", "(host=a) is down: unknown"),
        ('inference_server_up{server="a"} 0\n', "TargetDown", "Model server (server=a) is down: unknown"),
        ('performance_target_up{target="a"} 0\n', "TargetDown", "Network target (target=a) is down: unknown"),
        ('collector_output_up{output="home"} 0\n', "TargetDown", "(output=home) is down: unknown"),
        ("collector_history_up 0\n", "TargetDown", "collector_history_up is down: unknown"),
        ('greenhouse_pump_up{pump="2"} 0\n', "TargetDown", "greenhouse_pump_up (pump=2) is down: unknown"),
        ('solix_grid_connected{device="P",model="",name=""} 0\n', "Outage", "Grid (device=P) is not available"),
        (
            'quantum_alerts{finding="quantum_vulnerable",subject="RSA-2048"} 1\n',
            "Finding",
            "Quantum finding (finding=quantum_vulnerable, subject=RSA-2048)",
        ),
    ],
)
def test_whatever_is_down_or_found_has_an_alert_of_ours(watch, text, alert, summary):
    subject = watch()
    for _ in range(30):
        subject.run(text)
    (firing,) = subject.collector._firing
    assert firing.name == alert
    assert firing.summary.endswith(summary)
    subject.run(text.replace(" 0\n", " 1\n") if alert != "Finding" else text.replace(" 1\n", " 0\n"))
    assert subject.collector._firing == ()


def test_what_is_down_comes_with_its_reason(watch):
    text = (
        'blockchain_node_up{node="a"} 0\nblockchain_node_up{node="b"} 0\n'
        'blockchain_node_unavailable_info{node="a",source="evm",reason="timeout"} 1\n'
        'collector_unavailable_info{collector="x",plugin="y",reason="auth"} 1\n'
    )
    subject = watch()
    for _ in range(30):
        subject.run(text)
    summaries = [alert.summary for alert in subject.collector._firing]
    assert summaries == ["Chain node (node=a) is down: timeout", "Chain node (node=b) is down: unknown"]


def test_what_has_a_rule_of_its_own_is_not_alerted_on_twice(watch):
    subject = watch()
    for _ in range(130):
        subject.run('collector_up{collector="a",plugin="b"} 0\nalerts_channel_up{channel="c"} 0\n')
    assert sorted(alert.name for alert in subject.collector._firing) == ["AlertChannelDown", "CollectorDown"]


def test_an_info_selector_that_is_none_is_refused():
    with pytest.raises(ValueError, match="info"):
        Config.model_validate({"rules": [{"alert": "A", "series": "x", "above": 1, "info": "{"}]})


def test_a_series_that_is_missing_fires_after_the_start(watch):
    rule = {"alert": "NoGpu", "series": "gpu_power", "absent": True}
    subject = watch(**QUICK | {"startup_grace": "60s"}, rules=[rule])
    subject.run(advance=30)
    assert subject.harness.value(metrics.ACTIVE, alert="NoGpu", severity="warning") == 0
    subject.run(advance=60)
    assert subject.harness.value(metrics.ACTIVE, alert="NoGpu", severity="warning") == 1
    subject.run("gpu_power 1\n")
    assert subject.harness.value(metrics.ACTIVE, alert="NoGpu", severity="warning") == 0


def test_a_log_that_cannot_be_written_is_tried_again_and_says_why(watch):
    subject = watch(**QUICK, rules=[HOT], channels={"file": {"type": "log", "path": "/dev/full"}})
    subject.run("heat 60\n").run("heat 60\n")
    (failure,) = subject.harness.part_failures
    assert "No space left" in failure.error.detail
    assert subject.harness.value(metrics.QUEUE_LENGTH, channel="file") == 1


def test_a_channel_that_hangs_delays_neither_a_run_nor_another_channel(watch, webhook, monkeypatch):
    monkeypatch.setattr(alerts, "DELIVERY_SHARE", 0)
    hanging, server = webhook(hangs=True), webhook()
    channels = {name: {"type": "webhook", "url": each.url} for name, each in {"bad": hanging, "ops": server}.items()}
    subject = watch(**QUICK, rules=[HOT], channels=channels)
    subject.run("heat 60\n").run("heat 60\n").settle("ops")
    subject.run("heat 1\n").run("heat 1\n").settle("ops")
    subject.run("heat 1\n")
    assert server.statuses("Hot") == ["firing", "resolved"]
    assert subject.harness.value(metrics.QUEUE_LENGTH, channel="bad") == 2
    assert subject.harness.value(metrics.QUEUE_LENGTH, channel="ops") == 0
    assert len(hanging.deliveries) == 1, "no second delivery while the first one hangs"


def test_a_storm_of_alerts_is_one_message(watch, webhook):
    server = webhook()
    rules = [{"alert": f"Rule{number}", "series": f'heat{{n="{number}"}}', "above": 1} for number in range(100)]
    subject = watch(**QUICK, rules=rules, **hooked(server))
    text = "".join(f'heat{{n="{number}"}} 5\n' for number in range(100))
    subject.run(text).run(text).run(text)
    (message,) = server.deliveries
    assert (len(message.json["alerts"]), message.json["truncatedAlerts"]) == (50, 50)


def test_a_rule_that_meets_too_many_series_is_bounded(watch):
    subject = watch(**QUICK, rules=[HOT])
    subject.run("".join(f'heat{{n="{number}"}} 60\n' for number in range(700)))
    assert subject.harness.value(metrics.ACTIVE, alert="Hot", severity="warning") == 500
    assert subject.harness.value(metrics.UNTRACKED) == 200


def test_a_full_queue_loses_the_oldest_and_counts_it(watch, webhook):
    dead = webhook(status=500)
    rules = [{"alert": f"Rule{number}", "series": f'heat{{n="{number}"}}', "above": 1} for number in range(4)]
    subject = watch(**QUICK, rules=rules, queue_limit=2, **hooked(dead))
    text = "".join(f'heat{{n="{number}"}} 5\n' for number in range(4))
    subject.run(text).run(text)
    assert subject.harness.value(metrics.QUEUE_LENGTH, channel="ops") == 2
    assert subject.harness.value(metrics.NOTIFICATIONS, channel="ops", result="dropped") == 2
    queues = subject.collector._dispatcher._store.load_queues()
    assert len(queues["ops"]) == 2, "what was dropped stays dropped after a restart"


def test_values_that_change_all_the_time_do_not_wear_out_the_disk(watch, tmp_path):
    subject = watch(**QUICK, rules=[HOT])
    writes = []
    for number in range(24):
        subject.run(f"heat {60 + number}\n")
        writes.append(subject.store_connection.total_changes)
    assert writes[-1] - writes[0] <= 2 * 3, "twice in two minutes: the rows are replaced"


def test_the_demo_tells_nobody_and_leaves_nothing(watch, tmp_path):
    subject = watch(cls=DemoAlerts)
    subject.run(DOWN)
    assert subject.harness.value(metrics.RULES) == 16
    assert subject.collector.config.channels == {}
    assert not (tmp_path / "state").exists()


def test_the_log_has_a_line_for_each_alert(watch, tmp_path):
    path = tmp_path / "alerts.log"
    subject = watch(**QUICK, rules=[HOT], channels={"file": {"type": "log", "path": str(path)}})
    subject.run("heat 60\n").run("heat 60\n").run("heat 1\n").run("heat 1\n").run("heat 1\n")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["status"], line["labels"]["alertname"]) for line in lines] == [("firing", "Hot"), ("resolved", "Hot")]


def test_the_console_has_lines_that_people_read(watch, capsys):
    subject = watch(
        **QUICK, rules=[HOT | {"summary": "It is {value} in {room}\x1b[2J"}], channels={"c": {"type": "console"}}
    )
    subject.run('heat{room="hall"} 60\n').run('heat{room="hall"} 60\n')
    printed = capsys.readouterr().out
    assert "[FIRING] warning Hot: It is 60 in hall" in printed
    assert "\x1b" not in printed


def test_flapping_is_told_once_and_then_silent(watch, webhook):
    server = webhook()
    subject = watch(**QUICK, rules=[HOT], **hooked(server), notifications_per_minute=600)
    for _ in range(20):
        subject.run("heat 60\n").run("heat 60\n").run("heat 1\n").run("heat 1\n")
    told = server.statuses("Hot")
    assert told == ["firing", "resolved"] * 3 + ["firing"]
    assert server.deliveries[-1].json["alerts"][0]["annotations"]["flapping"] == "true"
    for _ in range(190):
        subject.run("heat 1\n")
    assert server.statuses("Hot")[len(told) :] == ["resolved"]


def test_a_default_rule_finds_the_battery_of_a_plugin_that_nobody_knows(watch, monkeypatch):
    low = Gauge(
        "shelly_battery_flat", "1 while low.", labels=("cell",), topic="low_charge", of="battery", title="Cell low"
    )
    monkeypatch.setattr(Shown, "metrics", (*Shown.metrics, low))
    subject = watch(startup_grace="10ms")
    for _ in range(14):
        subject.run('shelly_battery_flat{cell="2"} 1\n')
    assert [alert.summary for alert in subject.collector._firing] == ["Cell low (cell=2)"]


def test_the_host_name_is_the_instance_unless_another_is_given(watch):
    subject = None
    for instance, shown in ((None, socket.gethostname()), ("box", "box")):
        subject = watch(subject, **QUICK, rules=[HOT], labels={"site": "north"}, instance=instance)
        subject.run("heat 60\n")
        (alert,) = subject.collector._firing
        assert (alert.labels["instance"], alert.labels["site"]) == (shown, "north")


def test_what_is_pending_is_counted_and_not_sent(watch, webhook):
    server = webhook()
    subject = watch(**QUICK, rules=[HOT | {"for": "20s"}], **hooked(server))
    for _ in range(4):
        subject.run("heat 60\n")
        assert subject.harness.value(metrics.PENDING, alert="Hot", severity="warning") == 1
        assert subject.harness.value(metrics.ACTIVE, alert="Hot", severity="warning") == 0
    subject.run("heat 60\n")
    assert subject.harness.value(metrics.PENDING, alert="Hot", severity="warning") == 0
    assert subject.harness.value(metrics.ACTIVE, alert="Hot", severity="warning") == 1
    assert server.deliveries == []


def test_runs_that_are_far_apart_count_as_three_intervals(watch):
    subject = watch(**QUICK, rules=[HOT | {"for": "30s"}])
    subject.run("heat 60\n").run("heat 60\n", advance=3600).run("heat 60\n", advance=14.9)
    assert subject.collector._firing == ()
    subject.run("heat 60\n", advance=0.1)
    assert len(subject.collector._firing) == 1


def test_a_wall_clock_that_jumps_changes_nothing(watch, webhook):
    server = webhook()
    subject = watch(**QUICK, rules=[HOT | {"for": "10s"}], **hooked(server))
    subject.run("heat 60\n")
    for jump in (-1e8, 2e8):
        subject.clock.wall_time += jump
        subject.run("heat 60\n")
    subject.run("heat 60\n")
    assert server.statuses("Hot") == ["firing"]
    (alert,) = server.deliveries[0].json["alerts"]
    assert alert["startsAt"] == "2023-11-14T22:13:35.000Z"


def test_an_alert_that_its_channel_refuses_is_named_with_what_fixes_it(watch, webhook):
    subject = watch(**QUICK, rules=[HOT], **hooked(webhook(status=404)))
    subject.run("heat 60\n").run("heat 60\n")
    for _ in range(2):
        (failure,) = subject.harness.part_failures
        assert (failure.name, failure.error.fix) == ("channel=ops", "check the path of its URL")
        assert subject.harness.value(metrics.UP, channel="ops") == 0
        assert subject.harness.value(metrics.NOTIFICATIONS, channel="ops", result="failed") == 1
        assert subject.harness.value(metrics.QUEUE_LENGTH, channel="ops") == 0
        subject.run("heat 60\n")


def test_before_anything_was_sent_nobody_knows_whether_a_channel_works(watch, webhook):
    subject = watch(**QUICK, rules=[HOT], **hooked(webhook()))
    subject.run("heat 1\n")
    assert subject.harness.value(metrics.UP, channel="ops") is None


def test_each_channel_has_its_own_severity_and_groups(watch, webhook):
    all_of_it, critical = webhook(), webhook()
    channels = {
        "all": {"type": "webhook", "url": all_of_it.url, "min_severity": "info"},
        "night": {"type": "webhook", "url": critical.url, "min_severity": "critical", "send_resolved": False},
    }
    rules = [HOT | {"severity": "info"}, {"alert": "Fire", "series": "heat", "above": 90, "severity": "critical"}]
    subject = watch(**QUICK, rules=rules, channels=channels)
    for value in (60, 60, 95, 95, 1, 1, 1):
        subject.run(f"heat {value}\n")
    assert all_of_it.statuses("Hot") == all_of_it.statuses("Fire") == ["firing", "resolved"]
    assert (critical.statuses("Hot"), critical.statuses("Fire")) == ([], ["firing"])


def test_without_channels_alerts_are_shown_all_the_same(watch):
    subject = watch(**QUICK, rules=[HOT])
    subject.run("heat 60\n")
    assert subject.harness.value(metrics.ACTIVE, alert="Hot", severity="warning") == 1


def test_alerts_that_fire_or_are_pending_are_served_as_json(watch, run):
    subject = watch(**QUICK, rules=[HOT, {"alert": "Damp", "series": "damp", "above": 1, "for": "1h"}])
    subject.run('heat{room="hall"} 60\ndamp 2\n')

    async def ask():
        async with serve_routes(subject.collector.collector_routes()) as session:
            answer = await session.get("/api/v1/alerts")
            return (await answer.json())["alerts"]

    shown = run(ask())
    assert [(each["labels"]["alertname"], each["status"]) for each in shown] == [("Hot", "firing"), ("Damp", "pending")]
    assert shown[0] == {
        "status": "firing",
        "labels": {"alertname": "Hot", "instance": "test", "room": "hall", "severity": "warning"},
        "annotations": {"summary": 'heat{room="hall"} is 60 (> 50)', "value": "60"},
        "startsAt": "2023-11-14T22:13:25.000Z",
        "endsAt": None,
        "generatorURL": "",
        "fingerprint": shown[0]["fingerprint"],
        "severity": "warning",
        "value": 60.0,
        "flapping": False,
    }
