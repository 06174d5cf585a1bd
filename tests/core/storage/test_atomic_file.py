"""A file is the old one or the new one, whatever happens while it is written."""

import errno
import fcntl
import os
import re
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector_core.storage import (
    AtomicFile,
    append_private,
    count_set_aside,
    private_folder,
    read_bounded,
    set_aside,
    write_atomically,
)


def names(folder):
    return sorted(each.name for each in folder.iterdir())


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300) | st.text(max_size=300))
def test_what_is_written_is_what_is_read(tmp_path, content):
    write_atomically(tmp_path / "file", content)
    expected = content.encode() if isinstance(content, str) else content
    assert read_bounded(tmp_path / "file", len(expected)) == expected
    assert names(tmp_path) == ["file"]


def test_pieces_appear_together_and_not_before(tmp_path):
    (tmp_path / "file").write_text("old")
    with AtomicFile(tmp_path / "file") as file:
        file.write("new ")
        file.write(b"and whole")
        assert (tmp_path / "file").read_text() == "old"
        assert file.temporary.parent == tmp_path
    assert (tmp_path / "file").read_text() == "new and whole"
    assert names(tmp_path) == ["file"]


def test_all_of_it_is_on_the_disk_before_it_takes_the_name(tmp_path, monkeypatch):
    synced, fsync = [], os.fsync

    def watched(descriptor):
        synced.append((os.fstat(descriptor).st_size, (tmp_path / "file").exists()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    write_atomically(tmp_path / "file", "x" * 100)
    assert synced[0] == (100, False)


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_the_mode_is_what_was_asked_for_whatever_the_umask(tmp_path, mode):
    before = os.umask(0o277)
    try:
        write_atomically(tmp_path / "file", "x", mode=mode)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode


def test_it_is_private_unless_asked_for_otherwise(tmp_path):
    with AtomicFile(tmp_path / "file") as file:
        assert stat.S_IMODE(file.temporary.stat().st_mode) == 0o600
    write_atomically(tmp_path / "other", "x")
    assert {stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()} == {0o600}


def test_a_block_that_raises_leaves_what_was_there(tmp_path):
    (tmp_path / "file").write_text("old")
    with pytest.raises(ZeroDivisionError), AtomicFile(tmp_path / "file") as file:
        file.write("half")
        raise ZeroDivisionError
    assert (tmp_path / "file").read_text() == "old"
    assert names(tmp_path) == ["file"]
    file.discard()
    with pytest.raises(ValueError, match="closed"):
        file.write("more")


def test_text_that_cannot_be_encoded_leaves_what_was_there(tmp_path):
    (tmp_path / "file").write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(tmp_path / "file", "\ud800")
    assert names(tmp_path) == ["file"]
    assert (tmp_path / "file").read_text() == "old"


def test_a_full_disk_leaves_what_was_there_and_is_written_when_there_is_room(disk):
    file = disk.folder / "file"
    write_atomically(file, "old")
    disk.fill()
    with pytest.raises(OSError, match="No space|too large") as caught:
        write_atomically(file, "x" * 100_000)
    assert caught.value.errno in (errno.ENOSPC, errno.EFBIG)
    assert caught.value.filename == str(file)
    assert read_bounded(file, 10) == b"old"
    disk.free()
    assert names(disk.folder) == ["file"]
    write_atomically(file, "new")
    assert read_bounded(file, 10) == b"new"


def test_a_folder_under_the_name_is_an_error_and_nothing_is_left(tmp_path):
    (tmp_path / "file").mkdir()
    with pytest.raises(IsADirectoryError):
        write_atomically(tmp_path / "file", "x")
    assert names(tmp_path) == ["file"]


def test_a_mode_that_is_refused_leaves_nothing(tmp_path):
    with pytest.raises(OverflowError):
        AtomicFile(tmp_path / "file", mode=1 << 40)
    assert names(tmp_path) == []


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "folder/file", "x")


def test_a_symbolic_link_is_replaced_and_not_followed(tmp_path):
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "file").symlink_to("precious")
    write_atomically(tmp_path / "file", "ours")
    assert (tmp_path / "precious").read_text() == "precious"
    assert not (tmp_path / "file").is_symlink()
    assert (tmp_path / "file").read_text() == "ours"


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path):
    left = tmp_path / ".file.0123456789abcdef.new"
    others = [".file.new", ".other.0123456789abcdef.new", "xfile.0123456789abcdef.new", ".file.0123456789abcdef.new2"]
    for each in [left.name, *others]:
        (tmp_path / each).write_text("half")
    write_atomically(tmp_path / "file", "x")
    assert names(tmp_path) == sorted(["file", *others])


def test_what_another_one_is_writing_is_left(tmp_path):
    with AtomicFile(tmp_path / "file") as first:
        first.write("first")
        write_atomically(tmp_path / "file", "second")
        assert first.temporary.exists()
    assert (tmp_path / "file").read_text() == "first"


def test_a_file_system_without_locks_is_written_all_the_same(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "no locks available")

    (tmp_path / ".file.0123456789abcdef.new").write_text("perhaps somebody's")
    monkeypatch.setattr(fcntl, "flock", refuse)
    write_atomically(tmp_path / "file", "x")
    assert names(tmp_path) == [".file.0123456789abcdef.new", "file"]


def fsyncs(monkeypatch, refusal=None):
    """The kinds of what is synchronized, in order; a folder is refused with an error number."""
    seen = []
    real = os.fsync

    def fsync(descriptor):
        kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        seen.append(kind)
        if kind == "folder" and refusal:
            raise OSError(refusal, os.strerror(refusal))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    return seen


def test_file_and_folder_are_on_the_disk_when_it_is_written(tmp_path, monkeypatch):
    seen = fsyncs(monkeypatch)
    write_atomically(tmp_path / "file", "x")
    assert seen == ["file", "folder"]


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EOPNOTSUPP])
def test_a_file_system_that_cannot_synchronize_folders_is_no_error(tmp_path, monkeypatch, number):
    seen = fsyncs(monkeypatch, number)
    write_atomically(tmp_path / "file", "x")
    assert seen == ["file", "folder"]
    assert (tmp_path / "file").read_text() == "x"


def test_a_disk_that_fails_to_synchronize_is_an_error(tmp_path, monkeypatch):
    before = descriptors()
    fsyncs(monkeypatch, errno.EIO)
    with pytest.raises(OSError, match="Input/output"):
        write_atomically(tmp_path / "file", "x")
    assert descriptors() == before
    assert names(tmp_path) == ["file"]


def test_no_descriptor_stays_open(tmp_path):
    before = descriptors()
    (tmp_path / ".file.0123456789abcdef.new").write_text("half")
    for _ in range(3):
        write_atomically(tmp_path / "file", "x")
        AtomicFile(tmp_path / "file").discard()
    assert descriptors() == before


def test_reading_is_bounded(tmp_path):
    (tmp_path / "file").write_bytes(b"12345")
    assert read_bounded(tmp_path / "file", 5) == b"12345"
    with pytest.raises(ValueError, match="larger than 4 bytes"):
        read_bounded(tmp_path / "file", 4)
    with pytest.raises(FileNotFoundError):
        read_bounded(tmp_path / "no", 4)


def test_reading_follows_a_symbolic_link_only_where_asked_to(tmp_path):
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("file")
    assert read_bounded(tmp_path / "link", 5, follow_symlinks=True) == b"12345"
    with pytest.raises(OSError, match="symbolic links"):
        read_bounded(tmp_path / "link", 5)


@pytest.mark.parametrize("kind", ["pipe", "folder", "device"])
def test_reading_waits_for_nobody(tmp_path, kind):
    path = tmp_path / "it"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path = Path("/dev/zero")
    with pytest.raises(OSError, match="not a regular file|directory"):
        read_bounded(path, 5)


def test_folders_are_private(tmp_path):
    private_folder(tmp_path / "a/b")
    assert stat.S_IMODE((tmp_path / "a/b").stat().st_mode) == 0o700
    (tmp_path / "a/b").chmod(0o750)
    private_folder(tmp_path / "a/b")
    assert stat.S_IMODE((tmp_path / "a/b").stat().st_mode) == 0o750


def test_what_is_set_aside_gets_a_name_of_its_own_each_time(tmp_path):
    asides = []
    for number in range(4):
        (tmp_path / "file").write_text(str(number))
        (tmp_path / "file-wal").write_text(f"wal {number}")
        asides.append(set_aside(tmp_path / "file", with_suffixes=("-wal", "-none")))
    assert [each.read_text() for each in asides] == ["0", "1", "2", "3"]
    assert [Path(f"{each}-wal").read_text() for each in asides] == ["wal 0", "wal 1", "wal 2", "wal 3"]
    assert all(re.fullmatch(r"file\.corrupt-\d{8}T\d{6}Z(-\d)?", each.name) for each in asides)
    assert len(names(tmp_path)) == 8


def test_numbers_tell_apart_what_is_set_aside_in_one_second(tmp_path, monkeypatch):
    monkeypatch.setattr("time.gmtime", lambda: (2026, 1, 2, 3, 4, 5, 4, 2, 0))
    (tmp_path / "file.odd-20260102T030405Z-2").symlink_to("nowhere")
    for name in ("file.odd-20260102T030405Z", "file.odd-20260102T030405Z-3"):
        (tmp_path / "file").write_text("x")
        assert set_aside(tmp_path / "file", "odd").name == name


def test_setting_aside_what_is_not_there_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        set_aside(tmp_path / "file")


def test_setting_aside_is_on_the_disk(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")
    seen = fsyncs(monkeypatch)
    set_aside(tmp_path / "file")
    assert seen == ["folder"]


KILLED = """
import os, random, signal, sys, time
from pathlib import Path
from collector_core.storage import write_atomically

file, moments, whole = Path(sys.argv[1]), random.Random(1), 0
write_atomically(file, b"a" * (ord("a") * 2000))
for _ in range(100):
    if not (child := os.fork()):
        while True:
            for letter in b"abcdef":
                write_atomically(file, bytes([letter]) * (letter * 2000))
    time.sleep(moments.uniform(0.0, 0.02))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    content = file.read_bytes()
    assert content == content[:1] * (content[0] * 2000), len(content)
    whole += 1
write_atomically(file, b"end")
print(whole, len(os.listdir(file.parent)))
"""


def test_being_killed_while_writing_leaves_a_whole_file_and_no_litter(tmp_path, script):
    whole, files = map(int, script(KILLED, tmp_path / "file"))
    assert (whole, files) == (100, 1)


# append


def test_lines_are_appended_to_a_file_that_nobody_else_may_read(tmp_path):
    file = tmp_path / "rows.csv"
    file.write_text("a\n")
    file.chmod(0o644)
    append_private(file, "b\n")
    append_private(tmp_path / "new", b"c")
    assert (file.read_text(), (tmp_path / "new").read_text()) == ("a\nb\n", "c")
    assert {each.stat().st_mode & 0o777 for each in tmp_path.iterdir()} == {0o600}


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_nothing_is_appended_to_what_is_no_regular_file(tmp_path, kind):
    precious, path = tmp_path / "precious", tmp_path / "rows.csv"
    precious.write_text("precious")
    if kind == "link":
        path.symlink_to(precious)
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises(OSError, match=r"symbolic links|No such device|regular file|directory"):
        append_private(path, "x")
    assert precious.read_text() == "precious"


def test_files_that_were_set_aside_are_counted_without_their_companions(tmp_path):
    file = tmp_path / "state.db"
    for why in ("corrupt", "corrupt", "old"):
        file.write_text("x")
        (tmp_path / "state.db-wal").write_text("x")
        set_aside(file, why, with_suffixes=("-wal",))
    (tmp_path / "other.db.corrupt-20260102T030405Z").write_text("")
    assert (count_set_aside(file), count_set_aside(file, "corrupt", "old"), count_set_aside(file, "odd")) == (2, 3, 0)
    assert count_set_aside(tmp_path / "absent" / "state.db") == 0
