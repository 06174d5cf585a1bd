"""How the runs of a collector go whose targets, or parts, fail, refuse or ask to be left alone."""

import asyncio
import itertools
import math

import pytest

from collector_core import AuthFailed, NoTargetAvailable, NotAvailable, Targets
from tests.core.conftest import VALUE


def all_fail(reason="unreachable"):
    def collect(out):
        raise NoTargetAvailable(reason, "a: gone")

    return collect


def refuse(*plugs):
    def collect(out):
        for plug in ("a", "b"):
            with out.part(plug=plug):
                if plug in plugs:
                    raise AuthFailed("wrong password", fix="correct it")
                out.add(VALUE, 1, plug=plug)

    return collect


def test_a_part_that_is_refused_is_tried_once_more_and_then_nothing_is(bench, probe):
    cls, script = probe
    script.collect = refuse("b")
    b = bench(cls)
    b.tick()
    assert b.runner.last_report.result == "partial"
    b.clock.advance(1)
    assert b.tick() == math.inf
    report = b.runner.last_report
    assert (report.result, report.reason) == ("auth_failed", "auth")
    assert (report.error, report.fix) == ("plug=b: wrong password", "correct it")
    assert script.calls[-1] == "close"
    b.clock.advance(1e6)
    b.tick()
    assert script.calls.count("collect") == 2


def test_another_part_that_is_refused_next_counts_too(bench, probe):
    cls, script = probe
    script.collect = refuse("a")
    b = bench(cls)
    b.tick()
    script.collect = refuse("b")
    b.clock.advance(1)
    assert b.tick() == math.inf


def test_a_refusal_that_passes_is_not_remembered(bench, probe):
    cls, script = probe
    b = bench(cls)
    for _ in range(5):
        for refused in (("b",), ()):
            script.collect = refuse(*refused)
            b.clock.advance(1)
            b.tick()
    assert {result for result, count in b.runner.health.runs.items() if count} == {"partial", "ok"}


def test_other_failures_of_parts_go_on_for_ever(bench, probe):
    cls, script = probe

    def collect(out):
        with out.part(plug="a"):
            raise NotAvailable("auth", "an old refusal, told again")

    script.collect = collect
    b = bench(cls)
    for _ in range(5):
        b.clock.advance(1)
        b.tick()
    assert b.runner.health.runs["partial"] == 5


def attempts(bench, script, seconds):
    """When the collector was asked, for so many seconds."""
    started, found = bench.clock.monotonic(), []
    for _ in range(seconds):
        before = script.calls.count("collect")
        bench.tick()
        if script.calls.count("collect") > before:
            found.append(bench.clock.monotonic() - started)
        bench.clock.advance(1)
    return found


def test_where_all_targets_fail_the_runs_go_on_because_each_target_is_backed_off(bench, probe):
    cls, script = probe
    script.collect = all_fail()
    b = bench(cls)
    assert attempts(b, script, 20) == list(range(20))
    assert b.runner.last_report.result == "unavailable"
    assert b.metrics()['collector_up{collector="probe",plugin="probe"}'] == 0


def test_a_failure_of_another_kind_after_it_is_the_first_one(bench, probe):
    cls, script = probe
    script.collect = all_fail()
    b = bench(cls)
    attempts(b, script, 10)

    def fail(out):
        raise ConnectionError

    script.collect = fail
    found = attempts(b, script, 20)
    assert [later - earlier for earlier, later in itertools.pairwise(found)][:3] == [1, 2, 4]


@pytest.mark.parametrize(("retry_after", "gap"), [(30, 30), (0.1, 1), (1e9, 3600)])
def test_a_source_may_ask_to_be_left_alone_for_up_to_an_hour(bench, probe, retry_after, gap):
    cls, script = probe

    def fail(out):
        raise NotAvailable("unreachable", "busy", retry_after=retry_after)

    script.collect = fail
    b = bench(cls)
    assert attempts(b, script, 3700)[1] == gap


def test_a_target_that_hangs_and_one_that_refuses_are_parts_and_the_third_is_shown(bench, eventually, probe):
    class Polls(probe[0]):
        """Asks three targets."""

        def __init__(self, config, ctx):
            super().__init__(config, ctx)
            self.targets = Targets(ctx, dict.fromkeys("abc"), self.ask, patience=0.01)
            self.asked = []

        async def ask(self, name, place):
            self.asked.append(name)
            if name == "b":
                raise AuthFailed
            await asyncio.sleep(0 if name == "c" else 3600)
            return 7

        async def collect(self, out):
            for plug, value in await self.targets.poll(out, label="plug"):
                out.add(VALUE, value, plug=plug)

        async def close(self):
            await self.targets.close()

    b = bench(Polls)
    b.start()
    for runs in range(2, 6):
        b.clock.advance(1)
        b.runner._worker.wake()
        eventually(lambda runs=runs: b.runner.health.runs["partial"] == runs)
    metrics = b.metrics()
    assert metrics['probe_power_watts{plug="c"}'] == 7
    assert metrics['collector_up{collector="probe",plugin="probe"}'] == 1
    assert metrics['collector_part_failures_total{collector="probe",plugin="probe"}'] == 10
    asked = b.runner._collector.asked
    assert [asked.count(name) for name in "bc"] == [1, 5]
    b.runner.stop()
    assert b.runner.join(10)
