"""`energy-collector anomaly train`, as it is called."""

import json

import pytest
from click.testing import CliRunner

from collector_core.cli import cli
from collector_plugins.anomaly.forecast.linear_model import LinearModel

pytestmark = pytest.mark.usefixtures("logging_as_it_was")

ROW = 300.0
CPU = "system_cpu_usage_ratio"


@pytest.fixture
def folder(tmp_path):
    found = tmp_path / "state"
    found.mkdir()
    return found


@pytest.fixture
def train(tmp_path, folder):
    """Calls the command with a configuration whose collectors keep their state in `folder`."""

    def call(*arguments, options="", name="anomaly"):
        config = tmp_path / "config.yaml"
        plugin = "" if name == "anomaly" else "\n    plugin: anomaly"
        config.write_text(f"collectors:\n  {name}:{plugin}\n    options: {{row: 5m, state_dir: {folder}{options}}}\n")
        return CliRunner().invoke(cli, ["anomaly", "train", "--config", str(config), *map(str, arguments)])

    return call


def write_history(file, rows, *series):
    lines = ["time,series,value"]
    lines += [f"{time:.0f},{name},{value!r}" for name in series or (CPU,) for time, value in rows.items()]
    file.write_text("\n".join(lines) + "\n")
    return file


def test_it_trains_on_the_history_that_was_kept(train, folder, rows, trained):
    write_history(folder / "history-2023-11-15.csv", rows(2000))
    done = train()
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
    write_history(folder / "history-2023-11-15.csv", rows(800))
    target = tmp_path / "deep" / "mine.json"
    done = train("--output", target) if named == "--output" else train(options=f", model_file: {target}")
    assert done.exit_code == 0, done.output
    assert json.loads(target.read_text())["shape"] == [1, 19]
    assert not (folder / "model.json").exists()


def test_a_model_that_is_there_is_replaced_only_by_force(train, folder, rows):
    write_history(folder / "history-2023-11-15.csv", rows(800))
    (folder / "model.json").write_text("mine")
    refused = train()
    assert (refused.exit_code, (folder / "model.json").read_text()) == (1, "mine")
    assert "--force" in refused.output
    assert train("--force").exit_code == 0
    assert (folder / "model.json").read_text() != "mine"


def test_a_model_of_an_earlier_release_stays_beside_it(train, folder, rows):
    write_history(folder / "history-2023-11-15.csv", rows(800))
    (folder / "model.onnx").write_bytes(b"old")
    assert train().exit_code == 0
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
        ("time,series,value\n", "there is no history in"),
        ("a,b\n", "the history cannot be read: history-2023-11-15.csv: the first line must be time,series,value"),
        ("time,series,value\n1,a,x\n", "history-2023-11-15.csv, line 2"),
        ("time,series,value\n1,a,2\n", "no series can be predicted better than by its last row"),
    ],
)
def test_without_a_model_it_ends_with_1_and_says_why(train, folder, content, complaint):
    if content is not None:
        (folder / "history-2023-11-15.csv").write_text(content)
    done = train()
    assert done.exit_code == 1
    assert complaint in done.output
    assert not (folder / "model.json").exists()


def test_an_instance_may_be_named(train, folder, rows):
    write_history(folder / "history-2023-11-15.csv", rows(800))
    assert train("--collector", "few", name="few").exit_code == 0
    assert (folder / "model.json").exists()
