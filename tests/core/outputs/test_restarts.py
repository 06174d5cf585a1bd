"""A restart, a crash and a disk that refuses lose nothing that was on disk."""

import sqlite3
from contextlib import closing

import pytest


def queue_file(tmp_path):
    return tmp_path / "state/energy-collector/outputs/mine/letters.db"


def test_what_waits_at_the_end_is_sent_after_the_start_and_may_repeat(bench):
    made = bench()
    made.fail()
    made.hear(1.0, a=1)
    made.advance(1)
    made.restart()
    made.receiver.error = None
    made.advance(1)
    assert made.values == [1]
    assert made.receiver.repeats[-1]
    made.hear(2.0, a=2)
    made.cycle()
    made.advance(1)
    assert (made.values, made.receiver.repeats[-1]) == ([1, 2], False)


def test_a_crash_loses_nothing_that_was_taken(bench):
    made = bench()
    made.fail()
    for second in range(1, 11):
        made.hear(float(second), a=second)
        made.advance(1)
    made.crash()
    made.start()
    made.receiver.error = None
    made.advance(1)
    assert made.values == list(range(1, 11))


def test_what_an_interval_has_gathered_is_put_on_disk_at_the_end(bench):
    made = bench(interval=60.0)
    made.clock.advance(1000 - made.clock.time())
    made.hear(made.clock.time(), a=1)
    made.cycle()
    made.restart()
    made.hear(made.clock.time(), a=2)
    made.advance(1)
    assert made.values == [1], "the interval has had its row"
    made.advance(60)
    made.hear(made.clock.time(), a=3)
    made.advance(60)
    made.advance(1)
    assert made.values == [1, 3]


def test_a_corrupt_queue_is_set_aside_and_the_output_goes_on(bench, tmp_path):
    queue_file(tmp_path).parent.mkdir(parents=True)
    queue_file(tmp_path).write_bytes(b"\0garbage" * 5000)
    made = bench()
    made.hear(1.0, a=1)
    made.cycle()
    made.advance(1)
    assert made.values == [1]
    assert list(queue_file(tmp_path).parent.glob("*.corrupt-*"))


@pytest.mark.parametrize(("damaged", "values"), [([2], [1, 3]), ([1, 2, 3], [])])
def test_damaged_records_are_dropped_and_counted_and_cost_no_others(bench, tmp_path, damaged, values):
    made = bench()
    made.fail()
    for second in range(1, 4):
        made.hear(float(second), a=second)
        made.advance(1)
    made.crash()
    with closing(sqlite3.connect(queue_file(tmp_path))) as connection, connection:
        connection.executemany("UPDATE entry SET body = x'00' WHERE id = ?", [(number,) for number in damaged])
    made.start()
    made.receiver.error = None
    made.advance(1)
    assert (made.values, made.metric("dropped_total", reason="corrupt")) == (values, len(damaged))
    made.hear(9.0, a=9)
    made.advance(1)
    made.advance(1)
    assert made.values == [*values, 9]


def test_a_folder_that_cannot_be_written_is_said_and_records_arrive_all_the_same(bench, tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state/energy-collector").write_text("a file")
    made = bench()
    made.hear(1.0, a=1)
    made.cycle()
    made.advance(1)
    assert made.values == [1]
    assert "energy-collector" in made.runner.health.queue_problem
    (tmp_path / "state/energy-collector").unlink()
    made.hear(2.0, a=2)
    made.cycle()
    made.advance(1)
    assert (made.values, made.runner.health.queue_problem) == ([1, 2], "")


def test_a_full_disk_costs_only_what_memory_cannot_hold(bench, disk, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(disk.folder))
    made = bench()
    made.fail()
    made.hear(1.0, a=1)
    made.advance(1)
    disk.fill()
    for second in range(2, 20):
        made.hear(float(second), **{f"p{second}_{number}": second for number in range(50)})
        made.advance(1)
    disk.free()
    made.receiver.error = None
    for _ in range(20):
        made.advance(30)
    assert len(made.values) == 1 + 18 * 50
    assert made.values == sorted(made.values)
    assert made.runner.health.queue_problem == ""
