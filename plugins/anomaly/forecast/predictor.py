"""Predicts the next row of some series with a trained model, where there is one and onnxruntime is installed."""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from collector_core import describe
from collector_plugins.anomaly import features

MODEL_FILE = "model.onnx"
ABOUT = "energy_collector_anomaly"
INPUT = "features"
FIX = "pip install 'energy-collector[anomaly]'"
MAX_GAP_ROWS = 1.5


class Predictor:
    """A model is made by `energy-collector anomaly train`; without one nothing is predicted here."""

    def __init__(self, file: Path | None, folder: Path, row: float, log: logging.Logger) -> None:
        self._file = file or folder / MODEL_FILE
        self._must = file is not None
        self._row = row
        self._log = log
        self._session: Any = None
        self._last: dict[str, deque[float]] = {}
        self._last_at = 0.0
        self.series: tuple[str, ...] = ()

    def load(self) -> None:
        """Read the model if there is one; what is wrong with it is said in the log, and nothing is predicted."""
        if not self._file.exists():
            if self._must:
                self._log.warning("%s is not there; make it with `energy-collector anomaly train`", self._file)
            return
        try:
            self._session, self.series = self._open()
        except ImportError:
            self._log.warning("%s is not used: onnxruntime is not installed; fix: %s", self._file, FIX)
        except Exception as error:  # noqa: BLE001 - onnxruntime raises classes of its own
            self.give_up(describe(error))

    def predict(self, rows: Mapping[str, float], when: float) -> dict[str, float]:
        """What the rows that end now were expected to be, from those before; then these count as well."""
        if self._session is None:
            return {}
        predicted = self._run(when)
        gap = when - self._last_at > MAX_GAP_ROWS * self._row
        self._last_at = when
        for text in self.series:
            known = self._last.setdefault(text, deque(maxlen=features.LAGS))
            if gap or text not in rows:
                known.clear()
            if text in rows:
                known.appendleft(rows[text])
        return {} if gap else predicted

    def give_up(self, reason: str) -> None:
        """Predict nothing more, and say why."""
        self._session, self.series = None, ()
        self._log.warning("%s is not used: %s; train it anew: energy-collector anomaly train", self._file, reason)

    def _open(self) -> tuple[Any, tuple[str, ...]]:
        import onnxruntime  # noqa: PLC0415 - only where there is a model

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(str(self._file), options, providers=["CPUExecutionProvider"])
        about = json.loads(session.get_modelmeta().custom_metadata_map.get(ABOUT, "{}"))
        series, row = about.get("series"), about.get("row")
        if not (isinstance(series, list) and all(isinstance(text, str) for text in series)):
            raise ValueError("it was not made by `energy-collector anomaly train`")
        if row != self._row or about.get("features") != features.COUNT:
            raise ValueError(f"it was trained on rows of {row} s, and these are {self._row:g} s")
        return session, tuple(series)

    def _run(self, when: float) -> dict[str, float]:
        """Those of which all the last rows are known."""
        ready = [text for text in self.series if len(self._last.get(text, ())) == features.LAGS]
        if not ready:
            return {}
        nothing = [0.0] * features.LAGS
        table = [features.features(list(self._last[t]) if t in ready else nothing, when) for t in self.series]
        (found,) = self._session.run(None, {INPUT: _array(table)})
        known = set(ready)
        return {t: float(v) for t, v in zip(self.series, found, strict=True) if t in known and v - v == 0}


def _array(table: list[list[float]]) -> Any:
    import numpy as np  # noqa: PLC0415 - comes with onnxruntime

    return np.asarray(table, dtype=np.float64)
