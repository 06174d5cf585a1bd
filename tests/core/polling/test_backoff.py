"""Pauses grow, end, and never last for ever."""

import math

from hypothesis import given
from hypothesis import strategies as st

from collector_core import Backoff
from collector_core.polling.backoff import LONGEST_RETRY_AFTER

pauses = st.floats(0.001, 1e5)
moments = st.floats(0, 1e9)


def fail_again_and_again(backoff, times):
    """The pauses after failures that happen as soon as one may try again."""
    now, found = 0.0, []
    for _ in range(times):
        retry_at = backoff.failed(now)
        found.append(retry_at - now)
        now = retry_at
    return found


def test_it_may_be_asked_before_any_failure():
    backoff = Backoff(1, 60)
    assert backoff.due(-1e9)
    assert backoff.failures == 0


def test_each_pause_is_twice_as_long_as_the_one_before_up_to_the_longest():
    assert fail_again_and_again(Backoff(1, 60), 9) == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_it_is_due_when_the_pause_is_over_and_not_before():
    backoff = Backoff(10, 60)
    assert backoff.failed(100) == backoff.retry_at == 110
    assert [backoff.due(now) for now in (100, 109.999, 110, 500)] == [False, False, True, True]


def test_a_success_ends_the_pause_and_the_next_failure_is_the_first_one_again():
    backoff = Backoff(1, 60)
    fail_again_and_again(backoff, 5)
    assert backoff.failures == 5
    backoff.succeeded()
    assert backoff.due(0)
    assert backoff.failures == 0
    assert backoff.failed(0) == 1


def test_the_first_pause_may_be_longer_than_the_longest():
    assert fail_again_and_again(Backoff(100, 60), 3) == [100, 100, 100]


def test_jitter_shortens_a_pause_by_up_to_its_share():
    assert [Backoff(8, 60, jitter=0.5, random=lambda x=x: x).failed(0) for x in (0, 0.5, 1)] == [8, 6, 4]
    assert [Backoff(8, 60, jitter=1, random=lambda x=x: x).failed(0) for x in (0, 0.5, 1)] == [8, 4, 0]


def test_jitter_shortens_the_longest_pause_too():
    backoff = Backoff(1, 60, jitter=0.5, random=lambda: 1)
    assert fail_again_and_again(backoff, 8)[-2:] == [30, 30]


def test_without_a_random_of_the_callers_pauses_differ():
    assert len({Backoff(8, 60, jitter=0.5).failed(0) for _ in range(20)}) > 1


def test_the_other_side_may_ask_for_a_longer_pause_but_for_none_that_is_shorter():
    assert Backoff(8, 60).failed(0, retry_after=30) == 30
    assert Backoff(8, 60).failed(0, retry_after=3) == 8
    assert Backoff(8, 60).failed(0, retry_after=0) == 8
    assert Backoff(8, 60).failed(0, retry_after=120) == 120


def test_nobody_is_believed_for_longer_than_an_hour():
    assert Backoff(8, 60).failed(0, retry_after=1e12) == 3600
    assert Backoff(8, 7200).failed(0, retry_after=1e12) == 7200


@given(pauses, pauses, st.floats(0, 1), st.floats(0, 1), st.lists(st.none() | st.floats(0), max_size=200), moments)
def test_a_pause_is_never_negative_nor_endless(first, longest, jitter, share, asked, now):
    backoff = Backoff(first, longest, jitter=jitter, random=lambda: share)
    most = max(first, longest, LONGEST_RETRY_AFTER)
    for retry_after in asked:
        retry_at = backoff.failed(now, retry_after)
        assert now <= retry_at <= (now + most) * (1 + 1e-12)
        assert math.isfinite(retry_at)
        assert backoff.due(retry_at)
        now = retry_at
    assert backoff.failures == len(asked)


@given(pauses, pauses, st.integers(2, 100))
def test_without_jitter_pauses_never_shrink(first, longest, times):
    backoff = Backoff(first, longest)
    found = [backoff.failed(0.0) for _ in range(times)]
    assert found == sorted(found)
    assert found[0] == first
    assert found[-1] <= max(first, longest)
