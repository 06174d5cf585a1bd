"""Who is told what, and when: with a time that the test hands in."""

from hypothesis import given
from hypothesis import strategies as st

from collector_plugins.alerts.alert import Alert, Severity
from collector_plugins.alerts.grouping import AlertGrouper, GroupingOptions

TERMS = GroupingOptions(group_wait=10, group_interval=60, repeat_interval=3600, per_minute=10)


def alert(id="1", name="Hot", severity="warning"):
    return Alert(id, {"alertname": name, "severity": severity}, 0.0, "text")


def ids(batches):
    return [([each.id for each in batch.firing], [each.id for each in batch.resolved]) for batch in batches]


def test_a_group_waits_for_more_and_is_told_once():
    policy = AlertGrouper(TERMS)
    assert policy.take_due_batches(0, [alert("1")]) == []
    assert ids(policy.take_due_batches(10, [alert("1"), alert("2")])) == [(["1", "2"], [])]
    assert policy.take_due_batches(100, [alert("1"), alert("2")]) == []


def test_what_is_over_is_told_once_with_its_end():
    policy = AlertGrouper(TERMS)
    policy.take_due_batches(0, [alert()])
    policy.take_due_batches(10, [alert()])
    policy.take_due_batches(70, [])
    (batch,) = policy.take_due_batches(80, [])
    assert ids([batch]) == [([], ["1"])]
    assert batch.resolved[0].ends_at == 80
    assert policy.take_due_batches(200, []) == []


def test_what_came_and_went_before_anybody_was_told_is_not_told():
    policy = AlertGrouper(TERMS)
    policy.take_due_batches(0, [alert()])
    assert policy.take_due_batches(5, []) == policy.take_due_batches(100, []) == []


def test_what_still_fires_is_repeated():
    policy = AlertGrouper(TERMS)
    policy.take_due_batches(0, [alert()])
    policy.take_due_batches(10, [alert()])
    assert policy.take_due_batches(3609, [alert()]) == []
    assert ids(policy.take_due_batches(3610, [alert()])) == [(["1"], [])]


def test_what_is_less_severe_is_not_told():
    policy = AlertGrouper(GroupingOptions(group_wait=0, min_severity=Severity.CRITICAL))
    assert ids(policy.take_due_batches(0, [alert("1"), alert("2", "Dead", "critical")])) == [(["2"], [])]


def test_without_resolved_messages_the_end_is_silent():
    policy = AlertGrouper(GroupingOptions(group_wait=0, group_interval=0, send_resolved=False))
    policy.take_due_batches(0, [alert()])
    assert policy.take_due_batches(10, []) == []
    assert ids(policy.take_due_batches(20, [alert()])) == [(["1"], [])]


def test_a_storm_is_one_summary_and_the_rest_waits_for_its_turn():
    policy = AlertGrouper(GroupingOptions(group_wait=0, group_interval=0, per_minute=1))
    storm = [alert(str(number), f"Rule{number}") for number in range(400)]
    (batch,) = policy.take_due_batches(0, storm)
    assert (batch.group, len(batch.firing)) == ({}, 400)
    more = [alert(f"more{number}", f"More{number}") for number in range(50)]
    assert policy.take_due_batches(5, storm + more) == []
    (later,) = policy.take_due_batches(60, storm + more)
    assert len(later.firing) == 50


def test_a_restart_neither_repeats_nor_forgets_the_end():
    before = AlertGrouper(TERMS)
    before.take_due_batches(0, [alert()])
    before.take_due_batches(10, [alert()])
    after = AlertGrouper(TERMS)
    after.restore_log(before.log, 500)
    assert after.take_due_batches(500, [alert()]) == []
    after.take_due_batches(510, [])
    assert ids(after.take_due_batches(520, [])) == [([], ["1"])]


def test_what_was_told_in_the_future_by_a_wrong_clock_was_told_now():
    before = AlertGrouper(TERMS)
    before.take_due_batches(1e9, [alert()])
    before.take_due_batches(1e9 + 10, [alert()])
    after = AlertGrouper(TERMS)
    after.restore_log(before.log, 500)
    assert after.take_due_batches(500, [alert()]) == []
    assert ids(after.take_due_batches(4100, [alert()])) == [(["1"], [])]


@given(st.lists(st.tuples(st.floats(0, 100), st.sets(st.integers(0, 8))), max_size=40))
def test_told_and_ended_alternate_and_nothing_told_is_left_behind(steps):
    policy, now, open_ones = (
        AlertGrouper(GroupingOptions(group_wait=10, group_interval=20, repeat_interval=1e9, per_minute=5)),
        0.0,
        set(),
    )
    for passed, numbers in [*steps, (1000, set()), (1000, set()), (1000, set())]:
        now += passed
        for batch in policy.take_due_batches(now, [alert(str(each), f"Rule{each}") for each in sorted(numbers)]):
            for each in batch.resolved:
                open_ones.remove(each.id)
            open_ones |= {each.id for each in batch.firing}
    assert not open_ones
    assert not policy.log.told
