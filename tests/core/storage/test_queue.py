"""A queue keeps its order, its limits and what it acknowledged, whatever happens to its file."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector_core.storage.errors import StorageError, StorageReason
from collector_core.storage.queue import OVERHEAD, DiskQueue


@pytest.fixture
def queue(tmp_path):
    """Makes queues on one file, which are closed at the end."""
    made = []

    def make(max_bytes=1_000_000, path=tmp_path / "q.db", compressed=False):
        made.append(DiskQueue(path, max_bytes=max_bytes, compressed=compressed))
        return made[-1]

    yield make
    for each in made:
        each.close()


def put(queue, *bodies, at=0.0):
    return queue.append([(at, 1, body) for body in bodies])


def contents(entries):
    return [entry.content for entry in entries]


def noise(number, size=500):
    """A body that does not compress."""
    return number.to_bytes(4) + os.urandom(size)


def test_entries_come_in_the_order_in_which_they_were_appended(queue):
    made = queue()
    put(made, b"a", b"b")
    put(made, b"c")
    assert contents(made.head(10)) == [b"a", b"b", b"c"]
    assert contents(made.head(2)) == [b"a", b"b"]


def test_what_was_appended_survives_a_restart_and_what_was_removed_does_not(queue):
    made = queue()
    put(made, b"a", b"b", b"c", at=5.0)
    made.remove_through(made.head(1)[0].id)
    made.close()
    again = queue()
    assert contents(again.head(10)) == [b"b", b"c"]
    assert (again.records, again.oldest_at) == (2, 5.0)
    assert again.inherited_id == again.last_id


def test_ids_are_never_used_again_so_that_old_and_new_are_told_apart(queue):
    made = queue()
    put(made, b"a")
    made.remove_through(made.last_id)
    made.close()
    again = queue()
    again.open()
    put(again, b"b")
    assert again.head(1)[0].id > again.inherited_id == 1


def test_the_oldest_make_room_and_are_returned(queue):
    made = queue(max_bytes=2000)
    bodies = [noise(number) for number in range(5)]
    lost = [each for at, body in enumerate(bodies) for each in put(made, body, at=at)]
    assert contents(lost) == bodies[:2]
    assert contents(made.head(10)) == bodies[2:]
    assert made.bytes <= 2000


def test_an_entry_larger_than_the_queue_is_returned_and_costs_no_other(queue):
    made = queue(max_bytes=2000)
    put(made, b"a")
    assert [entry.records for entry in put(made, noise(1, 3000), at=1.0)] == [1]
    assert contents(made.head(10)) == [b"a"]


def test_entries_that_have_waited_too_long_go(queue):
    made = queue()
    put(made, b"a", at=10.0)
    put(made, b"b", at=20.0)
    assert contents(made.remove_older(15.0)) == [b"a"]
    assert (made.records, made.oldest_at) == (1, 20.0)


def test_what_has_waited_exactly_that_long_stays_and_an_empty_queue_has_nothing_to_lose(queue):
    made = queue()
    assert made.remove_older(15.0) == []
    put(made, b"a", at=15.0)
    assert made.remove_older(15.0) == []
    made.close()
    assert contents(queue().remove_older(16.0)) == [b"a"], "after a restart as well"


def test_what_is_younger_than_the_limit_stays_behind_what_is_older(queue):
    made = queue()
    for at in (10.0, 15.0, 20.0):
        put(made, b"%d" % at, at=at)
    assert contents(made.remove_older(15.0)) == [b"10"]
    assert contents(made.head(10)) == [b"15", b"20"]


def test_no_more_goes_than_the_new_ones_need(queue):
    made = queue(max_bytes=3 * (5 + 5 + OVERHEAD), compressed=True)
    for at in range(3):
        put(made, b"%05d" % at, at=at)
    assert contents(put(made, b"00003", at=3.0)) == [b"00000"]


def test_what_a_file_holds_already_counts_with_what_is_appended_first(queue):
    before = queue()
    put(before, b"a", b"b")
    before.close()
    again = queue(compressed=True)
    put(again, b"c")
    assert (again.records, again.last_id, again.inherited_id) == (3, 3, 2)
    assert again.bytes == sum(entry.size for entry in again.head(10))


def test_everything_is_in_one_file_beside_its_lock(queue, tmp_path):
    put(queue(), b"a")
    assert {file.name for file in tmp_path.iterdir()} == {"q.db", "q.db.lock"}


def test_before_it_is_opened_nothing_is_known_to_wait(queue):
    made = queue()
    assert (made.bytes, made.records, made.last_id, made.oldest_at, made.inherited_id) == (0, 0, 0, None, None)


def test_what_fits_exactly_is_kept(queue):
    size = len(b"12345") + 5 + OVERHEAD
    made = queue(max_bytes=2 * size, compressed=True)
    assert put(made, b"12345", b"54321") == []
    assert made.bytes == 2 * size
    assert contents(put(made, b"abcde", at=1.0)) == [b"12345", b"54321"], "those of one time go together"
    assert put(made, b"edcba", at=2.0) == []


def test_of_a_batch_that_is_too_large_the_newest_times_stay_as_wholes(queue):
    made = queue(max_bytes=3 * (5 + 5 + OVERHEAD), compressed=True)
    batch = [(at, 1, body) for at, body in ((0.0, b"a0000"), (0.0, b"b0000"), (1.0, b"c1111"), (1.0, b"d1111"))]
    assert contents(made.append(batch)) == [b"a0000", b"b0000"]
    assert contents(made.head(10)) == [b"c1111", b"d1111"]


def test_a_time_that_is_too_large_as_a_whole_is_refused_as_a_whole(queue):
    made = queue(max_bytes=3 * (5 + 5 + OVERHEAD), compressed=True)
    bodies = [b"%05d" % number for number in range(4)]
    assert contents(put(made, *bodies)) == bodies
    assert (made.bytes, made.records, made.head(10)) == (0, 0, [])


def test_the_head_is_measured_in_records_and_is_never_empty(queue):
    made = queue()
    made.append([(0.0, 3, b"a"), (0.0, 3, b"b"), (0.0, 1, b"c")])
    assert contents(made.head(1)) == [b"a"]
    assert contents(made.head(5)) == [b"a"]
    assert contents(made.head(6)) == [b"a", b"b"]
    assert contents(made.head(7)) == [b"a", b"b", b"c"]
    first, second, _ = made.head(7)
    assert contents(made.head(7, after=first.id)) == [b"b", b"c"]
    assert contents(made.head(1, through=second.id)) == [b"a", b"b"]


def test_a_batch_is_read_again_as_it_was(queue):
    made = queue()
    put(made, b"a", b"b")
    through = made.head(10)[-1].id
    put(made, b"c")
    assert contents(made.head(10, through=through)) == [b"a", b"b"]


def test_an_empty_queue_gives_its_space_back(queue):
    made = queue(max_bytes=10_000_000)
    put(made, *(noise(number, 100_000) for number in range(20)))
    path = made._database.path
    assert path.stat().st_size > 2_000_000
    made.remove_through(made.last_id)
    assert path.stat().st_size < 100_000


def test_a_large_file_is_not_written_anew_while_something_waits(queue):
    made = queue(max_bytes=10_000_000)
    put(made, *(noise(number, 100_000) for number in range(20)))
    made.remove_through(made.last_id - 1)
    assert made._database.path.stat().st_size > 2_000_000


def test_figures_are_read_anew_after_it_was_closed(queue):
    made, other = queue(), queue()
    put(made, b"a")
    made.close()
    put(other, b"b", b"c", at=1.0)
    other.close()
    made.open()
    assert (made.records, made.last_id, made.oldest_at) == (3, 3, 0.0)
    assert made.bytes == sum(entry.size for entry in made.head(10))


def test_a_new_file_in_the_place_of_one_that_was_moved_holds_what_it_says(queue, tmp_path):
    subject = queue()
    put(subject, b"one", b"two", at=5.0)
    (tmp_path / "q.db").rename(tmp_path / "elsewhere")
    put(subject, b"three", at=7.0)
    assert (subject.records, subject.last_id, subject.oldest_at) == (1, 1, 7.0)
    assert contents(subject.head(10)) == [b"three"]
    subject.remove_through(subject.last_id)
    assert (subject.records, subject.bytes) == (0, 0)


def test_what_is_compressed_already_is_kept_as_it_is(queue):
    made = queue(compressed=True)
    put(made, b"a" * 1000, b"")
    assert contents(made.head(10)) == [b"a" * 1000, b""]
    assert made.bytes == 1000 + 2 * (5 + OVERHEAD)
    made.close()
    packed = queue()
    put(packed, b"a" * 1000)
    assert packed.bytes < 1000 + 3 * (5 + OVERHEAD) + 100
    assert contents(packed.head(10)) == [b"a" * 1000, b"", b"a" * 1000], "one reader for both"


@pytest.mark.parametrize("position", [1, 4, 5, 104])
def test_each_damaged_byte_of_a_body_says_so(queue, tmp_path, position):
    made = queue(compressed=True)
    put(made, b"a" * 100)
    (entry,) = made.head(1)
    torn = bytearray(entry.body)
    torn[position] ^= 1
    with pytest.raises(ValueError, match="its checksum is wrong"):
        entry._replace(body=bytes(torn)).content  # noqa: B018 - it raises


def test_a_mark_that_was_never_set_is_none(queue):
    assert queue().mark("interval") is None


def test_a_mark_survives_a_restart(queue):
    made = queue()
    made.set_mark("interval", 7)
    made.close()
    assert queue().mark("interval") == 7


def test_a_mark_is_set_with_the_entries_or_not_at_all(queue, disk):
    made = queue(path=disk.folder / "q.db")
    made.append([(0.0, 1, b"a")], {"interval": 1})
    assert made.mark("interval") == 1
    disk.fill(leaving=30_000)
    with pytest.raises(StorageError):
        made.append([(0.0, 1, noise(number, 50_000)) for number in range(10)], {"interval": 2})
    disk.free()
    assert (made.mark("interval"), contents(made.head(10))) == (1, [b"a"])
    assert (made.records, made.last_id) == (1, 1), "what failed at its very end is not counted"


def test_a_garbage_file_is_set_aside(queue, tmp_path):
    (tmp_path / "q.db").write_bytes(b"garbage" * 1000)
    made = queue()
    put(made, b"a")
    assert contents(made.head(1)) == [b"a"]
    assert made.set_aside.read_bytes() == b"garbage" * 1000


def test_a_damaged_body_says_so(queue, tmp_path):
    made = queue()
    put(made, b"a" * 100)
    made.close()
    with closing(sqlite3.connect(tmp_path / "q.db")) as connection, connection:
        connection.execute("UPDATE entry SET body = x'00'")
    with pytest.raises(ValueError, match="checksum"):
        contents(queue().head(1))


def test_a_second_process_is_refused(queue):
    put(queue(), b"a")
    with pytest.raises(StorageError) as refused:
        put(queue(), b"b")
    assert refused.value.storage_reason is StorageReason.LOCKED


def test_a_full_disk_refuses_and_takes_again_when_there_is_space(queue, disk):
    made = queue(path=disk.folder / "q.db")
    put(made, b"a")
    disk.fill()
    with pytest.raises(StorageError) as refused:
        put(made, *(noise(number, 50_000) for number in range(10)))
    assert refused.value.storage_reason is StorageReason.DISK_FULL
    assert contents(made.head(10)) == [b"a"]
    assert (made.records, made.bytes) == (1, made.head(1)[0].size), "what did not come to be is not counted"
    disk.free()
    put(made, b"b")
    assert contents(made.head(10)) == [b"a", b"b"]
    assert made.records == 2


KILLED = """
import sys
from pathlib import Path
from collector_core.storage.queue import DiskQueue
queue = DiskQueue(Path(sys.argv[1]), max_bytes=10**9)
for number in range(10**9):
    queue.append([(0.0, 1, b"%d" % number)])
    print(number, flush=True)
"""


def test_what_was_acknowledged_survives_kill_9(queue, tmp_path):
    for _ in range(5):
        with subprocess.Popen(
            [sys.executable, "-c", KILLED, tmp_path / "q.db"], stdout=subprocess.PIPE, text=True
        ) as writer:
            acknowledged = [int(writer.stdout.readline()) for _ in range(20)]
            writer.kill()
            acknowledged += [int(line) for line in writer.stdout.read().splitlines()]
        made = queue()
        assert [int(entry.content) for entry in made.head(10**9)][: len(acknowledged)] == acknowledged
        made.remove_through(made.last_id)
        made.close()


@settings(max_examples=30)
@given(st.lists(st.one_of(st.integers(1, 900), st.none())))
def test_the_figures_are_those_of_the_entries(tmp_path_factory, steps):
    made = DiskQueue(tmp_path_factory.mktemp("queue") / "q.db", max_bytes=2000)
    for size in steps:
        if size is None:
            made.remove_through(entries[0].id if (entries := made.head(1)) else 0)
        else:
            put(made, os.urandom(size))
        entries = made.head(10**9)
        assert made.records == len(entries)
        assert made.bytes == sum(len(entry.body) + OVERHEAD for entry in entries) <= 2000
    made.close()
