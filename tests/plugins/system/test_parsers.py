"""Parsers read what kernels print, and answer everything else with a ValueError."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from collector_core.procfs import FoundNumbers, NumberText
from collector_plugins.system import mounts, procfs
from collector_plugins.system.filters import Filter, Labels, Patterns, text
from collector_plugins.system.source import CpuTimes
from collector_plugins.system.usage import CpuUsage

TREE = Path(__file__).parent / "testcases/desktop-ryzen/root/proc"


def everything() -> Labels:
    return Labels(lambda name: True)


# What is cut off a text before it is parsed, and its parser.
FINDERS: dict[str, tuple[Callable[[bytes], bytes], Callable[[bytes], FoundNumbers[Any]]]] = {
    "stat": (procfs.cpu_lines, procfs.find_cpu_times),
    "loadavg": (procfs.averages, procfs.find_load_averages),
    "meminfo": (procfs.memory_lines, procfs.find_memory),
    "diskstats": (bytes, lambda data: procfs.find_disks(data, everything())),
    "net/dev": (procfs.separated, lambda data: procfs.find_interfaces(data, everything())),
    "net/sockstat": (bytes, procfs.find_sockets),
}


def parse(name: str, text: bytes) -> Any:
    cut, find = FINDERS[name]
    return NumberText(find).read(cut(text))


PARSERS: dict[str, Callable[[bytes], Any]] = {
    **{name: partial(parse, name) for name in FINDERS},
    "stat btime": procfs.boot_time,
    "mounts": mounts.parse,
}
BEGINNINGS = [
    b"cpu ",
    b"cpu0 1 2 ",
    b"\nbtime ",
    b"Inter-|\n\n",
    b"eth0: ",
    b"MemTotal:",
    b"TCP: inuse ",
]
GARBAGE = st.lists(
    st.one_of(
        st.binary(max_size=40), st.sampled_from([*BEGINNINGS, b" ", b"\n", b"7", b"9" * 400, b"-1", b"nan", b"kB"])
    ),
    max_size=12,
).map(b"".join)


@pytest.mark.parametrize("parser", PARSERS.values(), ids=PARSERS)
@settings(max_examples=150, deadline=None)
@given(data=GARBAGE)
def test_garbage_is_a_value_error(parser: Callable[[bytes], Any], data: bytes) -> None:
    with suppress(ValueError):
        parser(data)


@pytest.mark.parametrize("name", PARSERS)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_damaged_file_is_a_value_error(name: str, data: st.DataObject) -> None:
    contents = (TREE / name.split(" ", maxsplit=1)[0]).read_bytes()
    start = data.draw(st.integers(0, len(contents)))
    end = data.draw(st.integers(start, min(len(contents), start + 60)))
    damaged = contents[:start] + data.draw(st.binary(max_size=6)) + contents[end:]
    with suppress(ValueError):
        PARSERS[name](damaged)


@pytest.mark.parametrize(
    ("name", "contents"),
    [
        ("stat", b""),
        ("stat", b"cpu0 1 2 3 4\n"),
        ("stat", b"cpu  1 2 3\n"),
        ("stat", b"cpu  1 2 3 x\n"),
        ("stat btime", b"cpu 1\nbtime soon\n"),
        ("loadavg", b"0.1 0.2\n"),
        ("meminfo", b"MemFree: 1 kB\n"),
        ("meminfo", b"MemTotal: kB\n"),
        ("net/dev", b"eth0: 1 2 3\n"),
        ("diskstats", b"none here\n"),
        ("net/sockstat", b"TCP: inuse\n"),
        ("net/sockstat", b"nothing\n"),
        ("mounts", b"/dev/sda1 /\n"),
    ],
)
def test_a_file_that_says_too_little_is_refused(name: str, contents: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - also those of float() and of unpacking
        PARSERS[name](contents)


@pytest.mark.parametrize(
    ("name", "contents", "good"),
    [
        ("diskstats", b"8 0 sda 1 2 3\n8 16 sdb 1 0 8 1 1 0 16 1 0 2 2\n", "sdb"),
        ("diskstats", b"?\n8 0 sda 1 0 8 nan 1 0 16 1 0 2\n8 16 sdb 1 0 8 1 1 0 16 1 0 2\n", "sdb"),
        ("net/dev", b"Inter-|\n\neth0: 1 2 3\nlost\neth1:1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n", "eth1"),
        ("net/dev", b"Inter-|\n\neth0:-1" + b" 1" * 15 + b"\neth1:" + b" 1" * 16, "eth1"),
    ],
)
def test_an_odd_line_costs_its_own_device(name: str, contents: bytes, good: str) -> None:
    found = PARSERS[name](contents)
    assert [device for device, row in found.items() if not isinstance(row, ValueError)] == [good]
    assert len(found) == 2


def test_an_odd_value_is_missing_alone() -> None:
    memory = parse(
        "meminfo", b"MemTotal: 10 kB\nMemAvailable: ? kB\nMemFree: 4 kB\nSwapTotal: " + b"9" * 400 + b" kB\n"
    )
    assert (memory.total, memory.available, memory.free, memory.swap_total) == (10240, None, 4096, None)
    memory = parse("meminfo", b"MemTotal: ? kB\nMemAvailable: 4 kB\n")
    assert (memory.total, memory.available, memory.used) == (None, 4096, None)
    assert parse("loadavg", b"0.5 nan 1.5 1/2 3\n") == {"1m": 0.5, "15m": 1.5}
    assert parse("stat", b"cpu  ? 2 3 4\ncpu0 100 0 0 200\ncpu1 1 1 1 1\n").total == (1.01, 0.01, 0.01, 2.01)
    assert parse("net/sockstat", b"odd\nTCP: inuse nan tw 2 alloc\nUDP: inuse 3\n") == {
        ("tcp", "tw"): 2,
        ("udp", "inuse"): 3,
    }
    assert [mount.point for mount in mounts.parse(b"/dev/sda1 /\n/dev/sdb1 /b ext4 rw 0 0\n")] == [b"/b"]


@pytest.mark.parametrize("name", FINDERS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_text_says_the_same_whatever_came_before_it(name: str, data: st.DataObject) -> None:
    """Numbers change, words change, lines come and go: what is kept of one text must not be seen in the next."""
    cut, find = FINDERS[name]
    contents = (TREE / name).read_bytes()
    kept = NumberText(find)
    changes = st.sampled_from([b"7", b"123456", b"0.5", b".", b"-1", b"nan", b"9" * 400, b"sdx", b"", b"1.2.3"])
    for _ in range(3):
        words = re.split(rb"(\s+)", contents)
        for place in data.draw(st.lists(st.integers(0, len(words) - 1), max_size=3)):
            words[place] = data.draw(changes)
        text = cut(b"".join(words))
        try:
            expected = repr(NumberText(find).read(text))
        except ValueError:
            with pytest.raises(ValueError):  # noqa: PT011 - the same, whatever it says
                kept.read(text)
        else:
            assert repr(kept.read(text)) == expected


def test_a_name_that_is_longer_than_a_label_keeps_its_end() -> None:
    assert text(b"/a" * 2000) == "…" + "/a" * 500


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=30).filter(lambda point: b"\0" not in point))
def test_mount_points_survive_the_kernels_escaping(point: bytes) -> None:
    escaped = re.sub(rb"[ \t\n\\#]", lambda match: b"\\%03o" % match[0][0], point)
    assert mounts.parse(b"/dev/sda1 %b ext4 rw 0 0\n" % escaped)[0].point == point


@settings(deadline=None)
@given(st.binary(max_size=30), st.binary(max_size=30))
@example(b"a\xff", b"a\xfe")
def test_labels_are_valid_unicode_and_tell_names_apart(one: bytes, other: bytes) -> None:
    labels = everything()
    for raw in (one, other):
        assert labels[raw] is not None
        (labels[raw] or "").encode()
    if one != other and b"\\" not in one + other:
        assert labels[one] != labels[other]


def test_labels_do_not_grow_for_ever() -> None:
    labels = everything()
    for number in range(20_000):
        assert labels[b"veth%d" % number] == f"veth{number}"
    assert len(labels) <= 4096


def test_the_cache_counts_what_free_counts() -> None:
    """free(1): the page cache with tmpfs, and slabs that the kernel can reclaim; kernels before 2.6.19 do not tell."""
    page_cache = b"MemTotal: 100 kB\nCached: 20 kB\n"
    assert parse("meminfo", page_cache + b"Slab: 9 kB\nSReclaimable: 5 kB\nSUnreclaim: 4 kB\n").cached == 25 * 1024
    assert parse("meminfo", page_cache).cached == 20 * 1024
    assert parse("meminfo", b"MemTotal: 100 kB\nSReclaimable: 5 kB\n").cached is None


def test_memory_of_a_container_whose_total_is_below_what_is_available() -> None:
    memory = parse("meminfo", b"MemTotal: 10 kB\nMemAvailable: 20 kB\n")
    assert (memory.total, memory.available, memory.used) == (10240, 20480, None)


@pytest.mark.parametrize(
    ("include", "exclude", "name", "ordinary", "wanted"),
    [
        ([], [], "sda", True, True),
        ([], [], "sda1", False, False),
        ([], [], "noise0", True, False),
        ([], ["sdb"], "noise0", True, False),
        ([], ["sd?"], "sda", True, False),
        (["sd*"], [], "nvme0n1", True, False),
        (["sd*"], [], "sda1", False, False),
        (["sda1"], [], "sda1", False, True),
        (["*"], [], "noise0", True, True),
        (["sda"], ["sda"], "sda", True, False),
        (["SDA"], [], "sda", True, False),
    ],
)
def test_filter(include: list[str], exclude: list[str], name: str, ordinary: bool, wanted: bool) -> None:
    patterns = Patterns(include=tuple(include), exclude=tuple(exclude))
    assert Filter(patterns, ("noise*",)).wants(name, ordinary=ordinary) is wanted


# Quarters have no rounding.
TICKS = st.tuples(*[st.integers(0, 10**12)] * 4).map(lambda row: tuple(tick / 4 for tick in row))


@settings(deadline=None)
@given(TICKS, TICKS, st.sampled_from([-1.0, 0.0, 0.001, 5.0]))
def test_usage_is_a_ratio_or_absent(before: tuple[float, ...], after: tuple[float, ...], elapsed: float) -> None:
    usage = CpuUsage()
    modes = ("user", "system", "idle", "iowait")
    assert usage.update(100.0, CpuTimes(modes, before, {"0": before})) == (None, {})
    total, cores = usage.update(100.0 + elapsed, CpuTimes(modes, after, {"0": after, "1": after}))
    assert set(cores) <= {"0"}
    assert total == cores.get("0")
    fell = sum(after[:2]) < sum(before[:2]) or sum(after[2:]) < sum(before[2:])
    assert (total is None) == (fell or sum(after) == sum(before) or elapsed <= 0)
    assert total is None or 0 <= total <= 1
