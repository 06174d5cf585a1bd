"""What the kernel prints is parsed, and everything else is a ValueError."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector_plugins.qemu import procfs

LINE = b"42 (%b) S 1 42 42 0 -1 4194560 9 8 7 6 150 25 77 88 20 0 5 0 1234 99 88 18446744073709551615 1 1 0 0\n"
PARSERS: list[Callable[[bytes], Any]] = [
    procfs.stat,
    procfs.host_cpu,
    procfs.physical_cores,
    procfs.vcpu_number,
]


@settings(deadline=None)
@given(st.binary(max_size=15))
def test_a_program_may_have_any_name(name: bytes) -> None:
    assert procfs.stat(LINE % name) == (ord("S"), 175, 5, 1234)


@pytest.mark.parametrize("name", [b") R 1 (", b"a b) Z", b"))", b"(", b"\n"])
def test_a_name_that_looks_like_fields(name: bytes) -> None:
    assert procfs.stat(LINE % name) == (ord("S"), 175, 5, 1234)


@pytest.mark.parametrize("line", [b"", b"1", b"1 (a", b"1 (a)", b"1 (a) S 1 2 3", LINE.replace(b"150", b"x")])
def test_a_line_that_says_too_little_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - also those of int()
        procfs.stat(line)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(PARSERS),
    st.lists(
        st.sampled_from([b"cpu ", b"cpu0 1", b"1 (a) S", b"\n", b" 9", b"processor:", b"x"]) | st.binary(max_size=9)
    ).map(b"".join),
)
def test_garbage_is_a_value_error(parser: Callable[[bytes], Any], data: bytes) -> None:
    with suppress(ValueError):
        parser(data)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=4), st.integers(0, len(LINE)), st.integers(0, 30))
def test_a_damaged_line_is_a_value_error(piece: bytes, start: int, length: int) -> None:
    with suppress(ValueError):
        procfs.stat(LINE[:start] + piece + LINE[start + length :])


def test_the_host() -> None:
    assert procfs.host_cpu(b"cpu  1 2 4 1000 2000 8 16 4000 1 0\ncpu0 1 2\ncpu1 1 2\nintr 9\n") == (31, 2)
    assert procfs.host_cpu(b"cpu  1 2 4 8\n") == (7, 0)


def test_physical_cores() -> None:
    threads = [(0, 0), (0, 1), (1, 0), (1, 1), (0, 0), (0, 1), (1, 0), (1, 1)]
    text = "".join(f"processor\t: {n}\nphysical id\t: {p}\ncore id\t\t: {c}\n\n" for n, (p, c) in enumerate(threads))
    assert procfs.physical_cores(text.encode()) == 4
    assert procfs.physical_cores(b"processor\t: 0\n\nprocessor\t: 1\n\nModel\t: a board\n") == 2
    assert procfs.physical_cores(b"") == 0


def test_vcpu_threads() -> None:
    names = (
        b"CPU 0/KVM\n",
        b"CPU 12/TCG\n",
        b"CPU 3/KVM",
        b"ALL CPUs/TCG\n",
        b"CPU x/KVM",
        b"IO mon_iothread\n",
        b"kvm\n",
    )
    assert [procfs.vcpu_number(name) for name in names] == [0, 12, 3, None, None, None, None]


def test_the_kernel_of_this_machine_is_understood() -> None:
    state, _, threads, _ = procfs.stat(Path("/proc/self/stat").read_bytes())
    assert state in b"RSD"
    assert threads >= 1
    assert procfs.host_cpu(Path("/proc/stat").read_bytes())[1] >= 1
