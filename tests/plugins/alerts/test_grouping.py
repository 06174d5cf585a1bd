"""What a channel is notified of, and when: at times that the test passes in."""

from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_plugins.alerts.alert import Alert, Severity
from collector_plugins.alerts.grouping import AlertGrouper, GroupingOptions, NotificationLog, NotifiedAlert

OPTIONS = GroupingOptions(
    min_severity=Severity.WARNING,
    send_resolved=True,
    group_by=("alertname",),
    group_wait=10,
    group_interval=60,
    repeat_interval=3600,
    per_minute=10,
)


def alert(id="1", name="Hot", severity="warning", **labels):
    return Alert(id, {"alertname": name, "severity": severity, **labels}, 0.0, "text")


def alerts(*names):
    return [alert(name, name) for name in names]


def ids(batches):
    return [([each.id for each in batch.firing], [each.id for each in batch.resolved]) for batch in batches]


class Channel:
    """What one channel is notified of: `see(now, alerts)` returns the ids of alerts in each notification."""

    def __init__(self, **options):
        self.options = replace(OPTIONS, **options)
        self.grouper = AlertGrouper(self.options)

    def see(self, now, firing):
        return ids(self.grouper.take_due_batches(now, firing))

    def restart(self, now):
        after = Channel(**asdict(self.options))
        after.grouper.restore_log(self.grouper.log, now)
        return after


# ------------------------------------------------------------------ groups


def test_a_group_waits_for_more_and_is_sent_once():
    channel = Channel()
    assert channel.see(0, [alert("1")]) == []
    assert channel.see(9.9, [alert("1")]) == []
    assert channel.see(10, [alert("1"), alert("2")]) == [(["1", "2"], [])]
    assert channel.see(100, [alert("1"), alert("2")]) == []


def test_the_wait_of_a_group_begins_with_its_first_alert_and_anew_after_it_was_empty():
    channel = Channel()
    channel.see(0, [alert("1")])
    channel.see(5, [])
    assert channel.see(10, [alert("1")]) == []
    assert channel.see(19, [alert("1"), alert("2")]) == []
    assert channel.see(20, [alert("1"), alert("2")]) == [(["1", "2"], [])]


def test_alerts_that_share_the_labels_are_one_notification():
    channel = Channel(group_wait=0, group_by=("room", "severity"))
    firing = [alert("1", room="a"), alert("2", room="b"), alert("3", "Loud", room="a"), alert("4", severity="critical")]
    batches = channel.grouper.take_due_batches(0, firing)
    assert ids(batches) == [(["1", "3"], []), (["2"], []), (["4"], [])]
    assert [batch.group for batch in batches] == [
        {"room": "a", "severity": "warning"},
        {"room": "b", "severity": "warning"},
        {"room": "", "severity": "critical"},
    ]


def test_without_labels_to_group_by_everything_is_one_group():
    channel = Channel(group_wait=0, group_by=())
    assert channel.see(0, alerts("a", "b", "c", "d", "e", "f", "g")) == [(list("abcdefg"), [])]


def test_what_is_new_in_a_group_waits_for_the_interval():
    channel = Channel()
    channel.see(0, [alert("1")])
    channel.see(10, [alert("1")])
    both = [alert("1"), alert("2")]
    assert channel.see(50, both) == channel.see(69, both) == []
    assert channel.see(70, both) == [(["1", "2"], [])]


def test_one_group_does_not_wait_for_another():
    channel = Channel()
    channel.see(0, alerts("a"))
    channel.see(10, alerts("a"))
    channel.see(20, alerts("a", "b"))
    assert channel.see(30, alerts("a", "b")) == [(["b"], [])]


# ------------------------------------------------------------------ resolved, repeated, left out


def test_a_resolved_alert_is_sent_once_with_its_end():
    channel = Channel()
    channel.see(0, [alert()])
    channel.see(10, [alert()])
    assert channel.see(69, []) == []
    (batch,) = channel.grouper.take_due_batches(80, [])
    assert ids([batch]) == [([], ["1"])]
    assert batch.resolved[0].ends_at == 80
    assert channel.see(200, []) == []
    assert channel.grouper.log.notified == {}


def test_an_alert_that_came_and_went_before_it_was_sent_is_not_sent():
    channel = Channel()
    channel.see(0, [alert()])
    assert channel.see(5, []) == channel.see(100, []) == []


def test_an_alert_that_went_and_came_back_between_two_notifications_is_not_sent_again():
    channel = Channel()
    channel.see(0, [alert()])
    channel.see(10, [alert()])
    channel.see(75, [])
    assert channel.see(80, [alert()]) == channel.see(200, [alert()]) == []


def test_the_rest_of_a_group_comes_with_what_is_resolved():
    channel = Channel()
    both = [alert("1"), alert("2")]
    channel.see(0, both)
    channel.see(10, both)
    channel.see(75, [alert("2")])
    assert channel.see(85, [alert("2")]) == [(["2"], ["1"])]


def test_what_still_fires_is_repeated():
    channel = Channel()
    channel.see(0, [alert()])
    channel.see(10, [alert()])
    assert channel.see(3609, [alert()]) == []
    assert channel.see(3610, [alert()]) == [(["1"], [])]
    assert channel.see(7209, [alert()]) == []
    assert channel.see(7210, [alert()]) == [(["1"], [])]


def test_a_repeat_does_not_wait_for_the_interval_of_its_group():
    channel = Channel(group_wait=0, group_interval=86400, repeat_interval=100)
    channel.see(0, [alert()])
    assert channel.see(100, [alert()]) == [(["1"], [])]


def test_less_severe_alerts_are_left_out():
    channel = Channel(group_wait=0, min_severity=Severity.WARNING)
    firing = [alert("1", severity="info"), alert("2", "Dead", "warning"), alert("3", "Burning", "critical")]
    assert channel.see(0, firing) == [(["2"], []), (["3"], [])]


def test_without_resolved_notifications_the_end_is_silent_and_the_next_start_is_not():
    channel = Channel(group_wait=0, group_interval=0, send_resolved=False)
    channel.see(0, [alert()])
    assert channel.see(10, []) == []
    assert channel.grouper.log.notified == {}
    assert channel.see(20, [alert()]) == [(["1"], [])]


# ------------------------------------------------------------------ storms and limits


def test_up_to_five_groups_are_notifications_of_their_own_and_more_are_one_summary():
    assert Channel(group_wait=0, group_interval=0).see(0, alerts(*"abcde")) == [([each], []) for each in "abcde"]
    (batch,) = Channel(group_wait=0, group_interval=0).grouper.take_due_batches(0, alerts(*"abcdef"))
    assert (batch.group, ids([batch])) == ({}, [(list("abcdef"), [])])


def test_a_summary_has_what_is_resolved_too():
    channel = Channel(group_wait=0, group_interval=0)
    channel.see(0, alerts(*"abcdef"))
    assert channel.see(60, alerts(*"abcghi")) == [(list("ghi"), list("def"))]


def test_a_storm_is_one_summary_and_the_rest_waits_for_its_turn():
    channel = Channel(group_wait=0, group_interval=0, per_minute=1)
    storm = alerts(*(f"Rule{number}" for number in range(400)))
    ((firing, _),) = channel.see(0, storm)
    assert len(firing) == 400
    storm += alerts(*(f"More{number}" for number in range(50)))
    assert channel.see(5, storm) == channel.see(59, storm) == []
    ((firing, _),) = channel.see(60, storm)
    assert len(firing) == 50


def test_the_limit_is_a_minutes_worth_at_once_and_then_a_steady_rate():
    channel = Channel(group_wait=0, group_interval=0, per_minute=4)
    firing, sent = [], []
    for number in range(10):
        firing += alerts(f"{number}")
        sent += [number * 5 for _ in channel.see(number * 5, firing)]
    assert sent == [0, 5, 10, 15, 20, 30, 45], "4 at once, and 1 in 15 s"


def test_a_limit_below_one_a_minute_lets_one_through():
    channel = Channel(group_wait=0, group_interval=0, per_minute=0.5)
    assert channel.see(0, alerts("a")) == [(["a"], [])]
    assert channel.see(119, alerts("a", "b")) == []
    assert channel.see(120, alerts("a", "b")) == [(["b"], [])]


def test_as_many_groups_as_the_limit_leaves_are_notifications_of_their_own():
    channel = Channel(group_wait=0, group_interval=0, per_minute=3)
    channel.see(0, alerts("a"))
    assert channel.see(0, alerts("a", "b", "c")) == [(["b"], []), (["c"], [])]


def test_where_the_limit_leaves_less_than_the_groups_need_they_are_one_summary():
    channel = Channel(group_wait=0, group_interval=0, per_minute=3)
    channel.see(0, alerts("a", "b"))
    assert channel.see(1, alerts("a", "b", "c", "d")) == [(["c", "d"], [])]


def test_a_clock_that_goes_back_refills_nothing():
    channel = Channel(group_wait=0, group_interval=0, per_minute=1)
    channel.see(1000, alerts("a"))
    assert channel.see(0, alerts("a", "b")) == channel.see(59, alerts("a", "b")) == []
    assert channel.see(60, alerts("a", "b")) == [(["b"], [])]


# ------------------------------------------------------------------ restarts


def test_a_restart_neither_repeats_nor_forgets_the_end():
    before = Channel()
    before.see(0, [alert()])
    before.see(10, [alert()])
    after = before.restart(500)
    assert after.see(500, [alert()]) == []
    after.see(510, [])
    assert after.see(520, []) == [([], ["1"])]


def test_a_restart_keeps_the_interval_of_a_group():
    before = Channel()
    before.see(0, [alert("1")])
    before.see(10, [alert("1")])
    after = before.restart(20)
    both = [alert("1"), alert("2")]
    assert after.see(30, both) == after.see(69, both) == []
    assert after.see(70, both) == [(["1", "2"], [])]


def test_times_that_a_wrong_clock_put_into_the_future_are_those_of_the_restart():
    channel = Channel()
    channel.grouper.restore_log(NotificationLog({"1": NotifiedAlert(alert("1"), 1e9)}, {"Hot": 1e9}), 500)
    both = [alert("1"), alert("2")]
    assert channel.see(500, both) == channel.see(559, both) == []
    assert channel.see(560, both) == [(["1", "2"], [])]
    assert channel.see(4160, both) == [(["1", "2"], [])], "repeated in time"


def test_times_of_the_past_stay_as_they_are():
    channel = Channel()
    channel.grouper.restore_log(NotificationLog({"1": NotifiedAlert(alert(), 100)}, {"Hot": 490}), 500)
    assert channel.grouper.log == NotificationLog({"1": NotifiedAlert(alert(), 100)}, {"Hot": 490})
    assert channel.see(3700, [alert()]) == [(["1"], [])]


def test_groups_that_no_longer_hold_anything_back_are_forgotten():
    channel = Channel()
    channel.see(0, [alert()])
    channel.see(10, [alert()])
    channel.see(69, [alert()])
    assert channel.grouper.log.last_sent == {"Hot": 10}
    channel.see(70, [alert()])
    assert channel.grouper.log.last_sent == {}


# ------------------------------------------------------------------ whatever happens


@pytest.mark.parametrize("per_minute", [5, 0.5])
@given(st.lists(st.tuples(st.floats(0, 100), st.sets(st.integers(0, 8))), max_size=40))
def test_starts_and_ends_alternate_and_nothing_that_was_sent_is_left_behind(per_minute, steps):
    channel = Channel(group_interval=20, repeat_interval=1e9, per_minute=per_minute).grouper
    now, firing = 0.0, set()
    for passed, numbers in [*steps, (1000, set()), (1000, set()), (1000, set())]:
        now += passed
        for batch in channel.take_due_batches(now, alerts(*(f"{each}" for each in sorted(numbers)))):
            assert batch.firing or batch.resolved
            for each in batch.resolved:
                firing.remove(each.id)
            firing |= {each.id for each in batch.firing}
    assert not firing
    assert not channel.log.notified
