"""However often the program is killed: a file holds each row once, in order and whole; nothing is lost on its way."""

import csv
import gzip
import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.http_receiver import http_receiver  # noqa: F401 - a fixture

ROOT = Path(__file__).parents[3]
KILLS = int(os.environ.get("KILLS", "2"))
PLUGS = 20
ON_DISK_SECONDS = 1.0  # after a run has ended
QUEUE_BYTES = 10_000_000  # as in `killed`


def run(plugin, folder, seconds, kill_after=None, **options):
    """The times of the runs that a process has heard, until it ended or was killed that many runs after its start."""
    environment = os.environ | {"XDG_STATE_HOME": str(folder / "state")}
    options = json.dumps(options or {"directory": str(folder / "files"), "rotate_every": 1})
    command = [sys.executable, "-m", "tests.core.outputs.killed", plugin, options, str(seconds)]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        heard = []
        for line in process.stdout:
            heard.append(float(line))
            if len(heard) == kill_after:
                process.kill()
                break
    return heard


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
    choice = random.Random(7)
    for _ in range(KILLS):
        run(plugin, tmp_path, 60, kill_after=choice.randrange(20, 120))
        if plugin == "csv":
            list(csv_rows(tmp_path / "files"))
    found = []
    while len({value for _, value in found}) < KILLS:  # a slow machine writes little within a second
        run(plugin, tmp_path, 1.5)
        found = list(rows(tmp_path / "files"))
    assert [row for row, count in Counter(found).items() if count > 1] == []
    for plug in range(PLUGS):
        times = [value for labels, value in found if f'"{str(plug) * 30}"' in labels]
        assert times
        assert times == sorted(times)
    assert len(found) % PLUGS == 0, "whole runs"


ANSWERS = ((500, {}, b""), (204, {}, b""), (429, {"Retry-After": "0"}, b""), (204, {}, b""), (204, {}, b""))


@pytest.mark.skipif("KILLS" not in os.environ, reason="by hand: a busy disk may take longer than a second")
def test_kills_lose_nothing_and_change_no_order(http_receiver, tmp_path):  # noqa: F811
    choice, wanted = random.Random(7), []
    options = {"url": http_receiver.url, "bucket": "energy"}
    for kill in range(KILLS):
        http_receiver.answers.append(ANSWERS[kill % len(ANSWERS)])
        heard = run("influx", tmp_path, 60, kill_after=choice.randrange(100, 250), **options)
        wanted += [time for time in heard[1:] if time <= heard[-1] - ON_DISK_SECONDS]
        assert sum(file.stat().st_size for file in tmp_path.rglob("influx*")) <= 2 * QUEUE_BYTES + 200_000
    arrived = []
    while not set(wanted) <= set(arrived):  # a receiver may have said to come later
        run("influx", tmp_path, 5, **options)
        lines = [line for posted in http_receiver.posted for line in gzip.decompress(posted.body).splitlines()]
        arrived = [int(line.split()[-1]) / 1000 for line in lines if b"plug=0" in line]
    first = list(dict.fromkeys(arrived))
    assert first == sorted(first)
