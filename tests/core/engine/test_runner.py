"""A collector that fails, hangs or floods harms itself only, and what it shows is true at any time."""

import asyncio
import itertools
import logging
import math

import pytest

from collector_core import AuthFailed, Collector, Gauge, NotAvailable
from collector_core.engine.app import App
from collector_core.exposition.sources import Exposition
from collector_core.model.result import Result
from collector_core.web import api

SERIES = 'probe_power_watts{plug="a"}'
ID = 'collector="probe",plugin="probe"'


def runs(bench, result):
    return bench.metrics()[f'collector_runs_total{{{ID},result="{result}"}}']


def test_a_good_run_is_published_with_its_health(bench, probe):
    cls, script = probe
    b = bench(cls)
    assert SERIES not in b.metrics()
    assert f"collector_up{{{ID}}}" not in b.metrics()
    b.tick()
    metrics = b.metrics()
    assert metrics[SERIES] == 1
    assert metrics[f"collector_up{{{ID}}}"] == 1
    assert metrics[f"collector_series{{{ID}}}"] == 1
    assert metrics[f"collector_last_success_timestamp_seconds{{{ID}}}"] == b.clock.time()
    assert runs(b, "ok") == 1
    assert script.calls == ["open", "collect"]


def test_ticks_are_aligned_to_the_interval(bench, probe):
    b = bench(probe[0], interval=10.0)
    b.clock.monotonic_time = 1003.0
    assert b.tick() == 1010.0
    b.clock.monotonic_time = 1010.001
    assert b.tick() == 1020.0
    assert runs(b, "ok") == 2
    b.clock.monotonic_time = 1015.0
    b.tick()
    assert runs(b, "ok") == 2


def test_a_first_tick_close_to_the_grid_is_not_followed_by_another_at_once(bench, probe):
    b = bench(probe[0], interval=10.0)
    b.clock.monotonic_time = 1009.9
    assert b.tick() == 1020.0


@pytest.mark.parametrize(
    ("error", "result", "reason", "text"),
    [
        (NotAvailable("permission", "locked", fix="chmod"), "unavailable", "permission", "locked; fix: chmod"),
        (AuthFailed("wrong password"), "auth_failed", "auth", "wrong password"),
        (ValueError("odd"), "error", "bad_data", "ValueError: odd (conftest.py:"),
        (PermissionError(13, "denied"), "error", "permission", "denied"),
        (ConnectionRefusedError(), "error", "unreachable", "ConnectionRefusedError"),
        (TimeoutError("slow"), "timeout", "timeout", "slow"),
        (SystemExit(3), "error", "bad_data", "SystemExit: 3"),
        (RecursionError(), "error", "bad_data", "RecursionError"),
        (BaseException("odd"), "error", "bad_data", "BaseException: odd"),
    ],
)
def test_every_kind_of_failure_has_a_result_and_a_reason(bench, probe, caplog, error, result, reason, text):
    cls, script = probe

    def fail(out):
        raise error

    script.collect = fail
    b = bench(cls)
    b.tick()
    metrics = b.metrics()
    assert runs(b, result) == 1
    assert metrics[f"collector_up{{{ID}}}"] == 0
    assert metrics[f'collector_unavailable_info{{{ID},reason="{reason}"}}'] == 1
    assert text in caplog.text
    assert script.calls == ["open", "collect", "close"]


def test_a_failure_is_logged_once_and_its_end_once(bench, probe, caplog):
    caplog.set_level(logging.INFO)
    cls, script = probe
    good = script.collect

    def fail(out):
        raise ValueError(f"odd {b.clock.time()}")

    b = bench(cls)
    script.collect = fail
    for _ in range(50):
        b.clock.advance(60)
        b.tick()
    script.collect = good
    for _ in range(10):
        b.clock.advance(600)
        b.tick()
    messages = [record.getMessage() for record in caplog.records if record.name == "collector.probe"]
    assert len(messages) == 2
    assert messages[0].startswith("error: ValueError: odd")
    assert messages[1] == "works again"
    assert f'collector_unavailable_info{{{ID},reason="bad_data"}}' not in b.metrics()


def test_failures_back_off_and_a_success_ends_it(bench, probe):
    cls, script = probe
    good = script.collect

    def fail(out):
        raise ConnectionError

    script.collect = fail
    b = bench(cls)
    started = b.clock.monotonic()
    attempts = []
    for _ in range(2000):
        before = script.calls.count("collect")
        b.tick()
        if script.calls.count("collect") > before:
            attempts.append(b.clock.monotonic() - started)
        b.clock.advance(1)
    gaps = [later - earlier for earlier, later in itertools.pairwise(attempts)]
    assert gaps[:4] == [1, 2, 4, 8]
    assert max(gaps) == 300
    script.collect = good
    b.clock.advance(300)
    b.tick()
    b.clock.advance(1)
    b.tick()
    assert runs(b, "ok") == 2


def test_what_a_collector_waits_for_ends_its_pause_once_it_has_come(bench, probe, eventually):
    cls, script = probe
    good, script.collect = script.collect, lambda out: 1 / 0
    b = bench(cls, interval=3600)
    b.start()
    eventually(lambda: runs(b, "error") == 1)
    b.clock.advance(1)
    script.collect = good
    b.runner.wake()
    eventually(lambda: runs(b, "ok") == 1)
    assert b.runner._seconds_to_wait() > 1000, "it is woken once"


def test_a_flood_of_calls_wakes_it_once_a_second(bench, probe):
    cls, script = probe
    script.collect = lambda out: 1 / 0
    b = bench(cls, interval=3600)
    b.tick()
    for _ in range(3):
        b.runner.wake()
        assert b.runner._seconds_to_wait() == 1.0
    b.clock.advance(1)
    b.tick()
    assert runs(b, "error") == 2


def test_a_collector_that_works_or_was_refused_is_not_woken(bench, probe):
    cls, script = probe
    b = bench(cls, interval=3600)
    b.tick()
    b.clock.advance(2)
    due = b.runner._seconds_to_wait()
    b.runner.wake()
    assert b.runner._seconds_to_wait() == due > 1
    script.collect = refuse
    b.clock.advance(3600)
    b.tick()
    b.runner.wake()
    assert b.runner._seconds_to_wait() == math.inf


def refuse(out):
    raise AuthFailed


def test_refused_credentials_are_not_tried_again(bench, probe):
    cls, script = probe

    def fail(out):
        raise AuthFailed

    script.collect = fail
    b = bench(cls)
    assert b.tick() == math.inf
    b.clock.advance(1e6)
    assert b.tick() == math.inf
    assert script.calls.count("collect") == 1


def test_stale_series_vanish_and_the_rest_stays(bench, probe):
    cls, script = probe
    b = bench(cls, stale_after=3.0)
    b.tick()

    def fail(out):
        raise ConnectionError

    script.collect = fail
    b.clock.advance(1)
    b.tick()
    assert b.metrics()[SERIES] == 1
    assert f"collector_up{{{ID}}}" in b.metrics()
    b.clock.advance(2)
    assert SERIES not in b.metrics()
    assert len(b.runner.snapshot) == 0
    assert b.metrics()[f"collector_up{{{ID}}}"] == 0


def test_a_hung_run_is_given_up_and_nothing_else_starts_until_it_is_back(bench, probe, gate, eventually):
    cls, script = probe

    def hang(out):
        gate.wait()
        out.add(cls.metrics[0], 666, plug="a")

    script.collect = hang
    b = bench(cls, timeout=5.0)
    b.run_in_background()
    for _ in range(20):
        b.clock.advance(1)
        b.tick()
    assert runs(b, "timeout") == 1
    assert b.runner.hung
    assert b.metrics()[f"collector_up{{{ID}}}"] == 0
    assert b.metrics()[f"collector_skipped_ticks_total{{{ID}}}"] == 20
    assert script.calls.count("collect") == 1
    gate.set()
    eventually(lambda: b.runner._run is None)
    assert SERIES not in b.metrics()
    script.collect = lambda out: out.add(cls.metrics[0], 1, plug="a")
    b.clock.advance(1)
    b.tick()
    assert b.metrics()[SERIES] == 1
    assert script.calls == ["open", "collect", "close", "open", "collect"]


def test_what_fails_every_second_time_is_logged_once(bench, probe, caplog):
    caplog.set_level(logging.INFO)
    cls, script = probe

    def every_second(out):
        if script.calls.count("collect") % 2:
            raise ConnectionError
        out.add(cls.metrics[0], 1, plug="a")

    script.collect = every_second
    b = bench(cls)
    for _ in range(40):
        b.tick()
        b.clock.advance(1)
    assert runs(b, "ok") == 20
    assert len(caplog.records) == 1


def test_a_part_that_fails_is_counted_and_logged_once(bench, probe, caplog):
    caplog.set_level(logging.INFO)
    cls, script = probe
    good = script.collect

    def half(out):
        good(out)
        with out.part(plug="b"):
            raise ConnectionRefusedError("no")

    script.collect = half
    b = bench(cls)
    for _ in range(5):
        b.tick()
        b.clock.advance(1)
    assert runs(b, "partial") == 5
    assert b.metrics()[f"collector_part_failures_total{{{ID}}}"] == 5
    assert b.metrics()[f"collector_up{{{ID}}}"] == 1
    script.collect = good
    for _ in range(5):
        b.tick()
        b.clock.advance(1)
    messages = [record.getMessage() for record in caplog.records]
    assert messages == ["plug=b fails: ConnectionRefusedError: no", "plug=b works again"]


def test_of_a_flood_of_series_what_fits_is_kept_and_the_label_named_once(bench, probe, caplog):
    cls, script = probe

    def flood(out):
        for number in range(20_000):
            out.add(cls.metrics[0], 1, plug=str(number))

    script.collect = flood
    b = bench(cls, max_series=100)
    for _ in range(3):
        b.tick()
        b.clock.advance(1)
    assert runs(b, "partial") == 3
    assert script.calls.count("close") == 0, "connections stay"
    metrics = b.metrics()
    assert [name for name in metrics if name.startswith("probe_power")] == [
        f'probe_power_watts{{plug="{number}"}}' for number in range(100)
    ]
    assert metrics[f"collector_series{{{ID}}}"] == 100
    assert metrics[f"collector_dropped_series{{{ID}}}"] == 19_900
    (message,) = [record.getMessage() for record in caplog.records]
    assert message == (
        "limit=max_series fails: left out, because there are more than max_series = 100: 19900 series; "
        "most of them in probe_power_watts (labels: plug); "
        "fix: raise `max_series` of this collector, or let it publish less"
    )


def test_clock_jumps_do_no_harm(bench, probe):
    b = bench(probe[0])
    b.tick()
    b.clock.wall_time -= 3600
    b.clock.advance(1)
    b.tick()
    b.clock.wall_time += 7200
    b.clock.advance(1)
    b.tick()
    assert runs(b, "ok") == 3
    assert b.metrics()[f"collector_skipped_ticks_total{{{ID}}}"] == 0


def test_a_suspended_machine_skips_ticks_and_shows_nothing_stale(bench, probe):
    b = bench(probe[0])
    b.tick()
    b.clock.advance(8 * 3600)
    assert SERIES not in b.metrics()
    b.tick()
    assert b.metrics()[SERIES] == 1
    assert runs(b, "ok") == 2
    assert b.metrics()[f"collector_skipped_ticks_total{{{ID}}}"] == pytest.approx(8 * 3600, abs=2)


def test_labels_of_the_instance_are_on_every_series_of_it(bench, probe):
    b = bench(probe[0], labels=(("building", "barn"),))
    b.tick()
    assert b.metrics()['probe_power_watts{building="barn",plug="a"}'] == 1


def test_a_collector_may_label_all_its_series_itself(bench, probe):
    cls, _ = probe
    cls.labels = property(lambda self: {"demo": "true", "building": "unknown"})
    b = bench(cls, labels=(("building", "barn"),))
    b.tick()
    assert b.metrics()['probe_power_watts{building="barn",demo="true",plug="a"}'] == 1
    assert b.runner.labels == {"demo": "true", "building": "barn"}


def test_stopping_closes_the_collector_and_withdraws_its_series(bench, probe):
    cls, script = probe
    b = bench(cls)
    b.start()
    b.runner.stop()
    assert b.runner.join(5)
    assert script.calls[-1] == "close"
    assert b.metrics() == {}


def test_a_close_that_raises_is_logged_and_harmless(bench, probe, caplog):
    cls, _ = probe

    class Clingy(cls):
        """Cannot let go."""

        def close(self):
            raise SystemExit("never")

    b = bench(Clingy)
    b.start()
    b.runner.stop()
    assert b.runner.join(5)
    assert "close failed: SystemExit: never" in caplog.text


def test_a_body_that_cannot_be_made_costs_a_collector_nothing(bench, probe, monkeypatch, caplog):
    cls, script = probe
    monkeypatch.setattr(Exposition, "prepare", lambda self: 1 / 0)
    script.collect = lambda out: 1 / 0
    b = bench(cls)
    for _ in range(2):
        b.tick()
        b.clock.advance(1.0)
    assert runs(b, "error") == 2
    assert script.calls == ["open", "collect", "close"] * 2
    assert caplog.text.count("could not be recorded or shown: ZeroDivisionError") == 1


UP = Gauge("waiter_on", "On.")


class Waiter(Collector):
    """An async collector whose own task lives between runs."""

    name, metrics = "waiter", (UP,)
    delay = 0.0

    async def open(self):
        self.beats = 0
        self.task = asyncio.create_task(self.beat())

    async def beat(self):
        while True:
            self.beats += 1
            await asyncio.sleep(0.001)

    async def collect(self, out):
        await asyncio.sleep(self.delay)
        out.add(UP, self.beats)

    async def close(self):
        if hasattr(self, "task"):
            self.task.cancel()


def test_async_collectors_keep_their_loop_between_runs(bench, eventually):
    b = bench(Waiter)
    b.start()
    before = b.runner._collector.beats
    eventually(lambda: b.runner._collector.beats > before + 5)
    b.clock.advance(1)
    b.runner._worker.wake()
    eventually(lambda: b.metrics()["waiter_on"] > before)
    b.runner.stop()
    assert b.runner.join(5)


def test_an_async_run_that_takes_too_long_is_cancelled(bench):
    class Slow(Waiter):
        """Too slow."""

        delay = 60.0

    b = bench(Slow, timeout=0.05)
    b.start()
    assert b.runner.last_report.result is Result.TIMEOUT
    b.runner.stop()
    assert b.runner.join(5)


def test_a_plain_method_that_returns_a_coroutine_is_named(bench, recwarn):
    class Confused(Waiter):
        """Forgot a word."""

        open = close = lambda self: None

        def collect(self, out):
            return asyncio.sleep(0)

    b = bench(Confused)
    b.tick()
    assert "not a coroutine returned coroutine" in b.runner.last_report.error


def test_run_now_gives_up_a_hung_collector(bench, probe, gate):
    cls, script = probe
    script.collect = lambda out: gate.wait()
    b = bench(cls, timeout=0.05)
    assert b.runner.run_now().result is Result.TIMEOUT  # and does not wait for the gate


def test_the_schedule_of_a_runner_is_its_own(bench, probe, eventually):
    b = bench(probe[0], interval=0.1)
    b.start()
    b.clock.advance(0.1)
    eventually(lambda: runs(b, "ok") == 2)
    assert (b.clock.monotonic(), b.runner.tick(b.clock.monotonic())) == (1000.1, 1005.0)  # a multiple of the timeout


def test_run_now_leaves_the_schedule_to_the_caller(bench, probe):
    b = bench(probe[0])
    assert [b.runner.run_now().result for _ in range(3)] == [Result.OK] * 3
    assert b.runner._next_due == math.inf


def test_the_fix_of_a_failed_part_is_told_in_the_log_and_on_the_page(bench, probe, caplog):
    cls, script = probe

    def collect(out):
        with out.part(host="my_host"):
            raise NotAvailable("auth", "the key is unknown", fix="ssh my_host")

    script.collect = collect
    b = bench(cls)
    b.tick()
    assert caplog.messages == ["host=my_host fails: the key is unknown; fix: ssh my_host"]
    app = App()
    app.runners["probe"] = b.runner
    (row,) = api.collectors(app)
    assert row["failed_parts"] == {"host=my_host": "the key is unknown; fix: ssh my_host"}
