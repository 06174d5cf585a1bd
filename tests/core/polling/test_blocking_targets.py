"""Targets whose calls block: each has a thread of its own, and one that hangs holds up nobody."""

import threading

import pytest

from collector_core import AuthFailed, BlockingTargets, NoTargetAvailable, NotAvailable

A_MOMENT = 0.01  # seconds that a poll waits for what hangs


class Probe:
    """`says` has a value, an exception or a function for each name."""

    def __init__(self, **says):
        self.says = says
        self.asked = []
        self.threads = set()

    def ask(self, name, place):
        self.asked.append(name)
        self.threads.add(threading.current_thread().name)
        assert place == f"at {name}"
        said = self.says[name]
        value = said() if callable(said) else said
        if isinstance(value, BaseException):
            raise value
        return value


@pytest.fixture
def targets(context):
    made = []

    def make(probe, ctx=None, **options):
        places = {name: f"at {name}" for name in probe.says}
        made.append(BlockingTargets(ctx or context(), places, probe.ask, **({"patience": 20} | options)))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def poll(readings, clock):
    def run(targets, *, after=0.0):
        clock.advance(after)
        out = readings()
        answers = dict(targets.poll(out, label="target"))
        return answers, {part.labels["target"]: str(part.error) for part in out.part_failures}

    return run


def test_all_are_asked_together_on_threads_of_their_own(targets, poll):
    both = threading.Barrier(2, timeout=30)
    probe = Probe(a=both.wait, b=both.wait)
    answers, failed = poll(targets(probe))
    assert sorted(answers.values()) == [0, 1]
    assert failed == {}
    assert probe.threads == {"probe: a", "probe: b"}


def test_those_that_hang_are_failed_parts_and_cost_the_others_nothing(targets, poll, gate, eventually):
    probe = Probe(a=gate.wait, b=1, c=gate.wait)
    made = targets(probe, patience=A_MOMENT)
    for value in range(5):
        probe.says["b"] = value
        eventually(lambda value=value: poll(made, after=1)[0] == {"b": value})
        assert {str(made.failures[name]) for name in "ac"} == {"no answer yet"}
    assert [probe.asked.count(name) for name in "ac"] == [1, 1]


def test_a_call_past_its_deadline_is_abandoned_and_no_second_one_begins_before_it_is_back(
    targets, poll, gate, eventually
):
    probe = Probe(a=lambda: gate.wait() and "too late", b=1)
    made = targets(probe, deadline=10, patience=A_MOMENT)
    poll(made)
    assert made.abandoned == 0
    for _ in range(20):
        assert poll(made, after=60)[1]["a"] == "no answer within 10 s"
        assert made.abandoned == 1
    assert probe.asked.count("a") == 1
    probe.says["a"] = 2
    gate.set()
    eventually(lambda: not [each for each in threading.enumerate() if each.name == "probe: a"])
    made.refresh()
    assert eventually(lambda: poll(made, after=60)[0].get("a")) == 2
    assert made.abandoned == 0


def test_whatever_one_raises_is_its_own_failure(targets, poll):
    probe = Probe(a=SystemExit("enough"), b=KeyError("apower"), c=TimeoutError(), d=NotAvailable("timeout"), e=1)
    answers, failed = poll(targets(probe))
    assert answers == {"e": 1}
    assert failed == {
        "a": "SystemExit: enough",
        "b": "'apower'",
        "c": "no answer within 40 s",
        "d": "timeout",
    }


def test_refused_credentials_are_never_tried_again(targets, poll):
    probe = Probe(a=AuthFailed("no"), b=1)
    made = targets(probe)
    for _ in range(3):
        assert poll(made, after=1e6) == ({"b": 1}, {"a": "no"})
        made.close()
    assert probe.asked.count("a") == 1


def test_where_all_fail_the_run_does_and_recovers_by_itself(targets, poll):
    probe = Probe(a=NotAvailable("unreachable", "gone"), b=NotAvailable("not_found", "lost"))
    made = targets(probe)
    with pytest.raises(NoTargetAvailable, match="^b: lost; a: gone$"):
        poll(made)
    probe.says["a"] = 1
    assert poll(made, after=1) == ({"a": 1}, {"b": "lost"})


def test_a_run_that_needs_no_answer_goes_on_where_all_fail(context, readings):
    made = BlockingTargets(context(), {"a": "at a"}, Probe(a=NotAvailable("timeout")).ask)
    out = readings()
    assert made.poll(out, label="target", optional=True) == []
    assert [part.name for part in out.part_failures] == ["target=a"]


def test_a_run_without_any_answer_waits_longer_for_the_first_one(targets, poll, gate):
    threading.Timer(5 * A_MOMENT, gate.set).start()
    assert poll(targets(Probe(a=gate.wait), patience=A_MOMENT)) == ({"a": True}, {})


def test_a_run_ends_before_its_timeout_whatever_hangs(targets, poll, context, gate):
    made = targets(Probe(a=gate.wait), context(timeout=5 * A_MOMENT), patience=A_MOMENT)
    assert poll(made) == ({}, {"a": "no answer yet"})


def test_a_thread_that_cannot_be_started_is_the_targets_own_failure(targets, poll, monkeypatch):
    def start(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(NoTargetAvailable, match="^RuntimeError: can't start new thread$"):
        poll(targets(Probe(a=1)))


def test_close_gives_up_what_is_under_way_and_does_not_wait(targets, poll, gate, eventually):
    probe = Probe(a=gate.wait, b=1)
    made = targets(probe, patience=A_MOMENT)
    poll(made)
    made.close()
    assert made.abandoned == 1
    gate.set()
    probe.says["a"] = 2
    eventually(lambda: poll(made)[0].get("a") == 2)
