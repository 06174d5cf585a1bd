"""How a notification reads: as text for people, as JSON for webhooks."""

import json

from hypothesis import given
from hypothesis import strategies as st

from collector_plugins.alerts.alert import Alert, Severity, fingerprint, format_rfc3339
from collector_plugins.alerts.grouping import AlertBatch
from collector_plugins.alerts.notification import (
    alert_payload,
    annotations_of,
    build_notification,
    one_line,
    text_lines,
    webhook_payload,
)

NOON = 1_700_000_000.0  # 2023-11-14T22:13:20Z
LATER = NOON + 61.5


def alert(id="1", name="Hot", severity="warning", **more):
    labels = {"alertname": name, "severity": severity} | more.pop("labels", {})
    return Alert(id, labels, NOON, more.pop("summary", "It is hot"), **more)


def message(firing=(), resolved=(), group=None, now=NOON):
    return build_notification("ops", AlertBatch(group or {}, tuple(firing), tuple(resolved)), now)


# ------------------------------------------------------------------ alerts


def test_severities_are_ordered_and_an_unknown_one_is_the_least():
    assert [each.rank for each in (Severity.INFO, Severity.WARNING, Severity.CRITICAL)] == [0, 1, 2]
    assert alert(severity="critical").severity is Severity.CRITICAL
    assert alert(severity="dreadful").severity is Severity.INFO
    assert (Alert("1", {}, 0.0, "").severity, Alert("1", {}, 0.0, "").name) == (Severity.INFO, "")


def test_a_fingerprint_is_that_of_the_labels_whatever_their_order():
    one = fingerprint({"a": "1", "b": "2"})
    assert one == fingerprint({"b": "2", "a": "1"}) == "ddc7523b594d0dff"
    assert one != fingerprint({"a": "12", "b": ""})


def test_times_are_written_in_utc_with_milliseconds():
    assert format_rfc3339(NOON + 0.5) == "2023-11-14T22:13:20.500Z"


# ------------------------------------------------------------------ the message


def test_its_id_is_that_of_channel_time_and_alerts():
    batch = AlertBatch({}, (alert("1"), alert("2")), (alert("3"),))
    same = build_notification("ops", batch, NOON).id
    assert build_notification("ops", AlertBatch({}, (alert("2"), alert("1")), (alert("3"),)), NOON).id != same
    assert build_notification("ops", batch, NOON).id == same
    assert len(same) == 32
    others = [
        build_notification("night", batch, NOON),
        build_notification("ops", batch, NOON + 0.001),
        build_notification("ops", AlertBatch({}, batch.firing, ()), NOON),
        build_notification("ops", AlertBatch({}, (*batch.firing, *batch.resolved)), NOON),
    ]
    assert len({same, *(each.id for each in others)}) == 5


def test_the_most_severe_alerts_come_first_and_resolved_ones_last():
    mixed = [alert("1", severity="info"), alert("2", severity="critical"), alert("3"), alert("4", severity="critical")]
    subject = message(mixed, [alert("5", severity="critical", ends_at=LATER)])
    assert [each.id for each in subject.alerts] == ["2", "4", "3", "1", "5"]
    assert subject.status == "firing"
    assert message(resolved=[alert(ends_at=LATER)]).status == "resolved"


def test_of_too_many_alerts_the_least_severe_are_left_out_and_counted():
    firing = [*(alert(f"{number}") for number in range(60)), alert("worst", severity="critical")]
    subject = message(firing, [alert(f"r{number}", ends_at=LATER) for number in range(55)])
    assert (len(subject.firing), len(subject.resolved), subject.omitted) == (50, 50, 16)
    assert subject.firing[0].id == "worst"
    assert list(text_lines(subject))[-1] == "… and 16 more: see GET /api/v1/alerts"


def test_exactly_as_many_as_fit_leave_none_out():
    subject = message([alert(f"{number}") for number in range(50)])
    assert (len(subject.firing), subject.omitted) == (50, 0)
    assert "more" not in list(text_lines(subject))[-1]


def test_a_headline_says_what_one_alert_is_about():
    assert message([alert()]).headline == "[FIRING] warning Hot: It is hot"
    assert message(resolved=[alert(ends_at=LATER)]).headline == "[RESOLVED] warning Hot: It is hot"


def test_a_headline_counts_several_alerts_by_name_the_most_frequent_first():
    firing = [alert("1", "Cold"), alert("2"), alert("3")]
    ended = alert("4", ends_at=LATER)
    assert message(firing).headline == "[FIRING:3] Hot (2), Cold (1)"
    assert message(firing, [ended]).headline == "[FIRING:3] Hot (3), Cold (1), 1 resolved"
    assert message(resolved=[ended, ended]).headline == "[RESOLVED:2] Hot (2)"
    many = message([alert(name, name) for name in "abcdefgh"]).headline
    assert many == "[FIRING:8] a (1), b (1), c (1), d (1), e (1)"


# ------------------------------------------------------------------ as text


def test_the_text_says_what_since_when_and_what_to_do():
    full = alert(description="It gets hotter", fix="open a window", labels={"room": "hall"}, value=61.0)
    assert list(text_lines(message([full]))) == [
        "[FIRING] warning Hot: It is hot",
        "- firing warning Hot: It is hot",
        "  since 2023-11-14T22:13:20.000Z",
        "  description: It gets hotter",
        "  fix: open a window",
        "  labels: alertname=Hot, severity=warning, room=hall",
    ]


def test_a_resolved_alert_says_until_when_and_not_what_to_do():
    lines = list(text_lines(message(resolved=[alert(fix="open a window", ends_at=LATER)])))
    assert lines[1:3] == [
        "- resolved warning Hot: It is hot",
        "  since 2023-11-14T22:13:20.000Z, until 2023-11-14T22:14:21.500Z",
    ]
    assert not any("fix" in line for line in lines)


def test_a_flapping_alert_says_that_it_will_be_silent():
    assert "  flapping: no further messages until it has calmed down" in text_lines(message([alert(flapping=True)]))


@given(st.text(max_size=100))
def test_no_text_breaks_a_line_or_steers_a_terminal(text):
    shown = one_line(text)
    assert shown.isprintable()
    assert len(shown) == len(text)
    everything = message([alert(summary=text, description=text, fix=text, labels={"a": text})])
    assert all(line.isprintable() for line in text_lines(everything))


# ------------------------------------------------------------------ as JSON


def test_annotations_are_the_texts_and_the_value_and_empty_ones_are_left_out():
    assert annotations_of(alert()) == {"summary": "It is hot"}
    full = alert(description="d", fix="f", value=0.0, flapping=True)
    assert annotations_of(full) == {
        "summary": "It is hot",
        "description": "d",
        "fix": "f",
        "value": "0",
        "flapping": "true",
    }


def test_the_json_of_an_alert_is_that_of_alertmanagers_webhooks():
    assert alert_payload(alert("id", labels={"room": "hall"})) == {
        "status": "firing",
        "labels": {"alertname": "Hot", "severity": "warning", "room": "hall"},
        "annotations": {"summary": "It is hot"},
        "startsAt": "2023-11-14T22:13:20.000Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "",
        "fingerprint": "id",
    }
    ended = alert_payload(alert(ends_at=LATER))
    assert (ended["status"], ended["endsAt"]) == ("resolved", "2023-11-14T22:14:21.500Z")


def test_the_json_of_a_webhook_says_what_its_alerts_have_in_common():
    alerts = [alert("1", labels={"room": "a", "floor": "1"}, fix="f"), alert("2", labels={"room": "b", "floor": "1"})]
    payload = webhook_payload(message(alerts, group={"alertname": "Hot"}))
    shown = payload.pop("alerts")
    assert [each["fingerprint"] for each in shown] == ["1", "2"]
    assert payload == {
        "version": "4",
        "groupKey": fingerprint({"alertname": "Hot"}),
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "ops",
        "groupLabels": {"alertname": "Hot"},
        "commonLabels": {"alertname": "Hot", "severity": "warning", "floor": "1"},
        "commonAnnotations": {"summary": "It is hot"},
        "externalURL": "",
        "headline": "[FIRING:2] Hot (2)",
    }
    json.dumps(payload)
