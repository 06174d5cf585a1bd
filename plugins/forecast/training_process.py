"""A process that trains, within limits of CPU time, memory and time; what it does harms nobody else."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from math import ceil

COMMAND = (sys.executable, "-P", "-m", "collector_plugins.forecast.child")
NICENESS = 10
MOST_ANSWERED = 64_000_000  # bytes
PIECE = 65_536
ENDING_SECONDS = 2.0
STARTING_SECONDS = 10  # of CPU time, until the first job sets its own limit
_KEPT_VARIABLES = ("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "PYTHONPATH", "TMPDIR", "TZ", "VIRTUAL_ENV")
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


@dataclass(frozen=True)
class Limits:
    """What a process may take: CPU seconds for each job, bytes that it maps, seconds in all."""

    cpu_seconds: float
    memory_bytes: int
    deadline: float
    command: Sequence[str] = COMMAND


@dataclass
class Ended:
    """What a process answered, line by line; why it ended early (a word), empty where it did not; its CPU seconds."""

    lines: list[bytes] = field(default_factory=list)
    why: str = ""
    cpu_seconds: float = 0.0


class TrainingProcess:
    """Runs one process at a time. `kill` may be called on any thread; nothing is started afterwards."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: subprocess.Popen[bytes] | None = None
        self._is_over = False

    def run(self, jobs: bytes, limits: Limits) -> Ended:
        """Give a process the jobs and wait for its answers; the process is gone when this returns."""
        ended = Ended()
        process = self._start(limits)
        if process is None:
            return Ended(why="killed")
        until = time.monotonic() + limits.deadline
        try:
            answered, ended.why = _converse(process, jobs, until)
            self._wait_for_end(process, min(until, time.monotonic() + ENDING_SECONDS))
        finally:
            status, ended.cpu_seconds = self._end(process)
        ended.lines = answered.split(b"\n")[:-1]  # one that is not ended was not written whole
        ended.why = ended.why or _why(status)
        return ended

    def kill(self) -> None:
        """End what runs, for good."""
        with self._lock:
            self._is_over = True
            if self._running:
                _kill(self._running)

    def _start(self, limits: Limits) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._is_over:
                return None
            process = subprocess.Popen(  # noqa: S603 - our own module
                limits.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=_environment(),
                start_new_session=True,
            )
            self._running = process
        with suppress(OSError):  # it may have ended already
            _limit(process.pid, limits)
        return process

    def _wait_for_end(self, process: subprocess.Popen[bytes], until: float) -> None:
        """Let a process that has said all come to its end by itself."""
        while not self._has_ended(process) and time.monotonic() < until:
            time.sleep(0.01)

    def _has_ended(self, process: subprocess.Popen[bytes]) -> bool:
        """Whether it has, without waiting for it; it stays a zombie, so that its number stays its own."""
        with suppress(ChildProcessError):
            return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        return True

    def _end(self, process: subprocess.Popen[bytes]) -> tuple[int, float]:
        """Make sure of its end: how it ended, as `Popen.returncode` has it, and the CPU seconds that it took."""
        for stream in (process.stdin, process.stdout):
            if stream:
                with suppress(BrokenPipeError):
                    stream.close()
        with self._lock:
            self._running = None
            _kill(process)
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except ChildProcessError:  # somebody else has waited for all children
            process.returncode = 0
            return 0, 0.0
        process.returncode = os.waitstatus_to_exitcode(status)
        return process.returncode, usage.ru_utime + usage.ru_stime


def _environment() -> dict[str, str]:
    """Without what the configuration may take secrets from."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return kept | dict.fromkeys(_ONE_THREAD, "1")


def _limit(pid: int, limits: Limits) -> None:
    """Set from outside, so that a process that hangs while it starts has them, too."""
    import resource  # noqa: PLC0415 - not on every platform

    seconds = ceil(limits.cpu_seconds)
    resource.prlimit(pid, resource.RLIMIT_CPU, (seconds + STARTING_SECONDS, resource.RLIM_INFINITY))
    resource.prlimit(pid, resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))
    os.setpriority(os.PRIO_PROCESS, pid, NICENESS)


def _converse(process: subprocess.Popen[bytes], jobs: bytes, deadline: float) -> tuple[bytes, str]:
    """Write all, read all, whichever the process is ready for; returns the answers and why that ended early."""
    if not process.stdin or not process.stdout:
        raise ValueError("a process without pipes")
    answered, waiting = bytearray(), memoryview(jobs)
    with selectors.DefaultSelector() as selector:
        for stream, event in ((process.stdin, selectors.EVENT_WRITE), (process.stdout, selectors.EVENT_READ)):
            os.set_blocking(stream.fileno(), False)
            selector.register(stream, event)
        while (left := deadline - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                if key.fileobj is process.stdout:
                    piece = os.read(process.stdout.fileno(), PIECE)
                    if not piece:
                        return bytes(answered), ""
                    answered += piece
                    if len(answered) > MOST_ANSWERED:
                        return bytes(answered), "failed"
                else:
                    waiting = _write(process.stdin.fileno(), waiting)
                    if not waiting:
                        selector.unregister(process.stdin)
                        process.stdin.close()
    return bytes(answered), "deadline"


def _write(fd: int, waiting: memoryview) -> memoryview:
    """Write as much as fits; returns the rest, none where nobody reads any more."""
    try:
        return waiting[os.write(fd, waiting[:PIECE]) :]
    except BrokenPipeError:
        return waiting[:0]


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the process and all that it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _why(status: int) -> str:
    """Why a process ended that was not ended by us: its answers are complete, or a word."""
    if status == -signal.SIGXCPU:
        return "cpu"
    return {0: "", -signal.SIGKILL: "killed"}.get(status, "failed" if status > 0 else "killed")
