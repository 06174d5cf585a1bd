"""Whatever the process that trains does, it is ended within its limits, and what it answered counts."""

import signal
import sys
import threading
from pathlib import Path

import pytest

from collector_plugins.forecast.training_process import COMMAND, Limits, TrainingProcess

LONG = 300.0


def limits(code, deadline=LONG, cpu_seconds=1.0, memory_bytes=1_000_000_000):
    return Limits(cpu_seconds, memory_bytes, deadline, (sys.executable, "-c", code))


def test_answers_are_complete_lines():
    ended = TrainingProcess().run(b"", limits("import sys; sys.stdout.write('one\\ntwo\\nhal')"))
    assert (ended.lines, ended.why) == ([b"one", b"two"], "")
    assert ended.cpu_seconds > 0


def test_more_jobs_and_answers_than_a_pipe_holds_are_passed():
    jobs = b"x" * 999_999 + b"\n"
    ended = TrainingProcess().run(
        jobs * 3, limits("import sys; [print(len(line)) or print('y' * 200_000) for line in sys.stdin]")
    )
    assert ended.lines[::2] == [b"1000000"] * 3


@pytest.mark.parametrize(
    ("code", "deadline", "why"),
    [
        ("import time; print('one', flush=True); time.sleep(1000)", 1.0, "deadline"),
        ("import time, os; os.close(1); time.sleep(1000)", 1.0, "killed"),
        ("raise SystemExit(3)", LONG, "failed"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", LONG, "killed"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)", LONG, "cpu"),
        ("import sys\nwhile True: sys.stdout.write('x' * 10_000_000)", LONG, "failed"),
    ],
)
def test_a_process_that_does_not_do_its_work_is_ended_with_the_reason(code, deadline, why):
    assert TrainingProcess().run(b"job\n" * 100_000, limits(code, deadline)).why == why


def test_a_process_that_computes_for_ever_is_ended_by_its_cpu_limit():
    code = "import resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 5))\nwhile True: pass"
    assert TrainingProcess().run(b"", limits(code)).why == "cpu"


def test_it_has_its_limits_from_outside_before_it_runs_anything():
    code = (
        "import resource as r, os, time\n"
        "while os.getpriority(os.PRIO_PROCESS, 0) != 10: time.sleep(0.01)\n"
        "print(r.getrlimit(r.RLIMIT_CPU)[0], r.getrlimit(r.RLIMIT_AS)[0], r.getrlimit(r.RLIMIT_CORE)[0])"
    )
    assert TrainingProcess().run(b"", limits(code)).lines == [b"11 1000000000 0"]


def test_it_inherits_no_secret(monkeypatch):
    monkeypatch.setenv("SHELLY_PASSWORD", "hunter2")
    ended = TrainingProcess().run(b"", limits("import os; print(sorted(os.environ))"))
    assert b"SHELLY_PASSWORD" not in ended.lines[0]


def test_what_it_started_ends_with_it(eventually):
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(1000)'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(1000)"
    )
    ended = TrainingProcess().run(b"", limits(code, deadline=5.0))
    assert ended.why == "deadline"
    eventually(lambda: has_ended(int(ended.lines[0])))


def has_ended(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_kill_ends_what_runs_at_once_and_nothing_is_started_afterwards(eventually):
    process, found = TrainingProcess(), []
    thread = threading.Thread(target=lambda: found.append(process.run(b"", limits("import time; time.sleep(1000)"))))
    thread.start()
    eventually(lambda: process._running)
    pid = process._running.pid
    process.kill()
    thread.join()
    assert found[0].why == "killed"
    assert not Path(f"/proc/{pid}").exists(), "no zombie is left"
    assert process.run(b"", limits("print(1)")).lines == []


def test_one_that_hangs_while_it_is_imported_is_ended():
    hanging = (sys.executable, "-c", "import threading; threading.Event().wait()", *COMMAND[1:])
    ended = TrainingProcess().run(b"", Limits(1.0, 1_000_000_000, 1.0, hanging))
    assert (ended.why, ended.lines) == ("deadline", [])


def test_one_that_ignores_signals_is_ended():
    code = f"import signal, time; signal.signal({int(signal.SIGTERM)}, signal.SIG_IGN); time.sleep(1000)"
    assert TrainingProcess().run(b"", limits(code, deadline=1.0)).why == "deadline"
