"""Model files: our own of JSON, those of the release before and a user's own of ONNX; whole, damaged, and of others."""

import builtins
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_plugins.anomaly.forecast import features
from collector_plugins.anomaly.forecast.linear_model import FORMAT, LinearModel
from collector_plugins.anomaly.forecast.onnx_model import OnnxModel

OLD_MODEL = Path(__file__).parents[1] / "previous_release" / "model.onnx"
CPU = "system_cpu_usage_ratio"
WEIGHTS = [0.5 ** (number + 1) for number in range(features.COUNT)]


class TestLinearModel:
    def test_it_adds_up_features_by_weights(self):
        model = LinearModel(60.0, {"a": [1.0, *[0.0] * 18], "b": [2.0] * 19})
        vector = [float(number) for number in range(1, 20)]
        assert model.predict({"b": vector, "a": vector}) == {"a": 1.0, "b": 380.0}
        assert model.predict({"a": vector}) == {"a": 1.0}
        assert model.series == ("a", "b")

    def test_a_file_gives_the_same_model_to_the_last_digit(self):
        names = [CPU, 'a{b="c\\"d\\n"}', "ü"]
        model = LinearModel(300.0, {name: [weight / 3 for weight in WEIGHTS] for name in names})
        again = LinearModel.from_json(model.to_json())
        assert (again.series, again.row_seconds) == (model.series, 300.0)
        vectors = dict.fromkeys(names, [1 / 7] * 19)
        assert again.predict(vectors) == model.predict(vectors)

    def test_the_file_says_what_it_is(self):
        document = json.loads(LinearModel(300.0, {CPU: WEIGHTS}).to_json())
        assert document == {
            "format": FORMAT, "version": 1, "row_seconds": 300.0, "shape": [1, 19], "weights": {CPU: WEIGHTS},
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"format": "other"}, "not a model of"),
            ({"format": None}, "not a model of"),
            ({"version": 2}, "version 2 of its format, and this program reads 1"),
            ({"row_seconds": None}, "row_seconds"),
            ({"row_seconds": "300"}, "row_seconds"),
            ({"weights": [WEIGHTS]}, "weights"),
            ({"shape": [2, 19]}, "19 numbers"),
            ({"shape": [1, 18]}, "19 numbers"),
            ({"weights": {CPU: WEIGHTS[:18]}}, "19 numbers"),
            ({"weights": {CPU: [*WEIGHTS[:18], "0"]}}, "19 numbers"),
            ({"weights": {CPU: [*WEIGHTS[:18], float("nan")]}}, "19 numbers"),
            ({"weights": {CPU: [*WEIGHTS[:18], True]}}, "19 numbers"),
        ],
    )
    def test_a_damaged_file_is_refused_with_the_reason(self, change, reason):
        document = json.loads(LinearModel(300.0, {CPU: WEIGHTS}).to_json()) | change
        with pytest.raises(ValueError, match=reason):
            LinearModel.from_json(json.dumps(document))

    def test_whole_numbers_are_numbers(self):
        document = json.loads(LinearModel(300.0, {CPU: WEIGHTS}).to_json()) | {
            "row_seconds": 60,
            "weights": {CPU: [1] * 19},
        }
        assert LinearModel.from_json(json.dumps(document)).predict({CPU: [1.0] * 19}) == {CPU: 19.0}

    @given(
        st.binary(max_size=100)
        | st.recursive(st.none() | st.floats() | st.text(max_size=5), st.lists).map(
            lambda value: json.dumps(value).encode()
        )
    )
    def test_any_file_is_read_or_refused(self, content):
        with pytest.raises(ValueError, match=".*"):
            LinearModel.from_json(content)

    @given(
        st.dictionaries(
            st.sampled_from(["format", "version", "row_seconds", "shape", "weights"]),
            st.none()
            | st.integers()
            | st.floats()
            | st.lists(st.floats())
            | st.dictionaries(st.text(), st.lists(st.floats())),
        )
    )
    def test_any_change_is_read_or_refused(self, change):
        document = json.loads(LinearModel(300.0, {CPU: WEIGHTS}).to_json()) | change
        try:
            model = LinearModel.from_json(json.dumps(document))
        except ValueError:
            return
        assert all(len(model._weights[series]) == features.COUNT for series in model.series)


class TestOnnxModel:
    @pytest.fixture
    def before(self):
        pytest.importorskip("onnxruntime")
        return json.loads((OLD_MODEL.parent / "predictions.json").read_text())

    def test_one_that_the_release_before_has_trained_predicts_as_it_did(self, before):
        model = OnnxModel(OLD_MODEL.read_bytes())
        assert (model.series, model.row_seconds) == (tuple(before["series"]), 300.0)
        for asked in before["asked"]:
            vectors = {
                series: features.feature_vector(last, asked["when"])
                for series, last in zip(before["series"], asked["last"], strict=True)
            }
            assert list(model.predict(vectors).values()) == pytest.approx(asked["predicted"], rel=1e-12)

    def test_a_series_whose_rows_are_unknown_is_left_out_and_costs_no_other(self, before):
        model = OnnxModel(OLD_MODEL.read_bytes())
        asked = before["asked"][0]
        vector = features.feature_vector(asked["last"][1], asked["when"])
        assert model.predict({model.series[1]: vector}) == {model.series[1]: pytest.approx(asked["predicted"][1])}

    @pytest.mark.parametrize(
        ("old", "new", "reason"),
        [
            (b'"features": 19', b'"features": 18', "19 `features`"),
            (b'"row": 300.0', b'"row": "x"  ', "`row` in seconds"),
            (b'"series": [', b'"names" : [', "does not name its series"),
            (b"energy_collector_anomaly", b"somebody_else_s_metadata", "does not name its series"),
            (b'{"series"', b'["series"', ".+"),
        ],
    )
    def test_one_whose_metadata_do_not_fit_is_refused_with_the_reason(self, before, old, new, reason):
        content = OLD_MODEL.read_bytes()
        assert len(old) == len(new)
        assert old in content
        with pytest.raises(ValueError, match=reason):
            OnnxModel(content.replace(old, new))

    def test_without_onnxruntime_it_is_an_import_error(self, monkeypatch):
        monkeypatch.setattr(builtins, "__import__", without("onnxruntime"))
        with pytest.raises(ImportError):
            OnnxModel(OLD_MODEL.read_bytes())


def without(*names):
    """An `__import__` that finds none of these modules."""
    real = builtins.__import__

    def importing(name, *args, **kwargs):
        if name.partition(".")[0] in names:
            raise ImportError(f"No module named {name!r}")
        return real(name, *args, **kwargs)

    return importing
