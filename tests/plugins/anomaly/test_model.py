"""The history that is kept, the model that is trained on it, and what it predicts."""

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_plugins.anomaly import history, metrics
from collector_plugins.anomaly.features import features
from collector_plugins.anomaly.training import fit, write

CPU = "system_cpu_usage_ratio"
ROW = 300.0


def daily(rows, seed=1):
    """A day's wave with noise; by time."""
    random = Random(seed)
    start = 1_700_006_400.0
    times = [start + ROW * row for row in range(rows)]
    return {time: 0.3 + 0.2 * math.sin(2 * math.pi * time / 86_400) + random.gauss(0, 0.05) for time in times}


def write_history(file, series, rows):
    lines = ["time,series,value", *(f"{time:.0f},{series},{value!r}" for time, value in rows.items())]
    file.write_text("\n".join(lines) + "\n")


def test_rows_of_chosen_series_are_kept_by_day_and_old_days_go(machine, tmp_path):
    found = machine(history_days=2, history_series=["system_cpu_*"])
    found.days(4)
    files = history.files(tmp_path / "state")
    assert len(files) == 2
    table = history.read(files)
    assert set(table) == {CPU}
    assert len(table[CPU]) == pytest.approx(2 * 288, abs=288)


def test_a_history_that_is_none_is_refused_with_its_line(tmp_path):
    with pytest.raises(ValueError, match="x: the first line must be time,series,value"):
        list(history.parse(["a,b\n"], "x"))
    with pytest.raises(ValueError, match="x, line 3"):
        list(history.parse(["time,series,value\n", "1,a,2\n", "1,a,nan\n"], "x"))


@given(st.lists(st.text(max_size=30)))
def test_any_history_is_read_or_refused(lines):
    try:
        list(history.parse(["time,series,value\n", *lines], "x"))
    except ValueError as error:
        assert str(error).startswith("x")


def test_a_model_predicts_better_than_the_last_row():
    trained = fit(CPU, daily(2000), ROW)
    assert trained is not None
    assert trained.error < 0.8 * trained.naive_error
    assert fit(CPU, daily(400), ROW) is None


def test_the_plugin_publishes_what_the_model_predicts(machine, tmp_path):
    pytest.importorskip("onnxruntime")
    folder = tmp_path / "state"
    folder.mkdir()
    trained = fit(CPU, daily(2000), ROW)
    (folder / "model.onnx").write_bytes(write([trained], ROW))
    found = machine()
    found.rows(20)
    assert found.anomaly.value(metrics.FORECAST) == 1
    assert "# TYPE anomaly_model_series gauge" in found.anomaly.exposition()
    before, now = list(found.anomaly.collector._predictor._last[CPU]), found.clock.time()
    found.rows(1)
    expected = sum(w * x for w, x in zip(trained.weights, features(before, now + ROW), strict=True))
    assert found.anomaly.value(metrics.PREDICTED, series=CPU, component="cpu") == pytest.approx(expected)


def test_a_model_of_other_rows_or_no_model_at_all_is_said_and_costs_nothing(machine, tmp_path, caplog):
    pytest.importorskip("onnxruntime")
    folder = tmp_path / "state"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(write([fit(CPU, daily(2000), ROW)], 60.0))
    machine().rows(15)
    assert "trained on rows of 60.0 s" in caplog.text
    (folder / "model.onnx").write_bytes(b"no model")
    found = machine()
    found.rows(15)
    assert caplog.text.count("is not used") == 2
    assert found.anomaly.series(metrics.FORECAST) == {}


def test_a_model_that_is_named_and_missing_is_said(machine, tmp_path, caplog):
    machine(model_file=str(tmp_path / "none.onnx")).rows(1)
    assert "make it with `energy-collector anomaly train`" in caplog.text
