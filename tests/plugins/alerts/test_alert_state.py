"""Pending, firing, resolved; flapping; restarts, sleep and wrong clocks: at times that the test passes in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_plugins.alerts import alert_state
from collector_plugins.alerts.alert import Alert
from collector_plugins.alerts.alert_state import AlertStateMachine, AlertStates, AlertTiming, Evaluation, FlapDetection

START = 10_000.0
MAX_GAP = 15
FLAPS = FlapDetection(starts=3, window=1000, calm=100)
MISSING = None


def evaluation(rule="Hot", *, holds=True, hold=0.0, keep=0.0, text="text"):
    def make_alert(starts_at):
        return Alert("id", {"alertname": rule, "severity": "warning"}, starts_at, text)

    return Evaluation(rule, AlertTiming(hold, keep), make_alert, holds)


def machine(*, grace=0.0, max_per_rule=500):
    return AlertStateMachine(FLAPS, max_gap=MAX_GAP, grace=grace, max_per_rule=max_per_rule)


class Subject:
    """A machine with one rule on one series: `see(seconds, holds)` is an evaluation so much later, None without one."""

    def __init__(self, *, hold=0.0, keep=0.0, grace=0.0):
        self.machine = machine(grace=grace)
        self.hold, self.keep = hold, keep
        self.now = START

    def see(self, seconds, holds, text="text"):
        self.now += seconds
        said = {} if holds is None else {"k": evaluation(holds=holds, hold=self.hold, keep=self.keep, text=text)}
        self.machine.apply_evaluations(self.now, said, {"Hot"})
        return self.state

    def see_all(self, steps):
        return [self.see(seconds, holds) for seconds, holds in steps]

    def flap(self, starts=FLAPS.starts):
        """Starts that often, 5 s on and 5 s off; the last one is on."""
        for number in range(starts):
            self.see(5, True)
            if number < starts - 1:
                self.see(5, False)
        return self.state

    def restart(self, seconds, *, grace=0.0):
        """What a new process makes of the state."""
        after = Subject(hold=self.hold, keep=self.keep, grace=grace)
        after.now = self.now + seconds
        after.machine.restore_states(self.machine.states, after.now)
        return after

    @property
    def alert(self):
        (tracked,) = self.machine.states.tracked.values()
        return tracked.alert

    @property
    def state(self):
        if self.machine.pending_alerts:
            return "pending"
        if not self.machine.firing_alerts:
            return "none"
        return "flapping" if self.alert.flapping else "firing"


# ------------------------------------------------------------------ pending and firing


def test_an_alert_fires_once_its_condition_has_held_for_long_enough():
    subject = Subject(hold=20)
    assert subject.see_all([(0, True)] + 3 * [(5, True)]) == ["pending"] * 4
    assert subject.alert.starts_at == START, "a pending alert starts when its condition began to hold"
    assert subject.see(4.9, True) == "pending"
    assert subject.see(0.1, True) == "firing"
    assert subject.alert.starts_at == START + 20, "a firing one when it began to fire"


def test_without_a_hold_it_fires_at_first_sight():
    subject = Subject()
    assert subject.see(0, True) == "firing"
    assert subject.alert.starts_at == START


@pytest.mark.parametrize("gone", [False, MISSING])
def test_a_condition_that_goes_while_pending_starts_anew(gone):
    subject = Subject(hold=20, keep=1000)
    assert subject.see_all([(0, True), (15, True), (1, gone)]) == ["pending", "pending", "none"]
    assert subject.see_all([(4, True), (15, True), (4, True)]) == ["pending"] * 3
    assert subject.see(1, True) == "firing"


def test_a_condition_that_never_held_is_no_alert():
    subject = Subject()
    assert subject.see_all([(0, False), (5, MISSING)]) == ["none", "none"]
    assert subject.machine.states == AlertStates()


def test_what_an_alert_says_follows_its_series_and_its_start_stays():
    subject = Subject(keep=10)
    subject.see(0, True, text="60 degrees")
    subject.see(5, True, text="70 degrees")
    assert (subject.alert.summary, subject.alert.starts_at) == ("70 degrees", START)
    subject.see(5, False, text="20 degrees")
    assert subject.alert.summary == "70 degrees", "while it lasts only because of keep_firing it says why it fired"


# ------------------------------------------------------------------ resolved


@pytest.mark.parametrize("gone", [False, MISSING])
def test_without_keep_firing_an_alert_resolves_as_soon_as_its_condition_is_gone(gone):
    subject = Subject()
    assert subject.see_all([(0, True), (5, gone)]) == ["firing", "none"]


@pytest.mark.parametrize("gone", [False, MISSING])
def test_keep_firing_counts_from_when_the_condition_was_first_seen_gone(gone):
    subject = Subject(keep=20)
    assert subject.see_all([(0, True), (5, gone), (10, gone), (9.9, gone)]) == ["firing"] * 4
    assert subject.see(0.1, gone) == "none"


def test_a_condition_that_returns_within_keep_firing_is_the_same_alert_and_the_time_starts_anew():
    subject = Subject(keep=20)
    subject.see_all([(0, True), (5, False), (15, False), (2, True)])
    assert subject.see_all([(3, False), (15, False), (4, False)]) == ["firing"] * 3
    assert subject.alert.starts_at == START
    assert subject.see(1, False) == "none"


def test_a_keep_firing_that_was_changed_in_the_configuration_holds_from_the_next_evaluation():
    subject = Subject(keep=20)
    subject.see(0, True)
    subject.keep = 5
    subject.see(5, True)
    assert subject.see_all([(5, False), (5, False)]) == ["firing", "none"]


@pytest.mark.parametrize("hold", [0, 100])
def test_the_alerts_of_a_rule_that_is_gone_end_at_once(hold):
    subject = Subject(hold=hold, keep=1000)
    subject.see(0, True)
    subject.machine.apply_evaluations(START + 5, {}, {"Cold"})
    assert subject.state == "none"


def test_an_alert_that_was_resolved_and_fires_again_has_a_new_start():
    subject = Subject()
    subject.see_all([(0, True), (5, False), (5, True)])
    assert subject.alert.starts_at == START + 10


# ------------------------------------------------------------------ time nobody saw, and clocks that jump


def test_time_that_nobody_saw_counts_as_one_gap_at_most():
    subject = Subject(hold=2 * MAX_GAP)
    assert subject.see_all([(0, True), (30_000, True)]) == ["pending", "pending"]
    assert subject.see(MAX_GAP, True) == "firing"


def test_a_gap_counts_whole_up_to_the_longest():
    subject = Subject(hold=MAX_GAP)
    assert subject.see_all([(0, True), (MAX_GAP, True)]) == ["pending", "firing"]


def test_keep_firing_does_not_run_out_while_nobody_looks():
    subject = Subject(keep=2 * MAX_GAP)
    assert subject.see_all([(0, True), (5, MISSING), (30_000, MISSING)]) == ["firing"] * 3
    assert subject.see(MAX_GAP, MISSING) == "none"


def test_a_clock_that_goes_back_counts_for_nothing_and_time_goes_on_from_there():
    subject = Subject(hold=10, keep=10)
    assert subject.see_all([(0, True), (5, True), (-9000, True), (4, True)]) == ["pending"] * 4
    assert subject.see(1, True) == "firing"
    assert subject.see_all([(5, False), (5, False), (-9000, False)]) == ["firing"] * 3
    assert subject.see(5, False) == "none"


# ------------------------------------------------------------------ restarts


def test_after_a_restart_an_alert_goes_on_with_its_start_though_its_series_is_not_there_yet():
    before = Subject()
    before.see(0, True)
    after = before.restart(3600, grace=60)
    assert after.see_all([(0, MISSING), (59, MISSING)]) == ["firing", "firing"]
    assert after.alert.starts_at == START
    assert after.see(1, MISSING) == "none", "then it is gone, as at any other time"


def test_after_a_restart_a_value_that_says_that_it_is_over_is_believed_at_once():
    before = Subject()
    before.see(0, True)
    assert before.restart(3600, grace=60).see(0, False) == "none"


def test_after_a_restart_the_grace_is_for_alerts_of_the_earlier_process_only():
    after = Subject().restart(0, grace=60)
    assert after.see_all([(0, True), (5, MISSING)]) == ["firing", "none"]


def test_after_a_restart_a_rule_that_is_gone_gets_no_grace():
    before = Subject()
    before.see(0, True)
    after = before.restart(0, grace=60)
    after.machine.apply_evaluations(after.now, {}, set())
    assert after.state == "none"


def test_the_time_between_two_processes_counts_for_nothing():
    before = Subject(hold=20)
    before.see_all([(0, True), (10, True)])
    after = before.restart(3600)
    assert after.see_all([(0, True), (9, True)]) == ["pending", "pending"]
    assert after.see(1, True) == "firing", "but what was seen before the restart does"


def test_keep_firing_goes_on_after_a_restart_where_it_was():
    before = Subject(keep=20)
    before.see_all([(0, True), (5, False), (15, False)])
    after = before.restart(3600)
    assert after.see_all([(0, False), (4, False)]) == ["firing", "firing"]
    assert after.see(1, False) == "none"


def test_starts_that_a_wrong_clock_put_into_the_future_leave_the_window_like_those_of_now():
    states = AlertStates(recent_starts={"k": [9e9, 9e9 + 1], "empty": []})
    subject = Subject()
    subject.machine.restore_states(states, START)
    assert subject.machine.states.recent_starts == {"k": [START, START]}
    assert subject.see(FLAPS.window, True) == "firing"
    assert subject.machine.states.recent_starts == {"k": [START + FLAPS.window]}


# ------------------------------------------------------------------ flapping


def test_an_alert_that_starts_too_often_flaps():
    subject = Subject()
    assert subject.flap(FLAPS.starts - 1) == "firing"
    assert subject.see_all([(5, False), (5, True)]) == ["none", "flapping"]


def test_starts_count_within_the_window_only():
    subject = Subject()
    subject.flap(2)
    subject.see(5, False)
    assert subject.see(FLAPS.window - 15, True) == "firing", "the first start is exactly a window ago"
    subject.see(3, False)
    assert subject.see(3, True) == "flapping", "the last three are not"


def test_a_flapping_alert_goes_on_while_its_condition_comes_and_goes():
    subject = Subject()
    subject.flap()
    started = subject.alert.starts_at
    assert subject.see_all(20 * [(14, False), (14, True)]) == ["flapping"] * 40
    assert subject.alert.starts_at == started


@pytest.mark.parametrize("gone", [False, MISSING])
def test_a_flapping_alert_is_over_when_its_condition_has_been_gone_for_the_calm(gone):
    subject = Subject()
    subject.flap()
    assert subject.see_all(10 * [(10, gone)]) == ["flapping"] * 10
    assert subject.see(9.9, gone) == "flapping"
    assert subject.see(0.1, gone) == "none"
    assert subject.machine.states.recent_starts == {}, "and is an alert like any other the next time"


def test_a_keep_firing_longer_than_the_calm_holds_for_a_flapping_alert_too():
    subject = Subject()
    subject.flap()
    subject.keep = FLAPS.calm + 15
    subject.see(5, True)
    assert subject.see_all(12 * [(10, False)]) == ["flapping"] * 12
    assert subject.see(5, False) == "none"


def test_a_flapping_alert_whose_condition_stays_is_an_ordinary_alert_after_the_calm():
    subject = Subject()
    subject.flap()
    assert subject.see_all(9 * [(10, True)]) == ["flapping"] * 9
    assert subject.see(9.9, True) == "flapping"
    assert subject.see(0.1, True) == "firing"
    assert subject.machine.states.recent_starts == {}
    assert subject.see(5, False) == "none", "which resolves at once"


def test_the_calm_starts_anew_with_every_change():
    subject = Subject()
    subject.flap()
    subject.see_all([*9 * [(10, False)], (5, True)])
    assert subject.see_all(9 * [(10, True)]) == ["flapping"] * 9
    assert subject.see(10, True) == "firing"


def test_an_alert_that_does_not_flap_resolves_without_forgetting_its_starts():
    subject = Subject()
    subject.see_all([(0, True), (5, False)])
    assert subject.machine.states.recent_starts == {"k": [START]}


def test_flapping_goes_on_after_a_restart():
    before = Subject()
    before.flap()
    after = before.restart(3600)
    assert after.see_all(10 * [(10, False)]) == ["flapping"] * 10
    assert after.see(10, False) == "none"


def test_no_more_starts_are_remembered_than_are_needed_and_none_older_than_the_window():
    subject = Subject()
    subject.flap(2)
    subject.see(5, False)
    assert subject.machine.states.recent_starts == {"k": [START + 5, START + 15]}
    subject.see(FLAPS.window - 5.1, False)
    assert subject.machine.states.recent_starts, "one of them still counts"
    subject.see(0.1, False)
    assert subject.machine.states.recent_starts == {}


def test_the_earliest_starts_are_forgotten_where_too_many_series_have_some(monkeypatch):
    monkeypatch.setattr(alert_state, "MAX_START_HISTORIES", 3)
    subject = machine()
    for number in range(5):
        subject.apply_evaluations(START + number, {f"{number}": evaluation()}, {"Hot"})
    assert list(subject.states.recent_starts) == ["2", "3", "4"]


def test_what_lasts_does_not_change_what_is_saved():
    subject = Subject(keep=200)
    subject.see_all(20 * [(15, True)])
    before = repr(subject.machine.states)
    subject.see(15, True)
    assert repr(subject.machine.states) == before


def test_time_that_counts_for_keep_firing_is_not_cut_off_by_a_shorter_calm():
    subject = Subject(keep=FLAPS.calm + 50)
    subject.see(0, True)
    assert subject.see_all([*15 * [(10, False)], (9.9, False)])[-1] == "firing"
    assert subject.see(0.1, False) == "none"


# ------------------------------------------------------------------ several series, several rules


def test_each_series_of_each_rule_has_an_alert_of_its_own_in_the_order_in_which_they_began():
    subject = machine()
    rules = {"Hot", "Cold"}
    subject.apply_evaluations(START, {"b": evaluation(), "a": evaluation("Cold", hold=10)}, rules)
    seen = {"a": evaluation("Cold", hold=10), "c": evaluation(), "b": evaluation()}
    subject.apply_evaluations(START + 10, seen, rules)
    assert [(each.name, each.starts_at) for each in subject.firing_alerts] == [
        ("Hot", START),
        ("Cold", START + 10),
        ("Hot", START + 10),
    ]
    subject.apply_evaluations(START + 15, {"a": evaluation("Cold"), "b": evaluation(holds=False)}, rules)
    assert [each.name for each in subject.firing_alerts] == ["Cold"]


def test_a_rule_has_no_more_alerts_than_it_may_and_other_rules_have_theirs():
    subject = machine(max_per_rule=3)
    seen = {f"{number}": evaluation() for number in range(5)} | {"cold": evaluation("Cold")}
    for now in (START, START + 5):
        subject.apply_evaluations(now, seen, {"Hot", "Cold"})
        assert (len(subject.firing_alerts), subject.untracked_series) == (4, 2)
    assert list(subject.states.tracked) == ["0", "1", "2", "cold"]


def test_where_an_alert_of_a_full_rule_ends_the_next_series_gets_its_place():
    subject = machine(max_per_rule=1)
    subject.apply_evaluations(START, {"0": evaluation(), "1": evaluation()}, {"Hot"})
    subject.apply_evaluations(START + 5, {"0": evaluation(holds=False), "1": evaluation()}, {"Hot"})
    assert list(subject.states.tracked) == ["1"]
    assert subject.untracked_series == 0


def test_pending_alerts_count_for_the_limit():
    subject = machine(max_per_rule=1)
    subject.apply_evaluations(START, {"0": evaluation(hold=60), "1": evaluation()}, {"Hot"})
    assert (len(subject.pending_alerts), subject.firing_alerts, subject.untracked_series) == (1, [], 1)


# ------------------------------------------------------------------ whatever happens


# Whole seconds: sums of fractions differ in their last digit, and that is not what these are about.
steps = st.lists(st.tuples(st.integers(-100, 100), st.sampled_from([True, False, MISSING])), max_size=60)
durations = st.integers(0, 40)


@given(steps, durations, durations)
def test_whatever_happens_what_is_kept_is_bounded_and_times_are_sound(given_steps, hold, keep):
    subject, latest = Subject(hold=hold, keep=keep), START
    for seconds, holds in given_steps:
        subject.see(seconds, holds)
        latest = max(latest, subject.now)
        assert len(subject.machine.states.tracked) <= 1
        assert sum(map(len, subject.machine.states.recent_starts.values())) <= FLAPS.starts
        assert all(START - 6000 <= each.starts_at <= latest for each in subject.machine.firing_alerts)


@given(steps, durations)
def test_an_alert_fires_only_after_its_condition_was_seen_to_hold_for_long_enough(given_steps, hold):
    subject, held, before = Subject(hold=hold), 0.0, None
    for seconds, holds in given_steps:
        elapsed = 0.0 if before is None else min(max(0.0, seconds), MAX_GAP)
        held = (held + elapsed if before else 0.0) if holds else 0.0
        before = holds
        state = subject.see(seconds, holds)
        if state == "pending":
            assert held < hold
        elif state == "firing" and subject.alert.starts_at == subject.now:
            assert held >= hold
