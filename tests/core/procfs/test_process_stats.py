"""/proc/PID/stat of many processes: the same numbers on both paths, and one that fails costs the others nothing."""

import os
from array import array

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from collector_core import _speed
from collector_core.procfs import KeptFile, parse_process_stat, read_process_stats

compiled = pytest.mark.skipif(bool(_speed.problem), reason=f"the compiled part does not run: {_speed.problem}")
READ = _speed.read_process_stats
LINE = b"%d (%b) %c 1 2 3 4 5 6 7 8 9 10 %d %d 13 14 15 16 %d 18 %d 20 21 22 23\n"


def line(pid=1, name=b"qemu", state=b"S", user=11, system=12, threads=3, start=99):
    return LINE % (pid, name, state, user, system, threads, start)


@pytest.fixture
def files(tmp_path):
    """Files with these contents, which have been read once if `kept`."""

    def new(*contents, kept=True):
        found = []
        for content in contents:
            path = tmp_path / str(len(list(tmp_path.iterdir())))
            path.write_bytes(content)
            found.append(KeptFile(path, is_kernels=False, keep_open=kept))
            if kept:
                found[-1].read()
        opened.extend(found)
        return found

    opened = []
    yield new
    for file in opened:
        file.close()


@pytest.mark.usefixtures("speed_path")
@pytest.mark.parametrize("kept", [True, False])
def test_all_are_read_and_those_that_cannot_be_say_why(files, kept):
    there = files(
        line(name=b"a) R 9 (b"), line(state=b"Z", user=2**60), b"1 (cut) S 1 2", b"", line(start=7), kept=kept
    )
    missing = KeptFile("/nowhere/at/all", is_kernels=False)
    stats = read_process_stats([*there, missing], is_kernels=False)
    assert list(stats.states) == [ord("S"), ord("Z"), 0, 0, ord("S"), 0]
    assert list(stats.cpu_ticks) == [23, 2**60 + 12, 0, 0, 23, 0]
    assert list(stats.threads) == [3, 3, 0, 0, 3, 0]
    assert list(stats.starts) == [99, 99, 0, 0, 7, 0]
    assert {place: type(error) for place, error in stats.errors.items()} == {
        2: ValueError,
        3: ValueError,
        5: FileNotFoundError,
    }
    assert stats.are_of([99, 99, 0, 0, 8, 0]) == [True, False, False, False, False, False]


@pytest.mark.usefixtures("speed_path")
def test_a_file_that_was_replaced_is_read_anew(files, tmp_path):
    (file,) = files(line())
    (tmp_path / "new").write_bytes(line(start=100))
    (tmp_path / "new").rename(tmp_path / "0")
    assert list(read_process_stats([file], is_kernels=False).starts) == [100]


@pytest.mark.usefixtures("speed_path")
def test_our_own_process_is_read():
    file = KeptFile(f"/proc/{os.getpid()}/stat", is_kernels=True)
    expected = parse_process_stat(file.read())
    stats = read_process_stats([file], is_kernels=True)
    file.close()
    assert (stats.threads[0], stats.starts[0], stats.errors) == (expected.threads, expected.start, {})
    assert stats.cpu_ticks[0] >= expected.cpu_ticks


NUMBERS = st.one_of(st.integers(0, 2**64), st.integers(-3, 3), st.just("x"), st.just(""), st.just("+1"), st.just("1_0"))


@compiled
@given(
    head=st.binary(max_size=9),
    state=st.sampled_from(["S", "R", "", "Sx", " "]),
    fields=st.lists(NUMBERS, min_size=15, max_size=24),
    cut=st.integers(0, 200),
)
@example(b"(a) S (b", "S", [0] * 24, 200)
def test_what_the_compiled_part_reads_is_what_python_reads(tmp_path_factory, head, state, fields, cut):
    content = (b"1 (" + head + b") " + " ".join([state, *map(str, fields)]).encode())[:cut]
    path = tmp_path_factory.getbasetemp() / "stat"
    path.write_bytes(content)
    found = array("q", [-1] * 4)
    with path.open("rb") as stream:
        READ(array("i", [stream.fileno()]), False, found)
    if found[0]:
        stat = parse_process_stat(content)
        assert found.tolist() == [stat.state, stat.cpu_ticks, stat.threads, stat.start]
    else:
        assert found.tolist() == [0] * 4


@compiled
@pytest.mark.parametrize(
    ("error", "arguments"),
    [
        (ValueError, (array("i", [0]), True, array("q", [0] * 3))),
        (ValueError, (array("i", [0]), True, array("q", [0] * 8))),
        (BufferError, (array("i", [0]), True, memoryview(array("q", [0] * 4)).toreadonly())),
        (ValueError, (array("q", [0]), True, array("q", [0] * 4))),
        (ValueError, (array("i", [0]), True, array("d", [0] * 4))),
        (TypeError, ([0], True, array("q", [0] * 4))),
        (TypeError, (array("i", [0]),)),
    ],
)
def test_what_does_not_fit_together_is_refused(error, arguments):
    with pytest.raises(error):
        READ(*arguments)


@compiled
@pytest.mark.parametrize("descriptor", [-1, -(2**31), 2**31 - 1, 10_000])
def test_what_is_no_descriptor_has_no_numbers(descriptor):
    found = array("q", [-1] * 4)
    READ(array("i", [descriptor]), True, found)
    assert found.tolist() == [0] * 4


@compiled
def test_long_names_and_folders_have_no_numbers(files, tmp_path):
    (file,) = files(line(name=b")" * 5000))
    found = array("q", [-1] * 8)
    folder = os.open(tmp_path, os.O_RDONLY)
    READ(array("i", [file.descriptor, folder]), False, found)
    os.close(folder)
    assert found.tolist() == [0] * 8
