"""The rules for what statistics of levels cannot see: stuck, zero, rare events; each at its very edge."""

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_plugins.anomaly.detector.value_rules import ValueRules

ROW = 300.0  # seconds: 288 rows a day


def fed(values, rules=None):
    """The rules, and the rows (from 0) with the rules that are broken from then on."""
    rules = rules or ValueRules(ROW)
    begun, active = [], rules.active
    for row, value in enumerate(values):
        rules.update(value)
        if rules.active and rules.active != active:
            begun.append((row, rules.active))
        active = rules.active
    return rules, begun


def moving(count, seed=1):
    random = Random(seed)
    return [random.gauss(40, 1) for _ in range(count)]


class TestStuck:
    def test_after_thirty_equal_rows(self):
        rules, begun = fed([*moving(400), *[43.2] * 30])
        assert begun == [(429, "stuck")]
        assert (rules.active, rules.same) == ("stuck", 30)

    def test_not_before(self):
        assert fed([*moving(400), *[43.2] * 29])[1] == []

    def test_until_it_moves_again(self):
        assert fed([*moving(400), *[43.2] * 60, 43.3])[0].active == ""

    def test_not_while_it_is_learnt(self):
        assert fed([*moving(149), *[43.2] * 160])[1] == []
        assert fed([*moving(150), *[43.2] * 160])[1] == [(299, "stuck")]

    def test_five_times_as_long_as_ever_before(self):
        before = [*moving(200), *[41.0] * 10, *moving(200, seed=2)]
        assert fed([*before, *[43.2] * 49])[1] == []
        assert fed([*before, *[43.2] * 50])[1] == [(len(before) + 49, "stuck")]

    def test_not_a_series_of_whole_numbers_that_often_repeat(self):
        random = Random(1)
        assert fed([round(random.gauss(40, 0.6)) for _ in range(3000)])[1] == []

    @pytest.mark.parametrize(("repeats", "is_stuck"), [(1, True), (2, False)])
    def test_only_a_series_that_moves_in_nine_of_ten_rows(self, repeats, is_stuck):
        values = [float(row - row % 10) if 0 < row % 10 <= repeats else float(row) for row in range(1000)]
        assert bool(fed([*values, *[7.5] * 40])[1]) is is_stuck


class TestZero:
    def test_after_three_rows_of_0(self):
        rules, begun = fed([*moving(400), 0.0, 0.0, 0.0])
        assert begun == [(402, "zero")]
        assert rules.is_new_zero(0.0)

    def test_not_before(self):
        assert fed([*moving(400), 0.0, 0.0])[1] == []

    def test_until_it_is_something_else(self):
        assert fed([*moving(400), *[0.0] * 9, 0.1])[0].active == ""

    def test_it_comes_before_stuck(self):
        assert fed([*moving(400), *[0.0] * 60])[1] == [(402, "zero")]

    def test_three_times_as_long_as_ever_before(self):
        before = [*moving(3000), 0.0, 0.0, *moving(2000, seed=2)]
        assert fed([*before, *[0.0] * 5])[1] == []
        assert fed([*before, *[0.0] * 6])[1] == [(len(before) + 5, "zero")]

    def test_not_a_series_that_is_0_more_often_than_one_row_in_a_thousand(self):
        before = [*moving(999), 0.0, *moving(1000, seed=2)]
        assert fed([*before, *[0.0] * 3])[1] == [(len(before) + 2, "zero")]
        often = [*moving(998), 0.0, *moving(1, seed=3), 0.0, *moving(1, seed=3), 0.0, *moving(1000, seed=2)]
        assert fed([*often, *[0.0] * 3])[1] == []

    @pytest.mark.parametrize(("others", "is_new"), [(999, False), (1000, True)])
    def test_one_zero_in_a_thousand_rows_is_allowed(self, others, is_new):
        rules, _ = fed([*moving(500), 0.0, *moving(others - 500, seed=2)])
        assert rules.is_new_zero(0.0) is is_new

    def test_not_while_it_is_learnt(self):
        assert fed([*moving(299), *[0.0] * 20])[1] == []
        assert not fed(moving(299))[0].is_new_zero(0.0)
        assert fed(moving(300))[0].is_new_zero(0.0)

    def test_a_negative_zero_is_0(self):
        assert fed([*moving(400), *[-0.0] * 3])[1] == [(402, "zero")]

    def test_not_a_series_that_is_0_every_night(self):
        assert fed([float(row % 288 > 100) * (1 + row % 7) for row in range(3000)])[1] == []

    def test_only_0_is_a_new_zero(self):
        assert not fed(moving(400))[0].is_new_zero(1e-9)


class TestRareEvent:
    def test_the_first_one_of_a_series_watched_for_a_day(self):
        assert fed([*[0.0] * 299, 5.0])[1] == [(299, "rare_event")]

    def test_not_while_it_is_learnt(self):
        """300 rows of five minutes are more than a day; of rows of an hour, a day is less."""
        assert fed([*[0.0] * 298, 5.0])[1] == []
        assert fed([*[0.0] * 298, 5.0], ValueRules(3600))[1] == []

    def test_not_within_the_first_day(self):
        assert fed([*[0.0] * 1438, 5.0], ValueRules(60))[1] == []
        assert fed([*[0.0] * 1439, 5.0], ValueRules(60))[1] == [(1439, "rare_event")]

    def test_it_lasts_until_it_is_0_again(self):
        rules, begun = fed([*[0.0] * 300, 5.0, 6.0, 7.0])
        assert (begun, rules.active) == ([(300, "rare_event")], "rare_event")
        rules.update(0.0)
        assert rules.active == ""

    @pytest.mark.parametrize("before", [0.0, 5.0])
    def test_what_was_constant_for_months_and_moves_from_now_on_is_an_event_for_two_days_at_most(self, before):
        rules, begun = fed([*[before] * 60_000, *moving(2 * 1440)])
        assert begun == [(60_000, "rare_event")]
        assert rules.active == ""
        assert not rules.is_sparse

    def test_it_lasts_at_most_thirty_rows_of_one_value(self):
        rules, _ = fed([*[0.0] * 300, *[5.0] * 29])
        assert rules.active == "rare_event"
        rules.update(5.0)
        assert rules.active == ""

    def test_the_next_one_only_after_a_month(self):
        month = 30 * 288
        assert [rule for _, rule in fed([*[0.0] * 300, 5.0, *[0.0] * (month - 1), 5.0])[1]] == ["rare_event"]
        assert [rule for _, rule in fed([*[0.0] * 300, 5.0, *[0.0] * month, 5.0])[1]] == ["rare_event"] * 2

    def test_an_event_that_is_not_reported_counts_for_the_month_too(self):
        early = [*[0.0] * 100, 5.0, *[0.0] * 400, 5.0]
        assert fed(early)[1] == []

    def test_at_most_once_a_month_whatever_happens(self):
        random = Random(1)
        rules, begun = fed([float(random.random() < 1 / 2000) for _ in range(6 * 30 * 288)])
        assert rules.is_sparse
        assert {rule for _, rule in begun} == {"rare_event"}
        assert len(begun) <= 6

    def test_every_change_of_a_series_that_hardly_ever_changes(self):
        rules, begun = fed([*[7.0] * 400, 8.0])
        assert begun == [(400, "rare_event")]
        assert rules.is_sparse

    def test_a_change_of_a_series_that_was_once_0(self):
        assert fed([0.0, *[7.0] * 9000, 8.0])[1] == [(9001, "rare_event")]

    def test_not_the_return_to_0(self):
        """Of a series that is mostly 0, only leaving 0 is an event."""
        rules, _ = fed([*[0.0] * 10_000, 5.0])
        since = rules.since_event
        rules.update(0.0)
        assert (since, rules.since_event) == (0, 1)


class TestSparse:
    @pytest.mark.parametrize(("zeros", "is_sparse"), [(899, False), (900, True)])
    def test_a_series_that_is_0_in_nine_of_ten_rows(self, zeros, is_sparse):
        assert fed([*[0.0] * zeros, *moving(1000 - zeros)])[0].is_sparse is is_sparse

    @pytest.mark.parametrize(("changes", "is_sparse"), [(5, True), (6, False)])
    def test_a_series_that_changes_in_one_of_two_hundred_rows(self, changes, is_sparse):
        values = [7.0 + min(row // 100, changes) for row in range(1000)]
        assert fed(values)[0].is_sparse is is_sparse

    def test_not_before_150_rows(self):
        assert not fed([0.0] * 149)[0].is_sparse
        assert fed([0.0] * 150)[0].is_sparse


class TestHalving:
    def test_the_past_counts_half_from_two_weeks_of_minutes_on(self):
        rules, _ = fed(moving(19_999))
        assert rules.rows == 19_999
        rules.update(1.0)
        assert (rules.rows, rules.changes) == (10_000, 9_999)

    def test_a_series_that_stops_being_0_is_no_longer_sparse(self):
        rules, _ = fed([*[0.0] * 20_000, *moving(60_000)])
        assert not rules.is_sparse

    def test_the_longest_runs_are_forgotten_slowly(self):
        rules, _ = fed([*moving(5000), *[0.0] * 100, *moving(14_900, seed=2)])
        assert (rules.longest_same, rules.longest_zero) == (90, 90)
        fed(moving(10_000, seed=3), rules)
        assert (rules.longest_same, rules.longest_zero) == (81, 81)


def test_it_goes_on_where_it_was_saved():
    values = [*moving(400), *[0.0] * 2]
    rules, _ = fed(values)
    again = ValueRules(ROW)
    again.restore(rules.state())
    assert again.state() == rules.state()
    again.update(0.0)
    assert again.active == "zero"
    third = ValueRules(ROW)
    third.restore(again.state())
    assert third.active == "zero"


@pytest.mark.parametrize(
    "state",
    [{}, {"counts": [1] * 7, "last": 1.0}, {"counts": [*[1] * 7, 1.0], "last": 1.0},
      {"counts": [True] * 8, "last": 1.0},
     {"counts": [1] * 8, "last": "1"}, {"counts": [1] * 8, "last": float("inf")}, {"counts": "12345678", "last": None},
     {"counts": [1] * 8, "last": 1.0, "active": "high"}],
)  # fmt: skip
def test_a_damaged_state_is_refused(state):
    with pytest.raises(ValueError, match="damaged"):
        ValueRules(ROW).restore(state)


@given(st.lists(st.sampled_from([0.0, 1.0, 2.0]) | st.floats(allow_nan=False, allow_infinity=False), max_size=400))
def test_whatever_comes_the_counts_add_up(values):
    rules, _ = fed(values)
    assert rules.rows == len(values)
    assert rules.zeros + rules.zero_run == sum(value == 0 for value in values)
    assert rules.changes == sum(a != b for a, b in pairwise(values))
    assert rules.active in ("", "stuck", "zero", "rare_event")
