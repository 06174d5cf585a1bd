"""`energy-collector anomaly train`, as it is called."""

import itertools
import json
import re
import time

import pytest
from click.testing import CliRunner

from collector_core import Counter, Gauge, Unit
from collector_core.cli.group import cli
from collector_core.testing import RecordedHistory
from collector_plugins.anomaly.forecast.linear_model import LinearModel

pytestmark = pytest.mark.usefixtures("logging_as_it_was")

ROW = 300.0
CPU = "system_cpu_usage_ratio"
LOAD = Gauge(CPU, "Load.", Unit.RATIO, topic="load", of="cpu")
POWER = Gauge("lamp_power_watts", "Power.", Unit.WATTS, topic="power", of="lamp")
WORK = Counter("lamp_work_joules_total", "Energy.", Unit.JOULES, topic="energy", of="lamp")


@pytest.fixture
def folder(tmp_path):
    found = tmp_path / "state"
    found.mkdir()
    return found


@pytest.fixture
def train(tmp_path, folder):
    """Calls the command with a configuration whose collectors keep their state in `folder`."""

    def call(*arguments, options="", name="anomaly", history=None):
        config = tmp_path / "config.yaml"
        plugin = "" if name == "anomaly" else "\n    plugin: anomaly"
        config.write_text(
            f"history: {history or f'{{path: {tmp_path}/history}}'}\n"
            f"collectors:\n  {name}:{plugin}\n    options: {{row: 5m, state_dir: {folder}{options}}}\n"
        )
        return CliRunner().invoke(cli, ["anomaly", "train", "--config", str(config), *map(str, arguments)])

    return call


def write_history(file, rows, *series):
    lines = ["time,series,value"]
    lines += [f"{time:.0f},{name},{value!r}" for name in series or (CPU,) for time, value in rows.items()]
    file.write_text("\n".join(lines) + "\n")
    return file


@pytest.fixture
def kept(tmp_path):
    """A history of the last days, in which series are recorded."""
    made = RecordedHistory(tmp_path / "history")
    yield made
    made.close()


def recent(rows):
    """The same, until now."""
    shift = (time.time() - max(rows)) // ROW * ROW
    return [(when + shift, value) for when, value in rows.items()]


def test_it_trains_on_the_series_of_the_history_that_are_named(train, folder, rows, kept):
    for metric in (LOAD, POWER):
        kept.record(metric, recent(rows(2000)))
    done = train()
    assert done.exit_code == 0, done.output
    assert f"{CPU}: 19" in done.output
    assert POWER.name not in done.output, "history_series does not name it"
    model = LinearModel.from_json((folder / "model.json").read_text())
    assert (model.series, model.row_seconds) == ((CPU,), ROW)


def test_of_the_history_only_the_last_days_count(train, rows, kept):
    kept.record(LOAD, recent(rows(2000)))
    assert f"{CPU}: 8" in train(options=", history_days: 3").output, "864 rows are three days"


def test_counters_are_learnt_as_rates(train, folder, rows, kept):
    totals = itertools.accumulate(rows(1000).values(), lambda total, each: total + ROW * max(each, 0))
    kept.record(WORK, recent(dict(zip(rows(1000), totals, strict=True))))
    done = train(options=", history_series: [lamp_work_joules_total]")
    assert done.exit_code == 0, done.output
    watts = float(re.search(r"last row ([0-9.e-]+)", done.output)[1])
    assert 0.01 < watts < 0.2, "of about 0.3 W"


def test_without_a_history_it_says_what_to_do(train):
    done = train(history="off")
    assert done.exit_code == 1
    assert "remove `history: off`, or name files" in done.output


def test_it_trains_on_files_of_an_earlier_release(train, folder, rows, trained):
    done = train(write_history(folder / "history-2023-11-15.csv", rows(2000)))
    assert done.exit_code == 0, done.output
    assert f"{CPU}: 1988 rows, error {trained.error:.3g}, last row {trained.naive_error:.3g}" in done.output
    assert f"wrote 1 series to {folder / 'model.json'}" in done.output
    model = LinearModel.from_json((folder / "model.json").read_text())
    assert (model.series, model.row_seconds) == ((CPU,), ROW)
    assert model._weights[CPU] == pytest.approx(trained.weights)


def test_it_trains_on_files_that_are_named(train, folder, tmp_path, rows):
    one, two = (write_history(tmp_path / f"{name}.csv", rows(800), name) for name in ("a", "b"))
    assert train(one, two).exit_code == 0
    assert LinearModel.from_json((folder / "model.json").read_text()).series == ("a", "b")


@pytest.mark.parametrize("named", ["--output", "model_file"])
def test_the_model_goes_where_it_is_looked_for_or_wanted(train, folder, tmp_path, rows, named):
    file = write_history(folder / "1.csv", rows(800))
    target = tmp_path / "deep" / "mine.json"
    done = train(file, "--output", target) if named == "--output" else train(file, options=f", model_file: {target}")
    assert done.exit_code == 0, done.output
    assert json.loads(target.read_text())["shape"] == [1, 19]
    assert not (folder / "model.json").exists()


def test_a_model_that_is_there_is_replaced_only_by_force(train, folder, rows):
    file = write_history(folder / "1.csv", rows(800))
    (folder / "model.json").write_text("mine")
    refused = train(file)
    assert (refused.exit_code, (folder / "model.json").read_text()) == (1, "mine")
    assert "--force" in refused.output
    assert train(file, "--force").exit_code == 0
    assert (folder / "model.json").read_text() != "mine"


def test_a_model_of_an_earlier_release_stays_beside_it(train, folder, rows):
    file = write_history(folder / "1.csv", rows(800))
    (folder / "model.onnx").write_bytes(b"old")
    assert train(file).exit_code == 0
    assert (folder / "model.onnx").read_bytes() == b"old"


def test_series_that_are_too_short_or_not_predictable_are_left_out(train, folder, tmp_path, rows):
    constant = dict.fromkeys(rows(700), 5.0)
    files = [
        write_history(tmp_path / "1.csv", rows(800), "good"),
        write_history(tmp_path / "2.csv", rows(300), "short"),
        write_history(tmp_path / "3.csv", constant, "constant"),
    ]
    done = train(*files)
    assert "short: fewer than 500 rows without a gap; left out" in done.output
    assert "last row 0; left out" in done.output
    assert LinearModel.from_json((folder / "model.json").read_text()).series == ("good",)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "there is no history in"),
        ("time,series,value\n", "there are no rows to train on"),
        ("a,b\n", "the rows cannot be read: 1.csv: the first line must be time,series,value"),
        ("time,series,value\n1,a,x\n", "1.csv, line 2"),
        ("time,series,value\n1,a,2\n", "no series can be predicted better than by its last row"),
    ],
)
def test_without_a_model_it_ends_with_1_and_says_why(train, folder, content, complaint):
    file = folder / "1.csv"
    if content is not None:
        file.write_text(content)
    done = train(*[file] * (content is not None))
    assert done.exit_code == 1
    assert complaint in done.output
    assert not (folder / "model.json").exists()


def test_an_instance_may_be_named(train, folder, rows):
    file = write_history(folder / "1.csv", rows(800))
    assert train(file, "--collector", "few", name="few").exit_code == 0
    assert (folder / "model.json").exists()
