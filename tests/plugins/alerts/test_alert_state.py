"""Pending, firing, resolved; flapping; restarts and sleep: with a time that the test hands in."""

from hypothesis import given
from hypothesis import strategies as st

from collector_plugins.alerts.alert import Alert
from collector_plugins.alerts.alert_state import AlertStateMachine, AlertTiming, Evaluation, FlapDetection

FLAPPING = FlapDetection(starts=3, window=1000, calm=100)


def machine(grace=0.0, most=500):
    return AlertStateMachine(FLAPPING, max_gap=15, grace=grace, max_per_rule=most)


def alert(at):
    return Alert("1", {"alertname": "a", "severity": "warning"}, at, "text")


def seen(*keys, holds=True, hold=0.0, keep=0.0):
    return {key: Evaluation("a", AlertTiming(hold, keep), alert, holds) for key in keys}


def test_an_alert_fires_when_its_condition_has_held_for_long_enough():
    subject = machine()
    fired = []
    for now in range(0, 40, 5):
        subject.apply_evaluations(now, seen("k", hold=20), {"a"})
        fired.append(bool(subject.firing_alerts))
    assert fired == [False] * 4 + [True] * 4
    assert subject.firing_alerts[0].starts_at == 20


def test_a_condition_that_goes_in_between_starts_anew():
    subject = machine()
    for now, holds in ((0, True), (10, True), (15, False), (20, True), (30, True)):
        subject.apply_evaluations(now, seen("k", hold=20, holds=holds), {"a"})
        assert not subject.firing_alerts


def test_keep_firing_holds_an_alert_through_a_gap():
    subject = machine()
    subject.apply_evaluations(0, seen("k", keep=20), {"a"})
    for now in (5, 15, 20):
        subject.apply_evaluations(now, {}, {"a"})
        assert subject.firing_alerts, now
    subject.apply_evaluations(25, {}, {"a"})
    assert not subject.firing_alerts


def test_a_series_that_vanishes_resolves_its_alert():
    subject = machine()
    subject.apply_evaluations(0, seen("k"), {"a"})
    subject.apply_evaluations(5, {}, {"a"})
    assert not subject.firing_alerts


def test_a_night_in_which_nobody_looked_counts_as_a_few_runs():
    subject = machine()
    subject.apply_evaluations(0, seen("k", hold=60), {"a"})
    subject.apply_evaluations(30_000, seen("k", hold=60), {"a"})
    assert not subject.firing_alerts


def test_a_restart_goes_on_and_resolves_nothing_whose_series_is_not_there_yet():
    before = machine()
    before.apply_evaluations(0, seen("k"), {"a"})
    after = machine(grace=60)
    after.restore_states(before.states, 100)
    after.apply_evaluations(100, {}, {"a"})
    assert [each.starts_at for each in after.firing_alerts] == [0]
    after.apply_evaluations(150, seen("k", holds=False), {"a"})
    assert not after.firing_alerts, "a value that says that it is over is believed at once"


def test_after_the_grace_what_is_still_missing_resolves():
    before = machine()
    before.apply_evaluations(0, seen("k"), {"a"})
    after = machine(grace=60)
    after.restore_states(before.states, 100)
    after.apply_evaluations(100, {}, {"a"})
    after.apply_evaluations(161, {}, {"a"})
    assert not after.firing_alerts


def test_the_alerts_of_a_rule_that_is_gone_end():
    subject = machine()
    subject.apply_evaluations(0, seen("k", keep=1000), {"a"})
    subject.apply_evaluations(5, {}, {"b"})
    assert not subject.firing_alerts


def test_an_alert_that_flaps_stays_until_it_is_calm():
    subject = machine()
    now = 0
    for number in range(3):
        subject.apply_evaluations(now, seen("k"), {"a"})
        assert subject.firing_alerts[0].flapping is (number == 2)
        subject.apply_evaluations(now + 5, seen("k", holds=False), {"a"})
        now += 10
    assert subject.firing_alerts, "it goes on, so that nobody is told that it is over"
    for later in range(now, now + 90, 10):
        subject.apply_evaluations(later, seen("k", holds=False), {"a"})
        assert subject.firing_alerts
    subject.apply_evaluations(now + 100, seen("k", holds=False), {"a"})
    assert not subject.firing_alerts


def test_one_that_flapped_and_then_stays_is_an_ordinary_alert():
    subject = machine()
    for now in range(0, 30, 5):
        subject.apply_evaluations(now, seen("k", holds=now % 10 == 0), {"a"})
    assert subject.firing_alerts[0].flapping
    for now in range(30, 160, 10):
        subject.apply_evaluations(now, seen("k"), {"a"})
    assert subject.firing_alerts[0].flapping is False


def test_a_rule_has_no_more_alerts_than_it_may():
    subject = machine(most=3)
    subject.apply_evaluations(0, seen(*map(str, range(10))), {"a"})
    assert (len(subject.firing_alerts), subject.untracked_series) == (3, 7)


@given(st.lists(st.tuples(st.floats(0, 50), st.sampled_from(["holds", "not", "absent"])), max_size=60))
def test_whatever_happens_memory_is_bounded_and_times_are_sound(steps):
    subject, now = machine(), 0.0
    for passed, what in steps:
        now += passed
        subject.apply_evaluations(now, {} if what == "absent" else seen("k", holds=what == "holds", hold=10), {"a"})
        assert len(subject.states.entries) <= 1
        assert sum(map(len, subject.states.starts.values())) <= FLAPPING.starts
        assert all(0 <= each.starts_at <= now for each in subject.firing_alerts)
