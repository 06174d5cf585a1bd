"""Disks that are full, and programs that are killed."""

import contextlib
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest


class FullDisk:
    """A folder on a small file system."""

    def __init__(self, folder):
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self, leaving=0):
        """Leave this many bytes."""
        with contextlib.suppress(OSError), self._ballast.open("ab", buffering=0) as stream:
            while stream.write(b"x" * 4096):
                pass
        os.truncate(self._ballast, self._ballast.stat().st_size - leaving)

    def free(self):
        self._ballast.unlink(missing_ok=True)


class SizeLimit:
    """A folder in which no file may grow: what a user without privileges can do."""

    def __init__(self, folder):
        self.folder = folder
        self._limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(self, leaving=0):
        """Let a file have this many bytes at most."""
        resource.setrlimit(resource.RLIMIT_FSIZE, (leaving, self._limits[1]))

    def free(self):
        resource.setrlimit(resource.RLIMIT_FSIZE, self._limits)


@contextlib.contextmanager
def mounted():
    """A small file system; not below pytest's folders, which others clear up while this one runs."""
    with tempfile.TemporaryDirectory(prefix="energy-collector-disk-") as folder:
        mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "none", folder]
        if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
            pytest.skip("may not mount a file system")
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture(params=["tmpfs", "size limit"])
def disk(request, tmp_path):
    """A disk that can be filled and freed."""
    if request.param == "tmpfs":
        with mounted() as folder:
            yield FullDisk(folder)
    else:
        limited = SizeLimit(tmp_path)
        yield limited
        limited.free()


@pytest.fixture
def remountable_disk():
    """A file system, and a function that makes it read-only or writable again: `ro` or `rw`."""
    with mounted() as folder:
        yield folder, lambda how: subprocess.run(["mount", "-o", f"remount,{how}", folder], check=True)


@pytest.fixture
def script():
    """Runs a Python script in a process of its own, and gives what it prints."""

    def run(text, *arguments):
        done = subprocess.run(
            [sys.executable, "-c", text, *map(str, arguments)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    return run


@pytest.fixture
def start():
    """Starts a Python script that says something when it is ready; it is killed at the end."""
    running = []

    def run(text, *arguments):
        process = subprocess.Popen(
            [sys.executable, "-c", text, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        assert process.stdout.readline().strip() == "ready"
        return process

    yield run
    for process in running:
        process.kill()
        process.communicate()
