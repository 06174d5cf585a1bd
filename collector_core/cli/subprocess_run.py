"""A command that runs below us: its signals, its end, and what it leaves behind."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from types import FrameType

CANNOT_BE_RUN = 126
DOES_NOT_EXIST = 127
KILLED = 128  # and the signal's number: what shells say

_PASSED_ON = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2") if hasattr(signal, name)]
_FROM_THE_TERMINAL = [getattr(signal, name) for name in ("SIGINT", "SIGQUIT") if hasattr(signal, name)]
_PR_SET_CHILD_SUBREAPER = 36
_FIRST_PAUSE = 0.001  # seconds; a short command's memory is seen only by who looks at once
_LONGEST_PAUSE = 0.1


class CommandError(Exception):
    """A command that cannot be run; `code` is the exit code that shells give it."""

    def __init__(self, text: str, code: int) -> None:
        self.code = code
        super().__init__(text)


def check(command: Sequence[str]) -> None:
    """Raises `CommandError` where a command certainly cannot be run."""
    if not shutil.which(command[0]):
        present = os.path.dirname(command[0]) and os.path.exists(command[0])  # noqa: PTH110, PTH120 - as which does
        if present:
            raise CommandError(f"{command[0]} is not executable; fix: chmod +x, or name its interpreter", CANNOT_BE_RUN)
        raise CommandError(f"{command[0]}: command not found", DOES_NOT_EXIST)


def adopt_orphans() -> None:
    """Let processes whose parent has ended become our children, so that they are measured to the end (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def run(command: Sequence[str], tick: Callable[[], None]) -> int:
    """Run a command to its end, calling `tick` now and then; returns its exit code as shells give it.

    Raises `CommandError` where it cannot be run. Signals that we get meanwhile are the command's.
    """
    with _signals_for(process := _start(command)):
        _wait(process, tick)
    _see_off()
    code = process.returncode
    return KILLED - code if code < 0 else code


def _start(command: Sequence[str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(command)  # noqa: S603 - it is what we are asked to run
    except FileNotFoundError as error:
        raise CommandError(f"{command[0]}: command not found", DOES_NOT_EXIST) from error
    except OSError as error:
        raise CommandError(f"{command[0]} cannot be run: {error.strerror}", CANNOT_BE_RUN) from error


def _wait(process: subprocess.Popen[bytes], tick: Callable[[], None]) -> None:
    """Wait for the end itself: asking now and then would measure up to one pause too much."""
    with contextlib.suppress(OSError, AttributeError):  # before Linux 5.3 and elsewhere nothing is told in between
        descriptor = os.pidfd_open(process.pid)
        try:
            _tick_until(descriptor, tick)
        finally:
            os.close(descriptor)
    process.wait()


def _tick_until(ended: int, tick: Callable[[], None]) -> None:
    """Call `tick`, ever less often, until a descriptor can be read."""
    waiting = select.poll()
    waiting.register(ended, select.POLLIN)
    pause = _FIRST_PAUSE
    while not waiting.poll(pause * 1000):
        tick()
        pause = min(2 * pause, _LONGEST_PAUSE)


def _see_off() -> None:
    """Take note of adopted processes that have ended, so that what they used is counted."""
    with contextlib.suppress(ChildProcessError, AttributeError):  # Windows adopts none
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


@contextlib.contextmanager
def _signals_for(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """What the terminal sends, it sends to the command too; anything else is passed on."""

    def pass_on(number: int, frame: FrameType | None) -> None:
        del frame
        if number not in _FROM_THE_TERMINAL or not _in_foreground():
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(number)

    before = {number: signal.signal(number, pass_on) for number in (*_PASSED_ON, *_FROM_THE_TERMINAL)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _in_foreground() -> bool:
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError, AttributeError):
        return False
