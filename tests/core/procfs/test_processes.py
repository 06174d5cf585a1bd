"""Processes: what /proc/PID/stat says, and which are below another."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector_core.procfs import descendants, parse_process_stat
from collector_core.procfs.processes import PAGE_BYTES, Consumption, consumption_below, parse_io

LINE = b"42 (%b) S 1 42 42 0 -1 4194560 9 8 7 6 150 25 77 88 20 0 5 0 1234 99 88 18446744073709551615 1 1 0 0\n"


def said(line: bytes) -> tuple[int, ...]:
    stat = parse_process_stat(line)
    return stat.state, stat.parent, stat.cpu_ticks, stat.reaped_ticks, stat.threads, stat.start, stat.resident_bytes


STAT = (ord("S"), 1, 175, 165, 5, 1234, 88 * PAGE_BYTES)


@given(st.binary(max_size=15))
def test_a_program_may_have_any_name(name: bytes) -> None:
    assert said(LINE % name) == STAT


@pytest.mark.parametrize("name", [b") R 1 (", b"a b) Z", b"))", b"(", b"\n"])
def test_a_name_that_looks_like_fields(name: bytes) -> None:
    assert said(LINE % name) == STAT


@pytest.mark.parametrize(("state", "has_ended"), [(b"S", False), (b"R", False), (b"Z", True), (b"X", True)])
def test_a_process_that_waits_for_its_parent_has_ended(state: bytes, has_ended: bool) -> None:
    assert parse_process_stat(LINE.replace(b" S ", b" %b " % state)).has_ended is has_ended


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"1",
        b"1 (a",
        b"1 (a)",
        b"1 (a) S 1 2 3",
        LINE.replace(b"150", b"x"),
        LINE.replace(b"150", b"9" * 400),
        LINE.replace(b"S", b""),
    ],
)
def test_a_line_that_says_too_little_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - also those of int()
        parse_process_stat(line)


@settings(max_examples=300)
@given(st.binary(max_size=4), st.integers(0, len(LINE)), st.integers(0, 30))
def test_a_damaged_line_is_a_value_error(piece: bytes, start: int, length: int) -> None:
    with suppress(ValueError):
        said(LINE[:start] + piece + LINE[start + length :])


def test_the_kernel_of_this_machine_is_understood() -> None:
    stat = parse_process_stat(Path("/proc/self/stat").read_bytes())
    assert stat.state in b"RSD"
    assert stat.parent == os.getppid()
    assert stat.threads >= 1
    assert stat.resident_bytes > 1_000_000


def add_process(proc: Path, pid: int, children: dict[int, str], *, stat: bytes = b"", io: bytes = b"") -> None:
    for thread, text in children.items():
        (proc / f"{pid}/task/{thread}").mkdir(parents=True)
        (proc / f"{pid}/task/{thread}/children").write_text(text)
    (proc / f"{pid}/stat").write_bytes(stat)
    (proc / f"{pid}/io").write_bytes(io)


def test_a_tree_of_processes_is_followed_to_its_leaves(tmp_path: Path) -> None:
    for pid, threads in {1: {1: "2 3", 9: "4"}, 2: {2: ""}, 3: {3: "5"}, 4: {4: ""}, 5: {5: "6"}}.items():
        add_process(tmp_path, pid, threads)
    assert set(descendants(1, tmp_path)) == {2, 3, 4, 5, 6}
    assert consumption_below(1, tmp_path) == Consumption(), "those that are gone use nothing"


def test_a_list_of_children_with_an_odd_word_loses_that_word_alone(tmp_path: Path) -> None:
    for pid, children in {1: "2 ? -3 4", 2: "", 4: ""}.items():
        add_process(tmp_path, pid, {pid: children})
    assert set(descendants(1, tmp_path)) == {2, 4}


def test_what_a_tree_uses_adds_up(tmp_path: Path) -> None:
    add_process(tmp_path, 1, {1: "2 3"}, stat=LINE % b"parent", io=b"read_bytes: 7\nwrite_bytes: 7\n")
    add_process(tmp_path, 2, {2: ""}, stat=LINE % b"a", io=b"rchar: 9\nread_bytes: 40\nwrite_bytes: 2\n")
    add_process(tmp_path, 3, {3: ""}, stat=LINE % b"another user's")
    ticks = os.sysconf("SC_CLK_TCK")
    assert consumption_below(1, tmp_path) == Consumption(2 * 340 / ticks, 2 * 88 * PAGE_BYTES, 42)


def test_disk_traffic_is_read_and_written_bytes() -> None:
    assert parse_io(b"rchar: 1\nread_bytes: 40\nwrite_bytes: 2\ncancelled_write_bytes: 9\n") == 42
    with pytest.raises(ValueError, match="/proc/PID/io"):
        parse_io(b"rchar: 1\n")
