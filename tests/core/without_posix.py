"""A Python without what Windows lacks: imports all of the framework and every plugin, then runs `once system`."""

from __future__ import annotations

import asyncio.unix_events  # noqa: F401 - the standard library's own, of this platform
import importlib
import multiprocessing
import os
import pkgutil
import shutil
import signal
import socket
import subprocess  # noqa: F401
import sys
from importlib.metadata import entry_points
from pathlib import Path

import aiohttp.web  # noqa: F401
import psutil  # noqa: F401
import pytest  # noqa: F401

MODULES = ("fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty")
OF_OS = (
    *("O_CLOEXEC", "O_DIRECTORY", "O_NOCTTY", "O_NOFOLLOW", "O_NONBLOCK", "O_PATH"),
    *("fchmod", "fork", "geteuid", "getloadavg", "getpgid", "getpgrp", "getuid", "killpg", "mkfifo", "nice"),
    *("pidfd_open", "posix_fadvise", "register_at_fork", "sched_getaffinity", "setpriority", "setsid"),
    *("statvfs", "statvfs_result", "sysconf", "tcgetpgrp", "wait4"),
)
OF_SIGNAL = ("SIGALRM", "SIGCHLD", "SIGHUP", "SIGKILL", "SIGPIPE", "SIGQUIT", "SIGUSR1", "SIGUSR2", "pthread_sigmask")
OF_SOCKET = ("AF_UNIX", "SOCK_CLOEXEC")
assert multiprocessing
assert shutil


def take_away() -> None:
    """What the modules above have imported keeps it."""
    sys.modules.update(dict.fromkeys(MODULES))
    for module, names in ((os, OF_OS), (signal, OF_SIGNAL), (socket, OF_SOCKET)):
        for name in names:
            if hasattr(module, name):
                delattr(module, name)


def import_all() -> None:
    """The framework's modules and the plugins' own."""
    framework = importlib.import_module("collector_core")
    for module in pkgutil.walk_packages(framework.__path__, "collector_core."):
        importlib.import_module(module.name)
    for plugin in entry_points(group="collector_core"):
        if plugin.value.startswith("collector_plugins."):
            importlib.import_module(plugin.value)


def write_twice(folder: Path) -> None:
    """Files are replaced as a whole here, too."""
    storage = importlib.import_module("collector_core.storage")
    for content in ("first\n", "second\n"):
        storage.write_atomically(folder / "file", content)
    assert (folder / "file").read_bytes() == b"second\n"


if __name__ == "__main__":
    of_psutil = {name: getattr(os, name) for name in ("statvfs", "sysconf")}
    take_away()
    import_all()
    vars(os).update(of_psutil)  # which reads this platform
    write_twice(Path(sys.argv[1]))
    sys.platform = "win32"
    sys.argv = ["energy-collector", "once", "system"]
    importlib.import_module("collector_core.cli").main()
