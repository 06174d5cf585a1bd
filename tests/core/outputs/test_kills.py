"""A file holds each row once, in order and whole, however often its writer is killed."""

import csv
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
KILLS = int(os.environ.get("KILLS", "2"))
PLUGS = 20


def run(plugin, folder, seconds, kill_after=None):
    """The times of the runs that a process has heard, until it ended or was killed that many runs after its start."""
    environment = os.environ | {"XDG_STATE_HOME": str(folder / "state")}
    command = [sys.executable, "-m", "tests.core.outputs.killed", plugin, str(folder / "files"), str(seconds)]
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
