"""What waits is on disk or, while that is impossible, in memory; nothing is sent twice or counted twice."""

import json
import os

import pytest

from collector_core.outputs.buffer import Buffer
from collector_core.outputs.codec import QueuedBody
from collector_core.outputs.health import Drop
from collector_core.storage.errors import StorageError, StorageReason


@pytest.fixture
def dropped():
    return []


@pytest.fixture
def buffer(tmp_path, dropped):
    def drop(count, reason):
        dropped.append((count, reason))

    made = Buffer(tmp_path / "folder/q.db", max_bytes=5000, max_age=3600, drop=drop)
    yield made
    made.close()


def block(tmp_path):
    """A file where the folder of the queue should be."""
    (tmp_path / "folder").write_text("")


def bodies(chunks):
    return [QueuedBody(len(chunk), json.dumps(chunk).encode()) for chunk in chunks]


def records(batch):
    return [record for body in batch.bodies for record in json.loads(body)] if batch else []


def noise():
    return [os.urandom(1000).hex()]  # takes about 1,100 bytes


def test_records_in_memory_are_delivered_while_the_disk_refuses(buffer, tmp_path):
    block(tmp_path)
    buffer.append(bodies([["a", "b"]]), 1.0)
    assert buffer.problem.storage_reason is StorageReason.READ_ONLY
    assert (buffer.records, buffer.oldest_at) == (2, 1.0)
    batch = buffer.next_batch(10)
    assert records(batch) == ["a", "b"]
    buffer.settle(batch, delivered=True)
    assert (buffer.records, buffer.next_batch(10)) == (0, None)


def test_records_in_memory_go_to_disk_when_that_is_possible_and_the_problem_is_over(buffer, tmp_path):
    block(tmp_path)
    buffer.append(bodies([["a"]]), 1.0)
    (tmp_path / "folder").unlink()
    buffer.save()
    buffer.expire(2.0)
    assert buffer.problem is None
    assert records(buffer.next_batch(10)) == ["a"]
    assert buffer.next_batch(10).last_id == 1


def test_records_that_are_being_sent_from_memory_are_not_written_to_disk_as_well(buffer, tmp_path):
    block(tmp_path)
    buffer.append(bodies([["a"]]), 1.0)
    batch = buffer.next_batch(10)
    (tmp_path / "folder").unlink()
    buffer.append(bodies([["b"]]), 2.0)
    buffer.settle(batch, delivered=True)
    buffer.save()
    assert records(buffer.next_batch(10)) == ["b"]


def test_memory_holds_only_so_much(buffer, tmp_path, dropped):
    block(tmp_path)
    for _ in range(5):
        buffer.append(bodies([noise()]), 1.0)
    assert buffer.bytes <= 5000
    assert dropped == [(1, Drop.QUEUE_FULL)] * (5 - buffer.records)
    assert dropped


def test_what_was_delivered_but_could_not_be_removed_is_neither_sent_again_nor_counted_as_dropped(buffer, dropped):
    def refuse(last_id):
        raise StorageError(buffer._queue._database.path, StorageReason.DISK_FULL, "full")

    buffer.append(bodies([noise()]), 1.0)
    buffer.append(bodies([noise()]), 1.0)
    remove, buffer._queue.remove_through = buffer._queue.remove_through, refuse
    batch = buffer.next_batch(1)
    buffer.settle(batch, delivered=True)
    assert buffer.problem is not None
    again = buffer.next_batch(1)
    assert again.first_id > batch.last_id
    buffer.settle(again, delivered=False)
    buffer.append(bodies([noise() for _ in range(4)]), 2.0)
    assert dropped == [(1, Drop.QUEUE_FULL)], "the first was delivered, the second was not"
    buffer._queue.remove_through = remove
    assert len(records(buffer.next_batch(100))) == 4


def test_what_is_not_json_is_refused(buffer):
    with pytest.raises(TypeError):
        buffer.append(bodies([[object()]]), 1.0)
    assert buffer.records == 0
