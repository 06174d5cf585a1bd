"""How often the cloud is asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core.testing import FakeClock
from collector_plugins.solix.request_budget import (
    LIMIT,
    LOGIN_LIMIT,
    LONGEST_BACKOFF,
    WINDOW,
    HeldBack,
    RequestBudget,
    RequestResult,
)


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def budget(clock):
    return RequestBudget(clock, "login", lambda: 0.0)


def test_five_requests_a_minute_and_then_a_wait(budget, clock):
    assert [budget.claim_request("a") for _ in range(LIMIT)] == [0] * LIMIT
    clock.advance(20)
    assert budget.claim_request("a") == pytest.approx(WINDOW - 20)
    assert budget.claim_request("b") == 0
    clock.advance(WINDOW - 20)
    assert budget.claim_request("a") == 0


def test_logins_have_a_budget_of_their_own(budget, clock):
    for _ in range(LOGIN_LIMIT):
        budget.claim_request("login")
    clock.advance(WINDOW)
    with pytest.raises(HeldBack):
        budget.claim_request("login")
    clock.advance(600)
    assert budget.claim_request("login") == 0


@pytest.mark.parametrize(
    "result", [RequestResult.LIMITED, RequestResult.SERVER_ERROR, RequestResult.TIMEOUT, RequestResult.UNREACHABLE]
)
def test_a_cloud_in_trouble_is_left_alone_for_longer_and_longer(budget, clock, result):
    pauses = []
    for _ in range(8):
        budget.record_result("a", result)
        with pytest.raises(HeldBack) as held:
            budget.claim_request("a")
        pauses.append(held.value.seconds)
        clock.advance(held.value.seconds)
        budget.claim_request("a")
    assert pauses == [60, 120, 240, 480, 960, 1920, LONGEST_BACKOFF, LONGEST_BACKOFF]
    budget.record_result("a", RequestResult.OK)
    budget.record_result("a", result)
    with pytest.raises(HeldBack) as held:
        budget.claim_request("a")
    assert held.value.seconds == 60


@pytest.mark.parametrize(
    "result", [RequestResult.REFUSED, RequestResult.UNAUTHORIZED, RequestResult.BAD_DATA, RequestResult.OK]
)
def test_other_failures_hold_nothing_back(budget, result):
    budget.record_result("a", result)
    assert budget.claim_request("a") == 0


def test_the_cloud_may_say_when_to_come_back(budget):
    budget.record_result("a", RequestResult.LIMITED, 300)
    with pytest.raises(HeldBack) as held:
        budget.claim_request("a")
    assert held.value.seconds == 300


def test_a_foreign_endpoint_cannot_flood_the_metrics(budget):
    for number in range(1000):
        budget.record_result(f"endpoint{number}", RequestResult.OK)
    assert len(budget.results) == 100


def test_half_of_a_pause_is_left_to_chance(clock):
    pauses = []
    for chance in (0.0, 0.5, 1.0):
        budget = RequestBudget(clock, "login", lambda chance=chance: chance)
        budget.record_result("a", RequestResult.LIMITED)
        with pytest.raises(HeldBack) as held:
            budget.claim_request("a")
        pauses.append(held.value.seconds)
    assert pauses == [60, 45, 30]


def test_no_wish_of_the_cloud_is_respected_for_longer_than_an_hour(budget, clock):
    budget.record_result("a", RequestResult.LIMITED, 1e9)
    clock.advance(LONGEST_BACKOFF)
    assert budget.claim_request("a") == 0


@given(st.lists(st.floats(0, 30), max_size=200))
def test_no_minute_ever_sees_more_than_the_budget(steps):
    clock = FakeClock()
    budget = RequestBudget(clock, "login", lambda: 0.0)
    made = []
    for step in steps:
        clock.advance(step)
        if budget.claim_request("a") == 0:
            made.append(clock.monotonic())
    for start in made:
        assert sum(start <= at < start + WINDOW for at in made) <= LIMIT
