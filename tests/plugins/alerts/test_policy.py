"""Who is told what, and when: with a time that the test hands in."""

from hypothesis import given
from hypothesis import strategies as st

from collector_plugins.alerts.alert import Alert, Severity
from collector_plugins.alerts.policy import Policy, Terms

TERMS = Terms(wait=10, interval=60, repeat=3600, per_minute=10)


def alert(id="1", name="Hot", severity="warning"):
    return Alert(id, {"alertname": name, "severity": severity}, 0.0, "text")


def ids(batches):
    return [([each.id for each in batch.firing], [each.id for each in batch.resolved]) for batch in batches]


def test_a_group_waits_for_more_and_is_told_once():
    policy = Policy(TERMS)
    assert policy.step(0, [alert("1")]) == []
    assert ids(policy.step(10, [alert("1"), alert("2")])) == [(["1", "2"], [])]
    assert policy.step(100, [alert("1"), alert("2")]) == []


def test_what_is_over_is_told_once_with_its_end():
    policy = Policy(TERMS)
    policy.step(0, [alert()])
    policy.step(10, [alert()])
    policy.step(70, [])
    (batch,) = policy.step(80, [])
    assert ids([batch]) == [([], ["1"])]
    assert batch.resolved[0].ends_at == 80
    assert policy.step(200, []) == []


def test_what_came_and_went_before_anybody_was_told_is_not_told():
    policy = Policy(TERMS)
    policy.step(0, [alert()])
    assert policy.step(5, []) == policy.step(100, []) == []


def test_what_still_fires_is_repeated():
    policy = Policy(TERMS)
    policy.step(0, [alert()])
    policy.step(10, [alert()])
    assert policy.step(3609, [alert()]) == []
    assert ids(policy.step(3610, [alert()])) == [(["1"], [])]


def test_what_is_less_severe_is_not_told():
    policy = Policy(Terms(wait=0, min_severity=Severity.CRITICAL))
    assert ids(policy.step(0, [alert("1"), alert("2", "Dead", "critical")])) == [(["2"], [])]


def test_without_resolved_messages_the_end_is_silent():
    policy = Policy(Terms(wait=0, interval=0, send_resolved=False))
    policy.step(0, [alert()])
    assert policy.step(10, []) == []
    assert ids(policy.step(20, [alert()])) == [(["1"], [])]


def test_a_storm_is_one_summary_and_the_rest_waits_for_its_turn():
    policy = Policy(Terms(wait=0, interval=0, per_minute=1))
    storm = [alert(str(number), f"Rule{number}") for number in range(400)]
    (batch,) = policy.step(0, storm)
    assert (batch.summary, len(batch.firing)) == (True, 400)
    more = [alert(f"more{number}", f"More{number}") for number in range(50)]
    assert policy.step(5, storm + more) == []
    (later,) = policy.step(60, storm + more)
    assert len(later.firing) == 50


def test_a_restart_neither_repeats_nor_forgets_the_end():
    before = Policy(TERMS)
    before.step(0, [alert()])
    before.step(10, [alert()])
    after = Policy(TERMS)
    after.restore(before.memory, 500)
    assert after.step(500, [alert()]) == []
    after.step(510, [])
    assert ids(after.step(520, [])) == [([], ["1"])]


def test_what_was_told_in_the_future_by_a_wrong_clock_was_told_now():
    before = Policy(TERMS)
    before.step(1e9, [alert()])
    before.step(1e9 + 10, [alert()])
    after = Policy(TERMS)
    after.restore(before.memory, 500)
    assert after.step(500, [alert()]) == []
    assert ids(after.step(4100, [alert()])) == [(["1"], [])]


@given(st.lists(st.tuples(st.floats(0, 100), st.sets(st.integers(0, 8))), max_size=40))
def test_told_and_ended_alternate_and_nothing_told_is_left_behind(steps):
    policy, now, open_ones = Policy(Terms(wait=10, interval=20, repeat=1e9, per_minute=5)), 0.0, set()
    for passed, numbers in [*steps, (1000, set()), (1000, set()), (1000, set())]:
        now += passed
        for batch in policy.step(now, [alert(str(each), f"Rule{each}") for each in sorted(numbers)]):
            for each in batch.resolved:
                open_ones.remove(each.id)
            open_ones |= {each.id for each in batch.firing}
    assert not open_ones
    assert not policy.memory.told
