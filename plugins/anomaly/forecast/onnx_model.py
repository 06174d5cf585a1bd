"""A user's own ONNX model, or one that an earlier release trained; needs onnxruntime.

Its one input `features` is a table of float64, a line for each series and a column for each feature; its one output has
the next row of each series. The metadata `energy_collector_anomaly` is JSON: `{"series": [...], "row": 60.0,
"features": 19}`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from collector_core.storage import parse_document
from collector_plugins.anomaly.forecast import features
from collector_plugins.anomaly.state_checks import is_finite

METADATA = "energy_collector_anomaly"
INPUT = "features"


class OnnxModel:
    """Predicts all of its `series`, of rows of `row_seconds`, in one call."""

    def __init__(self, content: bytes) -> None:
        """Read a model; raises `ImportError` without onnxruntime, and errors of any class for what is no model."""
        import onnxruntime  # noqa: PLC0415 - only where there is such a model

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        self.series, self.row_seconds = _read_metadata(self._session.get_modelmeta().custom_metadata_map)

    def predict(self, vectors: Mapping[str, Sequence[float]]) -> dict[str, float]:
        """The next row of each series, by its feature vector."""
        unknown = [0.0] * features.COUNT
        table = _array([vectors.get(series, unknown) for series in self.series])
        (predicted,) = self._session.run(None, {INPUT: table})
        found = zip(self.series, predicted, strict=True)
        return {series: float(value) for series, value in found if series in vectors}


def _read_metadata(metadata: Mapping[str, str]) -> tuple[tuple[str, ...], float]:
    about = parse_document(metadata.get(METADATA, "{}"))
    series, row, count = about.get("series"), about.get("row"), about.get("features")
    if not (isinstance(series, list) and all(isinstance(text, str) for text in series)):
        raise ValueError(f"its metadata `{METADATA}` does not name its series")
    if not is_finite(row) or count != features.COUNT:
        raise ValueError(f"its metadata `{METADATA}` must have `row` in seconds and {features.COUNT} `features`")
    return tuple(series), float(row)


def _array(table: Sequence[Sequence[float]]) -> Any:
    import numpy as np  # noqa: PLC0415 - comes with onnxruntime

    return np.asarray(table, dtype=np.float64)
