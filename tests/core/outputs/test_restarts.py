"""A restart, a crash and a disk that refuses lose nothing that was on disk."""

import math
import sqlite3
from array import array
from contextlib import closing
from dataclasses import asdict
from math import nan

import pytest

from collector_core.output import SampleBlock
from collector_core.outputs.window_file import WindowFile
from tests.sample_blocks import ENERGY, Runs


def queue_file(tmp_path):
    return tmp_path / "state/energy-collector/outputs/mine/letters.db"


def interval_file(tmp_path):
    return queue_file(tmp_path).with_suffix(".interval")


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


def started_interval(bench, **changes):
    """An output with an interval of a minute that has just begun and has heard of two runs."""
    made = bench(interval=60.0, **changes)
    made.clock.advance(1020 - made.clock.time())
    for value in (1, 2):
        made.hear(made.clock.time(), a=value)
        made.advance(1)
    return made


def test_a_kill_costs_nothing_of_an_interval_that_is_not_over(bench):
    made = started_interval(bench)
    made.crash()
    made.start()
    made.cycle()
    made.hear(made.clock.time(), a=3)
    made.advance(1)
    assert [(value, time) for _, value, time in made.receiver.taken] == [(2, 1021)]
    made.hear(made.clock.time() + 60, a=4)
    made.advance(120)
    made.advance(1)
    assert made.values == [2, 4], "the interval has had its row"


def test_an_interval_that_was_handed_out_before_a_kill_is_not_handed_out_again(bench, tmp_path):
    made = started_interval(bench)
    kept = interval_file(tmp_path).read_bytes()
    made.advance(60)
    made.advance(1)
    assert (made.values, interval_file(tmp_path).exists()) == ([2], False)
    interval_file(tmp_path).write_bytes(kept)  # as if the kill had come before the file went
    made.crash()
    made.start()
    made.advance(1)
    assert made.values == [2]


@pytest.mark.parametrize("content", [b"", b"\0\0\0\0garbage"])
def test_a_damaged_file_of_an_interval_costs_no_more_than_that(bench, tmp_path, content):
    made = started_interval(bench)
    made.crash()
    interval_file(tmp_path).write_bytes(content)
    made.start()
    made.cycle()
    made.hear(made.clock.time() + 60, a=3)
    made.advance(120)
    made.advance(1)
    assert made.values == [3]


def test_an_interval_that_the_queue_could_not_hold_is_not_kept(bench, tmp_path):
    started_interval(bench, queue_max_bytes=100)
    assert not interval_file(tmp_path).exists()


def test_series_are_the_same_after_a_kill(bench, tmp_path):
    window = WindowFile(tmp_path / "x.interval", 10_000)
    (block,) = Runs(labels={"site": 'ü"\\'}).blocks(1.5, {(ENERGY, "a"): 1.25})
    ended = SampleBlock(block.group, array("d", [nan]), 2.5, ended=True)
    window.save(7, [block, ended])
    kept = window.load()
    first, last = kept.blocks
    assert (kept.number, first.time, first.ended, last.time, last.ended) == (7, 1.5, False, 2.5, True)
    assert first.is_recovered
    assert [asdict(each) for each in first.group.series] == [asdict(each) for each in block.group.series]
    assert (first.values, first.group.source, math.isnan(last.values[0])) == (block.values, "probe", True)
