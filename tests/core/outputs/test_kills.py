"""However often the program is killed: what is on disk arrives, in order; files hold each row once; a cap is kept."""

import csv
import gzip
import json
import multiprocessing
import os
import random
import time
from collections import Counter
from contextlib import contextmanager

import pytest

from tests.core.outputs import killed
from tests.http_receiver import http_receiver  # noqa: F401 - a fixture
from tests.metric_stores import ask, graphite_port, metric_store  # noqa: F401 - fixtures

KILLS = int(os.environ.get("KILLS", "2"))
MOST_RUNS = 1_000_000  # until it is killed
PATIENCE = 120.0


class Victims:
    """Starts processes that deliver by one output, one after the other with the same state."""

    def __init__(self, folder, plugin, options, queue_max_bytes=100_000_000):
        self.state = folder / "state"
        self._arguments = (plugin, json.dumps(options))
        self._queue_max_bytes = queue_max_bytes
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["tests.core.outputs.killed"])

    def kill_after(self, runs, seconds=0.0):
        """The times of the runs that a process has on disk when it is killed."""
        kept = []
        with self._started(MOST_RUNS) as told:
            while len(kept) < runs:
                assert told.poll(PATIENCE), "nothing reaches the disk"
                kept.append(told.recv())
            time.sleep(seconds)  # the moment of the kill
        return kept + received(told)

    def drain(self, runs=0):
        """The times of more runs, of a process that ends when everything is delivered; and what was dropped."""
        with self._started(runs) as told:
            found = []
            while not found or not isinstance(found[-1], dict):
                assert told.poll(killed.DRAIN_SECONDS + PATIENCE), "it does not end"
                found.append(told.recv())
        return found[:-1], found[-1]

    def files(self):
        return sorted(path for path in self.state.rglob("*") if path.is_file())

    @contextmanager
    def _started(self, runs):
        here, there = self._context.Pipe(duplex=False)
        arguments = (*self._arguments, runs, self._queue_max_bytes, self.state, there)
        process = self._context.Process(target=killed.main, args=arguments)
        process.start()
        there.close()
        try:
            yield here
        finally:
            process.kill()
            process.join()
            process.close()


def received(told):
    """What a process that was killed had said before."""
    found = []
    try:
        while told.poll():
            found.append(told.recv())
    except EOFError:
        pass
    return found


def csv_rows(folder):
    for file in sorted(folder.glob("*.csv")):
        text = file.read_text()
        assert text.endswith("\n")
        yield from ((row["labels"].replace(" ", ""), float(row["value"])) for row in csv.DictReader(text.splitlines()))


def parquet_rows(folder):
    parquet = pytest.importorskip("pyarrow.parquet")
    for file in sorted(folder.glob("*.parquet")):
        table = parquet.read_table(file)
        yield from zip(table["labels"].to_pylist(), table["value"].to_pylist(), strict=True)


@pytest.mark.parametrize(("plugin", "rows"), [("csv", csv_rows), ("parquet", parquet_rows)])
def test_kills_leave_each_row_once_and_in_order(plugin, rows, tmp_path):
    choice, folder, wanted = random.Random(7), tmp_path / "files", []
    victims = Victims(tmp_path, plugin, {"directory": str(folder), "rotate_every": 1})
    for _ in range(KILLS):
        wanted += victims.kill_after(choice.randrange(1, 120), choice.uniform(0, 0.02))
        if plugin == "csv":
            list(csv_rows(folder))
    last, dropped = victims.drain(runs=5)
    found = list(rows(folder))
    assert dropped == {}
    assert [row for row, count in Counter(found).items() if count > 1] == []
    assert len(found) % killed.PLUGS == 0, "whole runs"
    for plug in range(killed.PLUGS):
        times = [value for labels, value in found if f'"{str(plug) * 30}"' in labels]
        assert times == sorted(times)
        assert {*wanted, *last} <= {*times}


ANSWERS = ((500, {}, b""), (204, {}, b""), (429, {"Retry-After": "0"}, b""), (204, {}, b""), (204, {}, b""))


def arrivals(receiver):
    """The times of the runs that have arrived, each as often as it has."""
    lines = [line for posted in receiver.posted for line in gzip.decompress(posted.body).splitlines()]
    return [int(line.split()[-1]) / 1000 for line in lines if b"plug=000" in line]


def test_kills_lose_nothing_that_was_on_disk_and_change_no_order(http_receiver, tmp_path):  # noqa: F811
    choice, wanted = random.Random(7), []
    victims = Victims(tmp_path, "influx", {"url": http_receiver.url, "bucket": "energy"})
    for kill in range(KILLS):
        http_receiver.answers.append(ANSWERS[kill % len(ANSWERS)])
        wanted += victims.kill_after(choice.randrange(1, 120), choice.uniform(0, 0.02))
    last, dropped = victims.drain(runs=5)
    arrived = arrivals(http_receiver)
    first = list(dict.fromkeys(arrived))
    assert dropped == {}
    assert sorted({*wanted, *last} - {*first}) == [], "lost"
    assert first == sorted(first)
    assert not [path for path in victims.files() if "corrupt" in path.name]


def test_kills_lose_nothing_on_the_way_to_prometheus(metric_store, tmp_path):  # noqa: F811
    choice, wanted = random.Random(7), []
    base, write = metric_store("prometheus")
    victims = Victims(tmp_path, "remote_write", {"url": base + write})
    for _ in range(KILLS):
        wanted += victims.kill_after(choice.randrange(5, 120), choice.uniform(0, 0.02))
    last, dropped = victims.drain(runs=5)
    (found,) = ask(base, 'probe_power_watts{plug=~"000.*"}[1h]', time.time() + 5)
    assert dropped == {}
    assert sorted({*wanted, *last} - {float(value) for _, value in found["values"]}) == [], "lost"


def test_kills_keep_the_cap_and_what_remains_has_no_gap(http_receiver, tmp_path):  # noqa: F811
    choice, wanted, cap = random.Random(7), [], 20_000
    victims = Victims(tmp_path, "influx", {"url": http_receiver.url, "bucket": "energy"}, cap)
    for _ in range(KILLS):
        http_receiver.answers.extend([(500, {}, b"")] * 10)
        wanted += victims.kill_after(choice.randrange(60, 120), choice.uniform(0, 0.02))
        assert sum(path.stat().st_size for path in victims.files()) <= 2 * cap + 200_000
    http_receiver.answers.clear()
    before = len(http_receiver.posted)
    last, _ = victims.drain()
    del http_receiver.posted[:before]
    arrived = arrivals(http_receiver)
    assert last == []
    assert 0 < len(arrived) < len(wanted)
    assert arrived == sorted({*arrived})
    assert [time for time in wanted if time >= arrived[0] and time not in {*arrived}] == []
