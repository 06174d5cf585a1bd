"""Many targets: each hangs, fails, refuses and comes back alone."""

import asyncio
import contextlib
import gc
import warnings

import pytest

from collector_core import AuthFailed, NoTargetAvailable, NotAvailable, Targets, reason_of
from collector_core.polling.targets import usual_patience

A_MOMENT = 0.01  # seconds that a poll waits for what hangs


class Probe:
    """What targets do: `says` has a value, an exception or a coroutine function for each name."""

    def __init__(self, **says):
        self.says = says
        self.asked = []
        self.cancelled = []

    async def ask(self, name, place):
        self.asked.append(name)
        assert place == f"at {name}"
        said = self.says[name]
        try:
            value = await said() if callable(said) else said
        except asyncio.CancelledError:
            self.cancelled.append(name)
            raise
        if isinstance(value, BaseException):
            raise value
        return value

    @property
    def places(self):
        return {name: f"at {name}" for name in self.says}


async def hang():
    await asyncio.Event().wait()


@pytest.fixture
async def targets(context):
    """Makes `Targets` of a probe."""
    made = []

    def make(probe, ctx=None, **options):
        made.append(Targets(ctx or context(), probe.places, probe.ask, **({"patience": A_MOMENT} | options)))
        return made[-1]

    yield make
    for each in made:
        await each.close()


@pytest.fixture
def poll(readings, clock):
    """Polls after some seconds; returns the answers and the failed parts' texts by name."""

    async def run(targets, *, after=0.0):
        clock.advance(after)
        out = readings()
        answers = dict(await targets.poll(out, label="target"))
        return answers, {part.labels["target"]: str(part.error) for part in out.part_failures}

    return run


def refuse():
    return NotAvailable("unreachable", "refused")


async def test_all_are_asked_together(targets, poll):
    both = asyncio.Barrier(2)
    answers, failed = await poll(targets(Probe(a=both.wait, b=both.wait), patience=40))
    assert sorted(answers.values()) == [0, 1]
    assert failed == {}


async def test_what_answers_is_asked_at_every_poll(targets, poll):
    probe = Probe(a=1)
    made = targets(probe)
    for value in range(5):
        probe.says["a"] = value
        assert await poll(made) == ({"a": value}, {})
    assert probe.asked == ["a"] * 5


async def test_without_targets_there_is_nothing_to_say(targets, poll):
    assert await poll(targets(Probe())) == ({}, {})


async def test_those_that_hang_are_failed_parts_and_cost_the_others_nothing(targets, poll):
    probe = Probe(a=hang, b=1, c=hang)
    made = targets(probe)
    for _ in range(5):
        answers, failed = await poll(made, after=1)
        assert answers == {"b": 1}
        assert failed == {"a": "no answer yet", "c": "no answer yet"}
    assert [probe.asked.count(name) for name in "abc"] == [1, 5, 1]


async def test_a_call_past_its_deadline_by_the_collectors_clock_is_cancelled(targets, poll):
    probe = Probe(a=hang, b=1)
    made = targets(probe, deadline=10)
    await poll(made)
    assert (await poll(made, after=9.9))[1] == {"a": "no answer yet"}
    assert probe.cancelled == []
    assert (await poll(made, after=0.1))[1] == {"a": "no answer within 10 s"}
    assert probe.cancelled == ["a"]


async def test_it_is_cancelled_at_its_deadline_without_another_poll(targets, poll):
    gone = asyncio.Event()

    async def wait():
        try:
            await hang()
        finally:
            gone.set()

    made = targets(Probe(a=wait, b=1), deadline=2 * A_MOMENT)
    await poll(made)
    await gone.wait()
    assert (await poll(made))[1] == {"a": "no answer within 0.02 s"}


async def test_the_deadline_is_most_of_the_timeout(targets, poll, context):
    made = targets(Probe(a=hang, b=1), context(timeout=10.0))
    await poll(made)
    assert (await poll(made, after=7.9))[1] == {"a": "no answer yet"}
    assert (await poll(made, after=0.1))[1] == {"a": "no answer within 8 s"}


async def test_a_call_that_cannot_be_cancelled_is_abandoned_and_no_second_one_begins(targets, poll):
    release = asyncio.Event()

    async def ignore():
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        return "too late"

    probe = Probe(a=ignore, b=1)
    made = targets(probe, deadline=10)
    await poll(made)
    assert made.abandoned == 0
    for _ in range(20):
        assert await poll(made, after=60) == ({"b": 1}, {"a": "no answer within 10 s"})
        assert made.abandoned == 1
    assert probe.asked.count("a") == 1
    release.set()
    probe.says["a"] = 2
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (await poll(made, after=60))[0] == {"a": 2, "b": 1}
    assert made.abandoned == 0


async def test_a_call_that_ignored_one_cancellation_is_cancelled_again_at_the_next_poll(targets, poll):
    async def ignore_once():
        with contextlib.suppress(asyncio.CancelledError):
            await hang()
        await hang()

    probe = Probe(a=ignore_once, b=1)
    made = targets(probe, deadline=10)
    await poll(made)
    await poll(made, after=10)
    assert made.abandoned == 1
    await poll(made, after=1)
    assert probe.cancelled == ["a"]


@pytest.mark.parametrize(
    ("interval", "timeout", "seconds"), [(1.0, 3600.0, 0.5), (3600.0, 3.0, 1.5), (3600.0, 3600.0, 2.0)]
)
def test_answers_wait_half_a_run_for_the_others_but_never_long(interval, timeout, seconds):
    assert usual_patience(interval, timeout) == seconds


async def test_without_a_patience_of_its_own_it_is_the_usual_one(targets, poll, context):
    made = targets(Probe(a=hang, b=1), context(interval=2 * A_MOMENT, timeout=3600.0), patience=None, deadline=7200)
    assert await poll(made) == ({"b": 1}, {"a": "no answer yet"})


async def test_after_failures_the_pauses_grow_up_to_a_minute(targets, poll, clock):
    probe = Probe(a=refuse(), b=1)
    made = targets(probe)
    started, asked = clock.monotonic(), []
    for _ in range(400):
        before = probe.asked.count("a")
        assert (await poll(made))[1] == {"a": "refused"}
        if probe.asked.count("a") > before:
            asked.append(clock.monotonic() - started)
        clock.advance(1)
    assert asked[:9] == [0, 1, 3, 7, 15, 31, 63, 123, 183]
    assert probe.asked.count("b") == 400


async def test_a_poll_a_little_early_is_in_time(targets, poll):
    probe = Probe(a=refuse(), b=1)
    made = targets(probe)
    await poll(made)
    await poll(made, after=0.49)
    assert probe.asked.count("a") == 1
    await poll(made, after=0.02)
    assert probe.asked.count("a") == 2


async def test_a_target_that_comes_back_is_as_new(targets, poll):
    probe = Probe(a=refuse(), b=1)
    made = targets(probe)
    for _ in range(5):
        await poll(made, after=60)
    probe.says["a"] = 2
    assert await poll(made, after=60) == ({"a": 2, "b": 1}, {})
    probe.says["a"] = refuse()
    assert (await poll(made, after=1))[1] == {"a": "refused"}
    probe.says["a"] = 3
    assert (await poll(made, after=1))[0] == {"a": 3, "b": 1}


async def test_the_longest_pause_is_an_option(targets, poll):
    probe = Probe(a=refuse(), b=1)
    made = targets(probe, longest_pause=2)
    for _ in range(21):
        await poll(made, after=1)
    assert probe.asked.count("a") == 11


async def test_a_target_may_ask_to_be_left_alone(targets, poll):
    probe = Probe(a=NotAvailable("unreachable", "busy", retry_after=100), b=1)
    made = targets(probe)
    await poll(made)
    await poll(made, after=99)
    assert probe.asked.count("a") == 1
    await poll(made, after=1)
    assert probe.asked.count("a") == 2


async def test_refused_credentials_are_never_tried_again_and_the_others_go_on(targets, poll, readings):
    probe = Probe(a=AuthFailed("wrong password", fix="correct it"), b=1)
    made = targets(probe)
    for _ in range(3):
        await made.close()  # the collector was closed after some other failure, and opens again
        for _ in range(3):
            assert await poll(made, after=1e6) == ({"b": 1}, {"a": "wrong password"})
    assert probe.asked.count("a") == 1
    out = readings()
    await made.poll(out, label="target")
    (part,) = out.part_failures
    assert reason_of(part.error) == "auth"
    assert part.error.fix == "correct it"
    assert not isinstance(part.error, AuthFailed)  # which would end the runs of the others


async def test_where_all_refuse_the_run_is_refused(targets, poll):
    made = targets(Probe(a=AuthFailed("no", fix="do"), b=AuthFailed("never")))
    with pytest.raises(AuthFailed, match="^a: no; b: never$") as caught:
        await poll(made)
    assert caught.value.fix == "do"


async def test_where_some_refuse_and_the_others_fail_the_run_may_yet_recover(targets, poll):
    probe = Probe(a=refuse(), b=AuthFailed("no"))
    made = targets(probe)
    with pytest.raises(NoTargetAvailable, match="^b: no; a: refused$") as caught:
        await poll(made)
    assert caught.value.reason == "auth"
    probe.says["a"] = 1
    assert await poll(made, after=1) == ({"a": 1}, {"b": "no"})
    assert probe.asked.count("b") == 1


async def test_where_all_fail_the_run_says_the_worst_reason_first_and_three_names(targets, poll):
    errors = {
        "a": TimeoutError("slow"),
        "b": refuse(),
        "c": ValueError("odd"),
        "d": NotAvailable("permission", "locked", fix="chmod"),
    }
    with pytest.raises(NoTargetAvailable) as caught:
        await poll(targets(Probe(**errors)))
    assert caught.value.reason == "permission"
    assert caught.value.fix == "chmod"
    assert str(caught.value) == "d: locked; c: ValueError: odd; b: refused; and 1 more"
    del errors["a"]
    with pytest.raises(NoTargetAvailable, match="^d: locked; c: ValueError: odd; b: refused$"):
        await poll(targets(Probe(**errors)))


async def test_where_there_is_one_target_only_it_needs_no_name(targets, poll):
    with pytest.raises(NoTargetAvailable, match="^refused$"):
        await poll(targets(Probe(a=refuse())))


async def test_a_run_that_needs_no_answer_goes_on_where_all_fail(targets, readings):
    out = readings()
    assert await targets(Probe(a=refuse(), b=AuthFailed())).poll(out, label="target", optional=True) == []
    assert [part.name for part in out.part_failures] == ["target=a", "target=b"]


async def test_that_all_fail_can_be_had_without_recording_them(targets, clock):
    probe = Probe(a=1, b=refuse())
    made = targets(probe)
    await made.refresh()
    made.raise_if_all_failed()
    probe.says["a"] = refuse()
    clock.advance(1)
    await made.refresh()
    with pytest.raises(NoTargetAvailable, match="^a: refused; b: refused$"):
        made.raise_if_all_failed()


async def test_where_all_hang_the_run_waits_until_their_deadline_and_fails(targets, poll):
    made = targets(Probe(a=hang, b=hang), deadline=2 * A_MOMENT)
    with pytest.raises(
        NoTargetAvailable, match=r"^a: no answer within 0\.02 s; b: no answer within 0\.02 s$"
    ) as caught:
        await poll(made)
    assert caught.value.reason == "timeout"


async def test_where_all_were_down_each_comes_back_by_itself(targets, poll):
    probe = Probe(a=refuse(), b=refuse())
    made = targets(probe)
    for _ in range(100):
        with pytest.raises(NoTargetAvailable):
            await poll(made, after=60)
        await made.close()
    probe.says["b"] = 1
    assert await poll(made, after=60) == ({"b": 1}, {"a": "refused"})


async def test_a_run_without_any_answer_waits_longer_for_the_first_one(targets, poll):
    async def be_slow():
        await asyncio.sleep(5 * A_MOMENT)
        return 1

    assert await poll(targets(Probe(a=be_slow, b=hang, c=refuse()), deadline=30)) == (
        {"a": 1},
        {"b": "no answer yet", "c": "refused"},
    )


async def test_a_run_ends_before_its_timeout_though_a_deadline_is_later(targets, poll, context):
    made = targets(Probe(a=hang), context(timeout=5 * A_MOMENT), deadline=3600)
    assert await poll(made) == ({}, {"a": "no answer yet"})


async def test_a_program_that_looks_once_waits_for_all(targets, poll, context):
    async def be_slow():
        await asyncio.sleep(5 * A_MOMENT)
        return 1

    assert await poll(targets(Probe(a=be_slow, b=1), context(keeps_running=False))) == ({"a": 1, "b": 1}, {})


async def test_a_program_that_looks_once_waits_for_the_whole_timeout_and_says_who_is_missing(targets, poll, context):
    async def be_slow():
        await asyncio.sleep(5 * A_MOMENT)
        return 1

    made = targets(Probe(a=be_slow, b=1, c=hang), context(keeps_running=False, timeout=5 * A_MOMENT), deadline=30)
    assert await poll(made) == ({"a": 1, "b": 1}, {"c": "no answer yet"})


async def test_a_second_look_waits_for_what_the_first_one_asked(targets, poll, context):
    released = asyncio.Event()

    async def be_slow():
        await released.wait()
        return 1

    made = targets(Probe(a=be_slow, b=1), context(keeps_running=False, timeout=2 * A_MOMENT), deadline=30)
    assert await poll(made) == ({"b": 1}, {"a": "no answer yet"})
    asyncio.get_running_loop().call_later(A_MOMENT, released.set)
    assert await poll(made, after=1) == ({"a": 1, "b": 1}, {})


async def test_a_slow_answer_is_shown_until_the_next_one_that_takes_as_long_is_there(targets, poll, clock):
    release = asyncio.Event()

    async def take_fifteen_seconds():
        await release.wait()
        clock.advance(15)
        return "slow"

    made = targets(Probe(a=take_fifteen_seconds, b=1), deadline=1000)
    await poll(made)
    release.set()
    await asyncio.sleep(A_MOMENT)
    release.clear()
    for _ in range(30):
        assert (await poll(made, after=1))[0]["a"] == "slow"
    assert (await poll(made, after=2)) == ({"b": 1}, {"a": "no answer yet"})


async def test_an_answer_that_comes_between_two_polls_is_shown_by_the_second(targets, poll):
    asked, release = asyncio.Event(), asyncio.Event()

    async def be_slow():
        asked.set()
        await release.wait()
        return "late"

    probe = Probe(a=be_slow, b=1)
    made = targets(probe)
    assert (await poll(made))[0] == {"b": 1}
    release.set()
    await asyncio.sleep(A_MOMENT)
    probe.says["a"] = hang
    assert (await poll(made, after=1))[0] == {"a": "late", "b": 1}


async def test_an_answer_is_shown_for_three_intervals_while_the_next_one_is_waited_for(targets, poll, context, clock):
    probe = Probe(a=1, b=1)
    made = targets(probe, context(interval=10.0), deadline=1000)
    await poll(made)
    answered_at = clock.monotonic()
    probe.says["a"] = hang
    assert (await poll(made, after=30))[0] == {"a": 1, "b": 1}
    assert (await poll(made, after=0.1)) == ({"b": 1}, {"a": "no answer yet"})
    assert made.last("a") == (1, answered_at)


async def test_with_short_intervals_an_answer_is_shown_for_five_seconds(targets, poll):
    probe = Probe(a=1, b=1)
    made = targets(probe, deadline=1000)
    await poll(made)
    probe.says["a"] = hang
    assert (await poll(made, after=5))[0] == {"a": 1, "b": 1}
    assert (await poll(made, after=0.1))[0] == {"b": 1}


async def test_a_failure_takes_the_answer_away_at_once(targets, poll):
    probe = Probe(a=1, b=1)
    made = targets(probe)
    await poll(made)
    probe.says["a"] = refuse()
    assert await poll(made, after=1) == ({"b": 1}, {"a": "refused"})
    probe.says["a"] = hang
    assert await poll(made, after=1) == ({"b": 1}, {"a": "refused"})
    assert made.last("a").value == 1


async def test_before_the_first_answer_there_is_no_last_one(targets):
    assert targets(Probe(a=1)).last("a") is None


async def test_targets_may_be_asked_less_often_than_they_are_polled(targets, poll):
    probe = Probe(a=1, b=1)
    made = targets(probe, interval=10)
    for _ in range(31):
        assert (await poll(made))[0] == {"a": 1, "b": 1}
        await poll(made, after=1)
    assert probe.asked.count("a") == 4
    probe.says["a"] = hang
    assert (await poll(made, after=29))[0] == {"a": 1, "b": 1}  # three of its intervals


async def test_after_a_failure_they_are_asked_again_after_one_of_their_own_intervals(targets, poll):
    probe = Probe(a=refuse(), b=1)
    made = targets(probe, interval=10)
    await poll(made)
    await poll(made, after=9)
    assert probe.asked.count("a") == 1
    await poll(made, after=1)
    assert probe.asked.count("a") == 2


async def test_whatever_one_raises_is_its_own_failure(targets, poll):
    probe = Probe(a=asyncio.CancelledError(), b=KeyError("apower"), c=TimeoutError(), d=TimeoutError("slow"), e=1)
    answers, failed = await poll(targets(probe))
    assert answers == {"e": 1}
    assert failed == {"a": "CancelledError", "b": "'apower'", "c": "no answer within 40 s", "d": "slow"}


async def test_answers_and_failures_can_be_had_without_recording_them(targets):
    made = targets(Probe(a=1, b=refuse(), c=hang))
    await made.refresh()
    assert made.answers == {"a": 1}
    assert {name: str(error) for name, error in made.failures.items()} == {"b": "refused", "c": "no answer yet"}


async def test_a_run_that_is_cancelled_leaves_the_calls_to_the_next_one(targets, poll):
    asked, release = asyncio.Event(), asyncio.Event()

    async def be_slow():
        asked.set()
        await release.wait()
        return 1

    probe = Probe(a=be_slow)
    made = targets(probe, patience=40)
    run = asyncio.create_task(poll(made))
    await asked.wait()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    release.set()
    assert await poll(made) == ({"a": 1}, {})
    assert probe.asked == ["a"]


async def test_close_cancels_what_is_under_way_and_a_poll_asks_again(targets, poll):
    probe = Probe(a=hang, b=1)
    made = targets(probe)
    await poll(made)
    await made.close()
    assert probe.cancelled == ["a"]
    probe.says["a"] = 2
    assert (await poll(made))[0] == {"a": 2, "b": 1}


async def test_close_returns_although_a_call_ignores_it(targets, poll, monkeypatch):
    monkeypatch.setattr("collector_core.polling.targets.CLOSE_SECONDS", A_MOMENT)
    release = asyncio.Event()

    async def ignore():
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    made = targets(Probe(a=ignore, b=1))
    await poll(made)
    await made.close()
    assert made.abandoned == 1
    release.set()


async def test_a_failure_nobody_looks_at_is_not_reported_by_asyncio(context, poll):
    said = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: said.append(context))
    release = asyncio.Event()

    async def fail_late():
        await release.wait()
        raise ValueError

    probe = Probe(a=fail_late, b=1)
    made = Targets(context(), probe.places, probe.ask, patience=A_MOMENT)
    await poll(made)
    release.set()
    await asyncio.sleep(A_MOMENT)
    del made, probe
    with warnings.catch_warnings(action="ignore"):  # of what other tests have left
        gc.collect()
    assert said == []
