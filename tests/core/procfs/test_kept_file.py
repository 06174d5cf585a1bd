"""Files that are read again and again through one descriptor."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from collector_core.procfs import KeptFile


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@contextmanager
def kept(*candidates: Path | str, is_kernels: bool = False, keep_open: bool = True) -> Iterator[KeptFile]:
    file = KeptFile(*candidates, is_kernels=is_kernels, keep_open=keep_open)
    try:
        yield file
    finally:
        file.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "stat"
    path.write_bytes(b"first")
    return path


def replace(path: Path, content: bytes) -> None:
    new = path.with_name("new")
    new.write_bytes(content)
    new.replace(path)


@pytest.mark.parametrize("keep_open", [True, False])
def test_a_file_of_a_copy_may_change_be_replaced_and_go(path: Path, keep_open: bool) -> None:
    with kept(path, keep_open=keep_open) as file:
        assert file.read() == b"first"
        path.write_bytes(b"second")
        assert file.read() == b"second"
        replace(path, b"third")
        assert file.read() == b"third"
        path.unlink()
        with pytest.raises(FileNotFoundError):
            file.read()
        path.write_bytes(b"fourth")
        assert file.read() == b"fourth"


def test_one_descriptor_is_kept_until_it_is_closed(path: Path) -> None:
    before = open_files()
    with kept(path) as file:
        assert open_files() == before, "nothing is opened before the first read"
        for _ in range(3):
            file.read()
            replace(path, b"again")
        assert open_files() == before + 1
        file.close()
        file.close()
        assert open_files() == before
        assert file.read() == b"again"
    assert open_files() == before


def test_nothing_is_kept_where_that_is_not_wanted(path: Path) -> None:
    before = open_files()
    with kept(path, keep_open=False) as file:
        assert file.read() == b"first"
        assert file.descriptor is None
        assert open_files() == before


def test_a_file_is_read_whole_or_its_beginning_only(path: Path) -> None:
    content = bytes(range(256)) * 1000
    path.write_bytes(content)
    for keep_open in (True, False):
        with kept(path, keep_open=keep_open) as file:
            assert file.read() == file.read() == content
            assert file.read(100) == file.read(100) == content[:100]


def test_long_files_of_the_kernel_come_whole() -> None:
    path = Path("/proc/kallsyms")
    with kept(path, is_kernels=True) as file:
        assert len(file.read()) > 1_000_000
        assert file.read() == file.read() == path.read_bytes()


def test_the_first_that_exists_is_read(path: Path) -> None:
    with kept(path.parent / "missing", path / "below-a-file", path) as file:
        assert file.read() == b"first"


def test_what_may_not_be_read_is_an_error_of_its_own_and_leaves_nothing_open(tmp_path: Path) -> None:
    before = open_files()
    with kept(tmp_path) as file, pytest.raises(IsADirectoryError):
        file.read()
    assert open_files() == before


def test_a_descriptor_that_fails_is_opened_again(path: Path) -> None:
    before = open_files()
    with kept(path, is_kernels=True) as file:
        file.read()
        assert file.descriptor is not None
        directory = os.open(path.parent, os.O_RDONLY)
        os.dup2(directory, file.descriptor)  # reading a directory fails
        os.close(directory)
        assert file.read() == b"first"
        assert open_files() == before + 1


def test_a_process_that_has_ended_is_not_there_any_more() -> None:
    with subprocess.Popen(["sleep", "60"]) as process, kept(f"/proc/{process.pid}/stat", is_kernels=True) as file:
        assert file.read(1024).startswith(b"%d (" % process.pid)
        process.kill()
        process.wait()
        with pytest.raises((FileNotFoundError, ProcessLookupError)):
            file.read(1024)
