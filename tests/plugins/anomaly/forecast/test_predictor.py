"""The predictor in the plugin: which model it takes, what it needs to predict, and what it says of a bad one."""

import builtins
import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from collector_plugins.anomaly import metrics
from collector_plugins.anomaly.forecast.features import feature_vector
from collector_plugins.anomaly.forecast.linear_model import LinearModel
from collector_plugins.anomaly.forecast.predictor import Predictor, model_path

OLD_MODEL = Path(__file__).parents[1] / "previous_release" / "model.onnx"
CPU, MEMORY = "system_cpu_usage_ratio", "system_memory_used_bytes"
ROW = 300.0
START = 1_700_006_400.0
TRAIN = "energy-collector anomaly train"
LAST_ROW = LinearModel(ROW, {CPU: [1.0, *[0.0] * 18]})  # predicts the last row again


@pytest.fixture
def folder(tmp_path):
    found = tmp_path / "state"
    found.mkdir()
    return found


def predictor(folder, model=LAST_ROW, *, path=None, row=ROW):
    if model:
        (path or folder / "model.json").write_text(model.to_json())
    found = Predictor(path, folder, row, logging.getLogger("collector.anomaly"), TRAIN)
    found.load()
    return found


def fed(found, values, *, first=0, step=ROW):
    """What is predicted in each row."""
    return [
        found.predict_row({} if value is None else {CPU: value}, START + (first + row) * step).get(CPU)
        for row, value in enumerate(values)
    ]


class TestRows:
    def test_a_row_is_predicted_from_the_12_before_it(self, folder):
        found = predictor(folder)
        assert fed(found, [float(row) for row in range(15)]) == [*[None] * 12, 11.0, 12.0, 13.0]

    def test_the_newest_row_comes_first(self, folder):
        weights = [float(10 ** (3 - number)) if number < 4 else 0.0 for number in range(19)]
        found = predictor(folder, LinearModel(ROW, {CPU: weights}))
        assert fed(found, [*[0.0] * 8, 1.0, 2.0, 3.0, 4.0, 5.0])[-1] == 4321.0

    def test_after_a_row_without_a_value_it_takes_12_again(self, folder):
        found = predictor(folder)
        fed(found, [1.0] * 12)
        assert fed(found, [None, *[2.0] * 12, 3.0], first=12) == [1.0, *[None] * 12, 2.0]

    @pytest.mark.parametrize(("late", "is_predicted"), [(0.5, True), (0.6, False)])
    def test_after_a_gap_it_takes_12_again(self, folder, late, is_predicted):
        found = predictor(folder)
        fed(found, [1.0] * 12)
        assert fed(found, [2.0], first=12 + late) == [1.0 if is_predicted else None]
        assert fed(found, [3.0], first=13 + late) == [2.0 if is_predicted else None]

    def test_a_prediction_that_is_no_number_is_left_out(self, folder):
        found = predictor(folder, LinearModel(ROW, {CPU: [1e308] * 19}))
        assert fed(found, [1e308] * 14) == [None] * 14
        assert found.series == (CPU,)

    def test_series_are_predicted_by_themselves(self, folder):
        found = predictor(folder, LinearModel(ROW, {CPU: [1.0, *[0.0] * 18], MEMORY: [2.0, *[0.0] * 18]}))
        for row in range(13):
            when = START + row * ROW
            predicted = found.predict_row({CPU: 1.0} | ({MEMORY: 5.0} if row else {}), when)
        assert predicted == {CPU: 1.0}
        assert found.predict_row({}, when + ROW) == {CPU: 1.0, MEMORY: 10.0}

    def test_a_model_that_fails_is_not_asked_again_and_said_once(self, folder, caplog):
        class Failing:
            series, row_seconds = (CPU,), ROW

            def predict(self, vectors):
                raise RuntimeError("no memory")

        found = predictor(folder)
        found._model = Failing()
        assert fed(found, [1.0] * 20) == [None] * 20
        assert found.series == ()
        assert caplog.text.count("no memory") == 1
        assert TRAIN in caplog.text


class TestFile:
    def test_without_a_model_nothing_is_predicted_and_nothing_said(self, folder, caplog):
        found = predictor(folder, None)
        assert (found.series, fed(found, [1.0] * 20)) == ((), [None] * 20)
        assert caplog.text == ""

    def test_one_that_is_named_and_missing_is_said_with_the_remedy(self, folder, caplog):
        predictor(folder, None, path=folder / "none.json")
        assert f"none.json does not exist; fix: {TRAIN}" in caplog.text

    def test_one_that_is_named_is_taken(self, folder, tmp_path):
        assert predictor(folder, path=tmp_path / "mine.onnx").series == (CPU,)

    @pytest.mark.parametrize("content", [b"", b"no model", b"{}", b"{", b"\x00" * 50])
    def test_one_that_is_no_model_is_said_with_the_remedy(self, folder, caplog, content):
        pytest.importorskip("onnxruntime")
        (folder / "model.json").write_bytes(content)
        assert predictor(folder, None).series == ()
        assert "model.json is not used: " in caplog.text
        assert TRAIN in caplog.text

    def test_one_of_rows_of_another_length_is_said(self, folder, caplog):
        assert predictor(folder, row=60.0).series == ()
        assert "trained on rows of 300 s, and rows are 60 s" in caplog.text

    def test_one_that_hangs_when_it_is_read_is_refused(self, folder, caplog):
        os.mkfifo(folder / "model.json")
        assert predictor(folder, None).series == ()
        assert "not a regular file" in caplog.text

    def test_a_link_is_followed(self, folder, tmp_path):
        (tmp_path / "elsewhere.json").write_text(LAST_ROW.to_json())
        (folder / "model.json").symlink_to(tmp_path / "elsewhere.json")
        assert predictor(folder, None).series == (CPU,)


class TestModelOfThePreviousRelease:
    def test_it_is_taken_while_there_is_no_newer_one(self, folder):
        assert model_path(folder) == folder / "model.json"
        shutil.copy(OLD_MODEL, folder / "model.onnx")
        assert model_path(folder) == folder / "model.onnx"
        (folder / "model.json").write_text(LAST_ROW.to_json())
        assert model_path(folder) == folder / "model.json"

    def test_it_predicts_with_the_extra(self, folder):
        pytest.importorskip("onnxruntime")
        shutil.copy(OLD_MODEL, folder / "model.onnx")
        found = predictor(folder, None)
        assert CPU in found.series
        assert fed(found, [0.3] * 13)[-1] == pytest.approx(0.3, abs=0.1)

    def test_without_the_extra_it_is_said_with_both_remedies(self, folder, caplog, monkeypatch):
        shutil.copy(OLD_MODEL, folder / "model.onnx")
        real = builtins.__import__

        def importing(name, *args, **kwargs):
            if name == "onnxruntime":
                raise ImportError(name)
            return real(name, *args, **kwargs)

        monkeypatch.setattr(builtins, "__import__", importing)
        assert predictor(folder, None).series == ()
        assert "it is an ONNX model and onnxruntime is not installed" in caplog.text
        assert f"fix: {TRAIN}; for a model of your own: pip install 'energy-collector[anomaly]'" in caplog.text


class TestPlugin:
    def test_what_the_model_predicts_is_published_and_overrules_the_detector(self, machine, folder, model, trained):
        (folder / "model.json").write_text(model.to_json())
        found = machine()
        found.rows(20)
        assert found.anomaly.value(metrics.FORECAST) == 1
        assert "# TYPE anomaly_model_series gauge" in found.anomaly.exposition()
        before, now = list(found.plugin._predictor._last_rows[CPU]), found.clock.time()
        found.rows(1)
        features = feature_vector(before, now + ROW)
        expected = sum(weight * feature for weight, feature in zip(trained.weights, features, strict=True))
        assert found.anomaly.value(metrics.PREDICTED, series=CPU, component="cpu") == pytest.approx(expected)

    def test_a_series_that_is_not_watched_is_not_counted(self, machine, folder, model):
        (folder / "model.json").write_text(LinearModel(ROW, {CPU: [1.0] * 19, "other": [1.0] * 19}).to_json())
        found = machine()
        found.rows(20)
        assert found.anomaly.value(metrics.FORECAST) == 1

    def test_a_bad_model_costs_nothing_else(self, machine, folder, caplog):
        (folder / "model.json").write_text("{}")
        found = machine()
        found.rows(15)
        assert "is not used" in caplog.text
        assert found.anomaly.series(metrics.FORECAST) == {}
        assert found.anomaly.value(metrics.WATCHED) == 9

    def test_the_command_in_a_message_names_the_instance(self, collector_harness, folder, caplog):
        from collector_core import Context
        from collector_plugins.anomaly import Anomaly
        from collector_plugins.anomaly.config import Config

        (folder / "model.json").write_text("{}")
        context = Context(name="few", logger=logging.getLogger("collector.few"))
        Anomaly(Config(state_dir=folder, history_days=0), context).open()
        assert "fix: energy-collector anomaly train --collector few" in caplog.text


def test_our_own_model_needs_neither_numpy_nor_onnx():
    code = """if True:
        import sys
        from collector_plugins.anomaly.forecast import predictor, train_command, training
        from collector_plugins.anomaly import Anomaly
        trained = training.train_series("x", {60.0 * row: row % 7.0 for row in range(600)}, 60.0)
        model = predictor.LinearModel.from_json(predictor.LinearModel(60.0, {"x": trained.weights}).to_json())
        model.predict({"x": [1.0] * 19})
        print(sorted({"numpy", "onnx", "onnxruntime"} & set(sys.modules)))
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
