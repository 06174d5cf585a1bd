"""Pending, firing, resolved; flapping; restarts and sleep: with a time that the test hands in."""

from hypothesis import given
from hypothesis import strategies as st

from collector_plugins.alerts.alert import Alert
from collector_plugins.alerts.machine import Flapping, Machine, Sighting, Terms

FLAPPING = Flapping(starts=3, window=1000, calm=100)


def machine(grace=0.0, most=500):
    return Machine(FLAPPING, max_gap=15, grace=grace, most=most)


def alert(at):
    return Alert("1", {"alertname": "a", "severity": "warning"}, at, "text")


def seen(*keys, holds=True, hold=0.0, keep=0.0):
    return {key: Sighting("a", Terms(hold, keep), alert, holds) for key in keys}


def test_an_alert_fires_when_its_condition_has_held_for_long_enough():
    subject = machine()
    fired = []
    for now in range(0, 40, 5):
        subject.step(now, seen("k", hold=20), {"a"})
        fired.append(bool(subject.firing))
    assert fired == [False] * 4 + [True] * 4
    assert subject.firing[0].starts_at == 20


def test_a_condition_that_goes_in_between_starts_anew():
    subject = machine()
    for now, holds in ((0, True), (10, True), (15, False), (20, True), (30, True)):
        subject.step(now, seen("k", hold=20, holds=holds), {"a"})
        assert not subject.firing


def test_keep_firing_holds_an_alert_through_a_gap():
    subject = machine()
    subject.step(0, seen("k", keep=20), {"a"})
    for now in (5, 15, 20):
        subject.step(now, {}, {"a"})
        assert subject.firing, now
    subject.step(25, {}, {"a"})
    assert not subject.firing


def test_a_series_that_vanishes_resolves_its_alert():
    subject = machine()
    subject.step(0, seen("k"), {"a"})
    subject.step(5, {}, {"a"})
    assert not subject.firing


def test_a_night_in_which_nobody_looked_counts_as_a_few_runs():
    subject = machine()
    subject.step(0, seen("k", hold=60), {"a"})
    subject.step(30_000, seen("k", hold=60), {"a"})
    assert not subject.firing


def test_a_restart_goes_on_and_resolves_nothing_whose_series_is_not_there_yet():
    before = machine()
    before.step(0, seen("k"), {"a"})
    after = machine(grace=60)
    after.restore(before.memory, 100)
    after.step(100, {}, {"a"})
    assert [each.starts_at for each in after.firing] == [0]
    after.step(150, seen("k", holds=False), {"a"})
    assert not after.firing, "a value that says that it is over is believed at once"


def test_after_the_grace_what_is_still_missing_resolves():
    before = machine()
    before.step(0, seen("k"), {"a"})
    after = machine(grace=60)
    after.restore(before.memory, 100)
    after.step(100, {}, {"a"})
    after.step(161, {}, {"a"})
    assert not after.firing


def test_the_alerts_of_a_rule_that_is_gone_end():
    subject = machine()
    subject.step(0, seen("k", keep=1000), {"a"})
    subject.step(5, {}, {"b"})
    assert not subject.firing


def test_an_alert_that_flaps_stays_until_it_is_calm():
    subject = machine()
    now = 0
    for number in range(3):
        subject.step(now, seen("k"), {"a"})
        assert subject.firing[0].flapping is (number == 2)
        subject.step(now + 5, seen("k", holds=False), {"a"})
        now += 10
    assert subject.firing, "it goes on, so that nobody is told that it is over"
    for later in range(now, now + 90, 10):
        subject.step(later, seen("k", holds=False), {"a"})
        assert subject.firing
    subject.step(now + 100, seen("k", holds=False), {"a"})
    assert not subject.firing


def test_one_that_flapped_and_then_stays_is_an_ordinary_alert():
    subject = machine()
    for now in range(0, 30, 5):
        subject.step(now, seen("k", holds=now % 10 == 0), {"a"})
    assert subject.firing[0].flapping
    for now in range(30, 160, 10):
        subject.step(now, seen("k"), {"a"})
    assert subject.firing[0].flapping is False


def test_a_rule_has_no_more_alerts_than_it_may():
    subject = machine(most=3)
    subject.step(0, seen(*map(str, range(10))), {"a"})
    assert (len(subject.firing), subject.untracked) == (3, 7)


@given(st.lists(st.tuples(st.floats(0, 50), st.sampled_from(["holds", "not", "absent"])), max_size=60))
def test_whatever_happens_memory_is_bounded_and_times_are_sound(steps):
    subject, now = machine(), 0.0
    for passed, what in steps:
        now += passed
        subject.step(now, {} if what == "absent" else seen("k", holds=what == "holds", hold=10), {"a"})
        assert len(subject.memory.entries) <= 1
        assert sum(map(len, subject.memory.starts.values())) <= FLAPPING.starts
        assert all(0 <= each.starts_at <= now for each in subject.firing)
