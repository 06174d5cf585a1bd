"""History → a linear autoregressive model with daily and weekly waves, by least squares, as an ONNX file.

The model of each series is one row of weights; all of them together are `y = Σ features · weights`: one multiplication
and one sum in ONNX. Weights are found by ridge regression on features in units of the series' own spread.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from collector_plugins.anomaly import features
from collector_plugins.anomaly.predictor import ABOUT, INPUT

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FEWEST_ROWS = 500
HELD_BACK = 0.2  # of the rows, the last ones: what the model is judged by
RIDGE = 1e-3
OPSET = 13
IR_VERSION = 8


class Trained(NamedTuple):
    """The model of one series; errors are mean absolute ones on rows that it was not trained on, in the series' unit.

    `naive_error` is that of saying the last row again.
    """

    series: str
    rows: int
    weights: list[float]
    error: float
    naive_error: float

    @property
    def is_useful(self) -> bool:
        """Whether it predicts better than the last row does."""
        return self.error < self.naive_error


def fit(series: str, history: Mapping[float, float], row: float) -> Trained | None:
    """Train on the rows of one series by time (seconds since 1970); None where there are fewer than 500 usable ones."""
    import numpy as np  # noqa: PLC0415 - only where a model is trained

    inputs, targets = _examples(history, row)
    if len(targets) < FEWEST_ROWS:
        return None
    x, y = np.asarray(inputs), np.asarray(targets)
    cut = int(len(y) * (1 - HELD_BACK))
    judged = _solve(x[:cut], y[:cut])
    error = float(np.mean(np.abs(x[cut:] @ judged - y[cut:])))
    naive = float(np.mean(np.abs(x[cut:, 0] - y[cut:])))
    return Trained(series, len(y), [float(weight) for weight in _solve(x, y)], error, naive)


def write(trained: Sequence[Trained], row: float) -> bytes:
    """The ONNX file of these models."""
    import onnx  # noqa: PLC0415 - only where a model is written
    from onnx import TensorProto, helper  # noqa: PLC0415

    count = len(trained)
    flat = [weight for each in trained for weight in each.weights]
    weights = helper.make_tensor("weights", TensorProto.DOUBLE, [count, features.COUNT], flat)
    axes = helper.make_tensor("axes", TensorProto.INT64, [1], [1])
    graph = helper.make_graph(
        [
            helper.make_node("Mul", [INPUT, "weights"], ["products"]),
            helper.make_node("ReduceSum", ["products", "axes"], ["predicted"], keepdims=0),
        ],
        "linear",
        [helper.make_tensor_value_info(INPUT, TensorProto.DOUBLE, [count, features.COUNT])],
        [helper.make_tensor_value_info("predicted", TensorProto.DOUBLE, [count])],
        [weights, axes],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    about = {"series": [each.series for each in trained], "row": row, "features": features.COUNT}
    helper.set_model_props(model, {ABOUT: json.dumps(about)})
    onnx.checker.check_model(model)
    written: bytes = model.SerializeToString()
    return written


def _examples(history: Mapping[float, float], row: float) -> tuple[list[list[float]], list[float]]:
    """Every row that has 12 rows right before it."""
    inputs, targets = [], []
    times = sorted(history)
    steady = 0
    for place in range(1, len(times)):
        steady = steady + 1 if times[place] - times[place - 1] <= 1.5 * row else 0
        if steady >= features.LAGS:
            last = [history[time] for time in reversed(times[place - features.LAGS : place])]
            inputs.append(features.features(last, times[place]))
            targets.append(history[times[place]])
    return inputs, targets


def _solve(x: Floats, y: Floats) -> Any:
    """Ridge regression; the penalty is the same whatever the unit, and the constant goes free of it."""
    import numpy as np  # noqa: PLC0415

    center, scale = float(np.mean(y)), float(np.std(y)) or 1.0
    scaled = x.copy()
    scaled[:, : features.LAGS] = (x[:, : features.LAGS] - center) / scale
    penalty = RIDGE * len(y) * np.eye(features.COUNT)
    penalty[features.LAGS, features.LAGS] = 1e-9
    weights = np.linalg.solve(scaled.T @ scaled + penalty, scaled.T @ ((y - center) / scale))
    raw = weights * scale
    raw[: features.LAGS] = weights[: features.LAGS]
    raw[features.LAGS] += center * (1.0 - float(np.sum(weights[: features.LAGS])))
    return raw
