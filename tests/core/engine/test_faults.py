"""What plugins do that nobody expects of them; the collector's thread lives on and says once what happened."""

import asyncio
import sys

import pytest

from collector_core import Collector, Gauge, Result, hookimpl
from collector_core.errors import describe
from collector_core.model.readings import PartFailure

ON = Gauge("odd_on", "On.")


class Odd(Collector):
    """Works."""

    name, metrics = "odd", (ON,)

    def collect(self, out):
        out.add(ON, 1)


class Unspeakable(Exception):
    def __str__(self):
        raise RuntimeError("no words")


def test_an_exception_that_cannot_be_printed_is_an_error_like_any_other(bench):
    class Mute(Odd):
        """Raises what cannot be printed."""

        def collect(self, out):
            raise Unspeakable

    b = bench(Mute)
    b.tick()
    assert b.runner.last_report.error.startswith("Unspeakable: cannot say what is wrong (test_faults.py:")


def test_an_exception_whose_text_hangs_is_given_up_like_a_run_that_hangs(bench, gate):
    class Slow(Exception):
        def __str__(self):
            gate.wait()
            return "at last"

    class Silent(Odd):
        """Raises what takes for ever to print."""

        def collect(self, out):
            raise Slow

    b = bench(Silent)
    b.run_in_background()
    b.clock.advance(6)
    b.runner.tick(b.clock.monotonic())
    assert b.runner.last_report.result is Result.TIMEOUT


def test_attributes_of_foreign_exceptions_that_are_called_like_ours_may_hold_anything(bench):
    class Foreign(Exception):
        fix, retry_after = 5, "tomorrow"

    class Wrapper(Odd):
        """Raises what somebody else's library raises."""

        def collect(self, out):
            with out.part(plug="a"):
                raise Foreign("part")
            raise Foreign("whole")

    b = bench(Wrapper)
    for _ in range(2):
        b.tick()
        b.clock.advance(600)
    report = b.runner.last_report
    assert (report.error[:14], report.fix) == ("Foreign: whole", "")


def test_meters_that_exit_or_hang_are_the_collectors_own_failure(bench, gate):
    class Metering(Odd):
        """Hands over nothing, in every bad way."""

        offer = staticmethod(lambda: sys.exit("enough"))

        @hookimpl
        def collector_energy_meters(self):
            return self.offer()

    b = bench(Metering)
    b.tick()
    assert (b.runner.last_report.result, b.runner.energy_meters()) == (Result.OK, ())
    Metering.offer = staticmethod(gate.wait)
    b.clock.advance(1)
    b.run_in_background()
    assert b.runner.energy_meters() == ()  # whoever asks does not wait
    b.clock.advance(6)
    b.runner.tick(b.clock.monotonic())
    assert b.runner.last_report.result is Result.TIMEOUT


def test_a_message_is_one_line_and_not_endless():
    said = describe(ValueError("a\nb\n" * 1_000_000))
    assert said.startswith("ValueError: a b a b")
    assert said.endswith("…")
    assert len(said) < 600
    assert describe(ValueError("x" * 500)) == "ValueError: " + "x" * 500


def test_the_name_of_a_part_is_one_line_and_not_endless():
    assert PartFailure({"plug": "a\nb"}, ValueError()).name == "plug=a b"
    assert len(PartFailure({"plug": "x" * 1_000_000}, ValueError()).name) < 600


def test_a_close_that_fails_is_logged_once_and_again_when_it_fails_otherwise(bench, caplog):
    class Clingy(Odd):
        """Fails, and cannot let go."""

        error = RuntimeError

        def collect(self, out):
            raise ConnectionError

        def close(self):
            raise self.error(str(id(out := object())) + str(out))

    b = bench(Clingy)
    for _ in range(5):
        b.clock.advance(600)
        b.tick()
    Clingy.error = OSError
    b.clock.advance(600)
    b.tick()
    closing = [record.getMessage() for record in caplog.records if "close failed" in record.getMessage()]
    assert [line.split(":")[1] for line in closing] == [" RuntimeError", " OSError"]


def test_a_close_that_hangs_is_given_up_like_a_run(bench, eventually, gate):
    class Stuck(Odd):
        """Fails, and hangs in `close`."""

        def collect(self, out):
            raise ConnectionError

        def close(self):
            gate.wait()

    b = bench(Stuck)
    b.run_in_background()
    eventually(lambda: b.runner.last_report)
    eventually(lambda: b.runner._run.deadline < float("inf"))
    b.clock.advance(6)
    b.runner.tick(b.clock.monotonic())
    assert b.runner.hung
    assert b.runner.last_report.result == "timeout"


def test_a_run_that_hangs_is_said_to_hang_at_its_line(bench, eventually, gate):
    class Stuck(Odd):
        """Hangs."""

        def collect(self, out):
            gate.wait()

    b = bench(Stuck)
    b.runner.start()
    eventually(lambda: any(frame_is_in_collect(b.runner)))
    b.clock.advance(6)
    b.runner.tick(b.clock.monotonic())
    assert b.runner.last_report.error.startswith("no answer after 5 s (test_faults.py:")


def frame_is_in_collect(runner):
    import sys
    import traceback

    frame = sys._current_frames().get(runner._worker.thread_id)
    return (
        each.f_code.co_name == "collect" and "test_faults" in each.f_code.co_filename
        for each, _ in traceback.walk_stack(frame)
    )


async def leave():
    raise SystemExit("enough")


async def stop():
    asyncio.get_running_loop().stop()


async def fail():
    raise ValueError("late")


@pytest.mark.parametrize(
    ("job", "said"),
    [(leave, "SystemExit: enough"), (stop, "RuntimeError: Event loop stopped"), (fail, "ValueError: late")],
)
def test_a_task_of_its_own_that_fails_does_not_end_the_collector(bench, eventually, caplog, job, said):
    class Busy(Odd):
        """Starts a task in every run and looks at none."""

        async def collect(self, out):
            out.add(ON, 1)
            asyncio.create_task(job())  # noqa: RUF006 - nobody keeps it

    b = bench(Busy)
    b.start()
    for runs in range(2, 6):
        b.clock.advance(1)
        b.runner._worker.wake()
        eventually(lambda runs=runs: b.runner.health.runs["ok"] == runs)
    eventually(lambda: caplog.records)
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 1
    assert messages[0].startswith(f"a task of its own failed: {said}")


@pytest.mark.parametrize("kind", ["own", "inner"])
def test_a_cancellation_of_its_own_making_is_an_error(bench, eventually, kind):
    class Cancelled(Odd):
        """Is cancelled in every run."""

        async def collect(self, out):
            task = asyncio.current_task() if kind == "own" else asyncio.create_task(asyncio.sleep(60))
            task.cancel()
            await (asyncio.sleep(60) if kind == "own" else task)

    b = bench(Cancelled)
    b.start()
    b.clock.advance(1)
    b.runner._worker.wake()
    eventually(lambda: b.runner.health.runs["error"] == 2)
    assert b.runner.last_report.error.startswith("CancelledError")
    b.runner.stop()
    assert b.runner.join(5)
