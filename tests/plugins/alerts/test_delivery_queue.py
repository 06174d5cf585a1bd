"""One channel's queue: at least once under one id, retried with backoff, bounded, and never held up by a refusal."""

import asyncio
import logging
from collections import Counter

import pytest

from collector_core import AuthFailed, Backoff, HttpStatusError, NotAvailable, Reason
from collector_core.testing import FakeClock
from collector_plugins.alerts.background_delivery import BackgroundDelivery, DeliveryRefused
from collector_plugins.alerts.delivery_queue import DeliveryQueue
from tests.plugins.alerts.conftest import message

AWAY = NotAvailable(Reason.UNREACHABLE, "nobody answers")
BUSY = HttpStatusError(429, Reason.UNREACHABLE, "answers 429", is_retryable=True, retry_after=120)
REFUSED = HttpStatusError(400, Reason.BAD_DATA, "answers 400", is_retryable=False)
UNKNOWN_RECIPIENT = DeliveryRefused(Reason.BAD_DATA, "refuses every address")
WRONG_TOKEN = AuthFailed("answers 401", fix="check its token")


MESSAGES = [message(number) for number in range(10)]


class ScriptedChannel:
    """Raises what `failures` says, one after the other; `hold` makes it wait until it is set."""

    def __init__(self):
        self.tried, self.delivered, self.failures, self.hold = [], [], [], None

    async def send(self, message):
        self.tried.append(message)
        if self.hold:
            await self.hold.wait()
        failure = self.failures.pop(0) if self.failures else None
        if failure:
            raise failure
        self.delivered.append(message)


class Subject:
    """A queue in front of a scripted channel; its pauses are as long as they may get."""

    def __init__(self, limit=100):
        self.clock, self.channel, self.counts, self.done = FakeClock(), ScriptedChannel(), Counter(), []
        backoff = Backoff(10, 600, jitter=1, random=lambda: 0.0)
        self.delivery = BackgroundDelivery(self.clock, timeout=30, backoff=backoff)
        self.queue = DeliveryQueue(
            self.channel, self.delivery, self.counts, self.done.append, limit=limit, log=logging.getLogger("test")
        )

    async def deliver(self, seconds=0.0):
        """Let time pass and deliver what is due; returns whether anything was."""
        self.clock.advance(seconds)
        task = self.queue.start_delivery()
        if task:
            await task
        return task is not None

    async def begin(self):
        """Start a delivery and come back when the channel has the message."""
        self.channel.hold = asyncio.Event()
        task = self.queue.start_delivery()
        await asyncio.sleep(0)
        assert self.channel.tried
        return task


@pytest.fixture
def subject():
    return Subject()


def test_messages_are_delivered_in_order_and_then_nothing_is_due(subject, run):
    subject.queue.enqueue(MESSAGES[:2])
    subject.queue.enqueue(MESSAGES[2:3])
    assert subject.delivery.is_up is None
    assert run(subject.deliver())
    assert subject.channel.delivered == MESSAGES[:3]
    assert (subject.counts, subject.done) == ({"sent": 3}, [each.id for each in MESSAGES[:3]])
    assert (len(subject.queue), subject.delivery.is_up, subject.delivery.last_error) == (0, True, None)
    assert not run(subject.deliver(3600))


def test_what_may_pass_is_tried_again_in_order_with_pauses_that_double(subject, run):
    subject.queue.enqueue(MESSAGES[:2])
    subject.channel.failures = 9 * [AWAY]
    assert run(subject.deliver())
    for pause in (10, 20, 40, 80, 160, 320, 600, 600, 600):
        assert (len(subject.queue), subject.delivery.is_up, subject.delivery.last_error) == (2, False, AWAY)
        assert not run(subject.deliver(pause - 0.1))
        assert run(subject.deliver(0.1))
    assert subject.channel.delivered == MESSAGES[:2]
    assert subject.channel.tried == 10 * MESSAGES[:1] + MESSAGES[1:2], "it is the same message under the same id"
    assert subject.counts == {"sent": 2}


def test_after_a_success_pauses_begin_anew(subject, run):
    subject.queue.enqueue(MESSAGES[:2])
    subject.channel.failures = [AWAY, AWAY, None, AWAY]
    run(subject.deliver())
    run(subject.deliver(10))
    run(subject.deliver(20))
    assert subject.channel.delivered == MESSAGES[:1]
    assert not run(subject.deliver(9.9))
    assert run(subject.deliver(0.1))
    assert subject.channel.delivered == MESSAGES[:2]


def test_a_longer_pause_that_the_server_asks_for_is_kept(subject, run):
    subject.queue.enqueue(MESSAGES[:1])
    subject.channel.failures = [BUSY]
    run(subject.deliver())
    assert not run(subject.deliver(119.9))
    assert run(subject.deliver(0.1))


@pytest.mark.parametrize("refusal", [REFUSED, UNKNOWN_RECIPIENT], ids=repr)
def test_a_message_that_is_refused_is_lost_and_said_so_and_the_next_one_goes_on(subject, run, refusal, caplog):
    subject.queue.enqueue(MESSAGES[:2])
    subject.channel.failures = [refusal]
    run(subject.deliver())
    assert subject.channel.tried == MESSAGES[:2]
    assert (subject.counts, subject.done) == ({"failed": 1, "sent": 1}, [each.id for each in MESSAGES[:2]])
    assert [record.message for record in caplog.records] == [f"a notification was refused and is lost: {refusal}"]
    assert subject.delivery.is_up


def test_a_refusal_of_the_last_message_is_what_is_known_of_the_channel(subject, run):
    subject.queue.enqueue(MESSAGES[:1])
    subject.channel.failures = [REFUSED]
    run(subject.deliver())
    assert (subject.delivery.is_up, subject.delivery.last_error) == (False, REFUSED)
    assert not run(subject.deliver(3600)), "nothing waits"


def test_after_a_refused_login_the_other_messages_wait_so_that_no_account_is_locked(subject, run):
    subject.queue.enqueue(MESSAGES[:3])
    subject.channel.failures = [WRONG_TOKEN, WRONG_TOKEN]
    run(subject.deliver())
    assert (subject.channel.tried, subject.counts) == (MESSAGES[:1], {"failed": 1})
    assert (subject.delivery.last_error.reason, subject.delivery.last_error.fix) == (Reason.AUTH, "check its token")
    assert not run(subject.deliver(9.9))
    run(subject.deliver(0.1))
    assert (subject.channel.tried, subject.counts) == (MESSAGES[:2], {"failed": 2})
    assert not run(subject.deliver(19.9))
    run(subject.deliver(0.1))
    assert subject.channel.delivered == MESSAGES[2:3]


def test_a_full_queue_drops_the_oldest_and_counts_them(run):
    subject = Subject(limit=3)
    subject.queue.enqueue(MESSAGES[:5])
    assert (len(subject.queue), subject.counts) == (3, {"dropped": 2})
    assert subject.done == [each.id for each in MESSAGES[:2]]
    run(subject.deliver())
    assert subject.channel.delivered == MESSAGES[2:5]


def test_while_one_delivery_goes_on_no_second_one_starts(subject, run):
    async def story():
        subject.queue.enqueue(MESSAGES[:2])
        task = await subject.begin()
        assert subject.queue.start_delivery() is None
        subject.channel.hold.set()
        await task
        assert subject.channel.tried == MESSAGES[:2]

    run(story())


def test_a_message_that_is_dropped_while_it_is_under_way_counts_once(run):
    subject = Subject(limit=2)

    async def story():
        subject.queue.enqueue(MESSAGES[:1])
        task = await subject.begin()
        subject.queue.enqueue(MESSAGES[1:3])
        assert subject.counts == {"dropped": 1}
        subject.channel.hold.set()
        await task

    run(story())
    assert subject.channel.delivered == MESSAGES[:3]
    assert subject.counts == {"dropped": 1, "sent": 2}
    assert subject.done == [each.id for each in MESSAGES[:3]]


def test_what_is_queued_during_a_delivery_goes_with_it(subject, run):
    async def story():
        subject.queue.enqueue(MESSAGES[:1])
        task = await subject.begin()
        subject.queue.enqueue(MESSAGES[1:2])
        subject.channel.hold.set()
        await task

    run(story())
    assert subject.channel.delivered == MESSAGES[:2]


def test_closing_gives_up_what_is_under_way_and_keeps_it(subject, run):
    async def story():
        subject.queue.enqueue(MESSAGES[:2])
        task = await subject.begin()
        await subject.delivery.close()
        assert task.cancelled()

    run(story())
    assert (len(subject.queue), subject.counts, subject.done) == (2, {}, [])
    subject.channel.hold = None
    assert run(subject.deliver())
    assert subject.channel.delivered == MESSAGES[:2]
