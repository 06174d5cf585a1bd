"""An Alertmanager is kept in sync: what fires again and again, what is resolved until it was received once."""

import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core import AuthFailed, Backoff, NotAvailable, Reason
from collector_core.testing import FakeClock
from collector_plugins.alerts import alertmanager_sync
from collector_plugins.alerts.alert import Alert, Severity
from collector_plugins.alerts.alertmanager_sync import AlertmanagerSync
from collector_plugins.alerts.background_delivery import BackgroundDelivery

AWAY = NotAvailable(Reason.UNREACHABLE, "nobody answers", retry_after=30)
NOW = 1.7e9


def alert(id="1", severity="warning", starts_at=NOW):
    return Alert(id, {"alertname": "Hot", "severity": severity}, starts_at, "It is hot")


class ScriptedReceiver:
    """Keeps what is posted, by id and end; `failures` are raised first, `hold` makes it wait."""

    def __init__(self):
        self.posts, self.failures, self.hold = [], [], None

    async def post_alerts(self, alerts):
        self.posts.append({each.id: each.ends_at for each in alerts})
        if self.hold:
            await self.hold.wait()
        if self.failures:
            raise self.failures.pop(0)


class Subject:
    def __init__(self, clock=None, **options):
        self.clock, self.receiver, self.counts = clock or FakeClock(), ScriptedReceiver(), Counter()
        self.delivery = BackgroundDelivery(self.clock, timeout=30, backoff=Backoff(10, 600))
        options = {"min_severity": Severity.WARNING, "resend": 60} | options
        self.sync = AlertmanagerSync(self.receiver, self.delivery, self.counts, self.clock, **options)

    async def send(self, seconds=0.0):
        """Let time pass and send what is due; returns what was posted."""
        self.clock.advance(seconds)
        before = len(self.receiver.posts)
        task = self.sync.start_delivery()
        if task:
            await task
        return self.receiver.posts[before:]


@pytest.fixture
def subject():
    return Subject()


def test_without_alerts_nothing_is_sent(subject, run):
    subject.sync.update_alerts(NOW, [])
    assert run(subject.send()) == run(subject.send(3600)) == []
    assert subject.delivery.is_up is None


def test_a_new_alert_is_sent_at_once_and_counted_once(subject, run):
    subject.sync.update_alerts(NOW, [alert()])
    assert len(subject.sync) == 1
    assert run(subject.send()) == [{"1": None}]
    assert (len(subject.sync), subject.counts, subject.delivery.is_up) == (0, {"sent": 1}, True)
    subject.sync.update_alerts(NOW + 5, [alert()])
    assert (len(subject.sync), run(subject.send(5))) == (0, [])


def test_what_fires_is_sent_again_in_time_without_being_counted(subject, run):
    subject.sync.update_alerts(NOW, [alert()])
    run(subject.send())
    assert run(subject.send(59.9)) == []
    assert run(subject.send(0.1)) == [{"1": None}]
    assert run(subject.send(59.9)) == []
    assert run(subject.send(0.1)) == [{"1": None}]
    assert subject.counts == {"sent": 1}


def test_everything_goes_with_what_is_new(subject, run):
    subject.sync.update_alerts(NOW, [alert("1")])
    run(subject.send())
    subject.sync.update_alerts(NOW + 5, [alert("1"), alert("2")])
    assert run(subject.send(5)) == [{"1": None, "2": None}]
    assert subject.counts == {"sent": 2}


def test_an_end_is_sent_once_with_its_time_and_then_forgotten(subject, run):
    subject.sync.update_alerts(NOW, [alert()])
    run(subject.send())
    subject.sync.update_alerts(NOW + 5, [])
    subject.sync.update_alerts(NOW + 10, [])
    assert run(subject.send(10)) == [{"1": NOW + 5}]
    assert (subject.sync.known, len(subject.sync), subject.counts) == ({}, 0, {"sent": 2})
    assert run(subject.send(3600)) == []


def test_less_severe_alerts_are_left_out(subject, run):
    subject.sync.update_alerts(NOW, [alert("1", "info"), alert("2", "warning"), alert("3", "critical")])
    assert run(subject.send()) == [{"2": None, "3": None}]


def test_without_resolved_notifications_an_end_is_not_sent_and_the_alert_not_sent_again(run):
    subject = Subject(send_resolved=False)
    subject.sync.update_alerts(NOW, [alert()])
    run(subject.send())
    subject.sync.update_alerts(NOW + 5, [])
    assert (subject.sync.known, len(subject.sync)) == ({}, 0)
    assert run(subject.send(3600)) == []


def test_while_it_is_away_it_is_asked_with_pauses_and_hears_of_everything_afterwards(subject, run):
    subject.receiver.failures = [AWAY, AWAY]
    subject.sync.update_alerts(NOW, [alert("1"), alert("2")])
    run(subject.send())
    assert (subject.delivery.is_up, subject.delivery.last_error, len(subject.sync)) == (False, AWAY, 2)
    subject.sync.update_alerts(NOW + 5, [alert("2")])
    assert run(subject.send(29.9)) == [], "it asked for 30 s"
    assert run(subject.send(0.1)) == [{"1": NOW + 5, "2": None}]
    assert run(subject.send(29.9)) == []
    assert run(subject.send(0.1)) == [{"1": NOW + 5, "2": None}]
    assert (subject.sync.known.keys(), subject.counts, subject.delivery.last_error) == ({"2"}, {"sent": 2}, None)


def test_pauses_grow_and_begin_anew_after_a_success(subject, run):
    subject.sync.update_alerts(NOW, [alert()])
    away = NotAvailable(Reason.UNREACHABLE)
    subject.receiver.failures = [away, away]
    run(subject.send())
    assert [run(subject.send(9.9)), len(run(subject.send(0.1)))] == [[], 1]
    assert [run(subject.send(19.9)), len(run(subject.send(0.1)))] == [[], 1]
    subject.receiver.failures = [away]
    assert len(run(subject.send(60))) == 1
    assert [run(subject.send(9.9)), len(run(subject.send(0.1)))] == [[], 1]


def test_a_refusal_is_no_reason_to_give_up_the_state(subject, run):
    subject.receiver.failures = [AuthFailed("answers 401")]
    subject.sync.update_alerts(NOW, [alert()])
    run(subject.send())
    assert (subject.delivery.last_error.reason, len(subject.sync)) == (Reason.AUTH, 1)
    assert run(subject.send(10)) == [{"1": None}]


def test_an_alert_that_ends_and_fires_again_unheard_is_one_that_fires(subject, run):
    subject.sync.update_alerts(NOW, [alert()])
    run(subject.send())
    subject.sync.update_alerts(NOW + 5, [])
    subject.sync.update_alerts(NOW + 10, [alert(starts_at=NOW + 10)])
    assert run(subject.send(10)) == [{"1": None}]
    assert len(subject.sync) == 0


async def during_a_post(subject, happen):
    """Let something happen while the receiver has not answered yet."""
    subject.receiver.hold = asyncio.Event()
    task = subject.sync.start_delivery()
    await asyncio.sleep(0)
    assert subject.sync.start_delivery() is None, "one at a time"
    happen()
    subject.receiver.hold.set()
    await task
    subject.receiver.hold = None


def test_what_ends_while_it_is_being_sent_is_sent_next(subject, run):
    subject.sync.update_alerts(NOW, [alert()])
    run(during_a_post(subject, lambda: subject.sync.update_alerts(NOW + 5, [])))
    assert len(subject.sync) == 1
    assert run(subject.send()) == [{"1": NOW + 5}]


def test_what_fires_again_while_its_end_is_being_sent_is_sent_next(subject, run):
    subject.sync.update_alerts(NOW, [alert()])
    run(subject.send())
    subject.sync.update_alerts(NOW + 5, [])
    run(during_a_post(subject, lambda: subject.sync.update_alerts(NOW + 10, [alert()])))
    assert (len(subject.sync), subject.sync.known.keys()) == (1, {"1"})
    assert run(subject.send()) == [{"1": None}]


def test_what_still_fires_after_being_sent_is_not_new_though_its_values_changed(subject, run):
    subject.sync.update_alerts(NOW, [alert()])
    run(during_a_post(subject, lambda: subject.sync.update_alerts(NOW + 5, [alert(), alert("2")])))
    assert len(subject.sync) == 1, "the other one is"


def test_after_a_restart_everything_is_sent_again_with_what_has_ended_since(run):
    before = Subject()
    before.sync.update_alerts(NOW, [alert("1"), alert("2"), alert("3")])
    run(before.send())
    before.receiver.failures = [AWAY]
    before.sync.update_alerts(NOW + 5, [alert("1"), alert("2")])
    run(before.send())
    after = Subject(before.clock)
    after.sync.restore_known(before.sync.known)
    assert len(after.sync) == 1
    after.sync.update_alerts(NOW + 100, [alert("1")])
    assert run(after.send()) == [{"1": None, "2": NOW + 100, "3": NOW + 5}]
    assert after.counts == {"sent": 2}, "two ends; that the first one fires is no news"


def test_closing_gives_up_what_is_under_way(subject, run):
    async def story():
        subject.sync.update_alerts(NOW, [alert()])
        subject.receiver.hold = asyncio.Event()
        task = subject.sync.start_delivery()
        await asyncio.sleep(0)
        await subject.delivery.close()
        return task.cancelled()

    assert run(story())
    assert (len(subject.sync), subject.counts) == (1, {})


def test_of_too_many_ends_that_nobody_hears_the_oldest_are_dropped(subject, monkeypatch):
    monkeypatch.setattr(alertmanager_sync, "MAX_RESOLVED", 3)
    for number in range(5):
        subject.sync.update_alerts(NOW + number, [alert(f"{number}"), alert("stays")])
    subject.sync.update_alerts(NOW + 5, [alert("stays")])
    assert set(subject.sync.known) == {"stays", "2", "3", "4"}
    assert len(subject.sync) == 4


@given(st.lists(st.tuples(st.sets(st.integers(0, 4)), st.booleans(), st.integers(0, 200)), max_size=30))
def test_whatever_fails_in_the_end_the_receiver_knows_what_fires_and_what_has_ended(steps):
    subject, known = Subject(), {}

    async def story():
        for number, (firing, fails, seconds) in enumerate([*steps, (set(), False, 1000), (set(), False, 1000)]):
            subject.receiver.failures = [AWAY] if fails else []
            subject.sync.update_alerts(NOW + number, [alert(f"{each}") for each in firing])
            for post in await subject.send(seconds):
                if not fails:
                    known.update(post)

    asyncio.run(story())
    assert None not in known.values(), "everything that was heard of has ended"
    assert subject.sync.known == {}
