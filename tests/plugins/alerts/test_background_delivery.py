"""One delivery at a time, with pauses after failures, and what is told of a failure."""

import asyncio

import pytest

from collector_core import AuthFailed, Backoff, HttpStatusError, NotAvailable, Reason
from collector_core.testing import FakeClock
from collector_plugins.alerts.background_delivery import (
    BackgroundDelivery,
    DeliveryRefused,
    attempt_delivery,
    is_final,
    new_backoff,
)

AWAY = NotAvailable(Reason.UNREACHABLE, "nobody answers")
BUSY = HttpStatusError(429, Reason.UNREACHABLE, "answers 429", is_retryable=True, retry_after=120)
REFUSED = HttpStatusError(400, Reason.BAD_DATA, "answers 400", is_retryable=False)
UNKNOWN_RECIPIENT = DeliveryRefused(Reason.BAD_DATA, "refuses every address")


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def subject(clock):
    return BackgroundDelivery(clock, timeout=30, backoff=Backoff(10, 600))


async def raises(error):
    raise error


def test_an_attempt_that_works_returns_nothing(run):
    assert run(attempt_delivery(asyncio.sleep(0), 1)) is None


@pytest.mark.parametrize("error", [AWAY, REFUSED, UNKNOWN_RECIPIENT], ids=repr)
def test_an_attempt_returns_how_it_failed(run, error):
    assert run(attempt_delivery(raises(error), 1)) is error


def test_an_attempt_that_hangs_is_given_up(run):
    error = run(attempt_delivery(asyncio.Event().wait(), 0.01))
    assert (error.reason, error.detail) == (Reason.TIMEOUT, "no answer within 0.01 s")


def test_of_an_unknown_error_only_the_kind_is_told_because_its_text_may_hold_a_secret(run):
    error = run(attempt_delivery(raises(ValueError("https://hooks.example/t0ken")), 1))
    assert (error.reason, error.detail) == (Reason.BAD_DATA, "ValueError while sending")
    assert error.__cause__ is None


def test_a_refused_login_is_a_refusal(run):
    error = run(attempt_delivery(raises(AuthFailed("answers 401", fix="check its token")), 1))
    assert isinstance(error, DeliveryRefused)
    assert (error.reason, error.detail, error.fix) == (Reason.AUTH, "answers 401", "check its token")


def test_what_is_final_is_what_was_refused():
    assert [is_final(each) for each in (AWAY, BUSY, REFUSED, UNKNOWN_RECIPIENT)] == [False, False, True, True]


def test_it_says_how_the_last_attempt_ended(subject, run):
    assert (subject.is_up, subject.last_error) == (None, None)
    assert run(subject.attempt(raises(AWAY))) is AWAY
    assert (subject.is_up, subject.last_error) == (False, AWAY)
    assert run(subject.attempt(asyncio.sleep(0))) is None
    assert (subject.is_up, subject.last_error) == (True, None)


def test_nothing_starts_while_something_is_under_way_or_a_pause_lasts(subject, clock, run):
    async def story():
        task = subject.start(asyncio.sleep(0))
        assert not subject.can_start
        await task
        assert subject.can_start
        subject.pause(AWAY)
        assert not subject.can_start
        clock.advance(10)
        assert subject.can_start
        subject.pause(BUSY)
        clock.advance(119.9)
        assert not subject.can_start
        clock.advance(0.1)
        assert subject.can_start

    run(story())


def test_a_success_ends_the_pauses(subject, clock, run):
    subject.pause(AWAY)
    subject.pause(AWAY)
    run(subject.attempt(asyncio.sleep(0)))
    assert subject.can_start
    subject.pause(AWAY)
    clock.advance(10)
    assert subject.can_start


def test_pauses_are_left_to_chance_from_nothing_to_the_longest():
    pauses = set()
    for _ in range(200):
        backoff = new_backoff()
        pauses.add(backoff.failed(0.0))
    assert 0 <= min(pauses) < 2
    assert 8 < max(pauses) <= 10
