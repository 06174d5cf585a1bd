"""Predicts the next row of some series with a trained model, where there is one."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Protocol

from collector_core import describe
from collector_core.storage import read_bounded
from collector_plugins.anomaly.forecast import features
from collector_plugins.anomaly.forecast.linear_model import LinearModel
from collector_plugins.anomaly.forecast.onnx_model import OnnxModel

MODEL_FILE = "model.json"
OLD_MODEL_FILE = "model.onnx"  # what earlier releases trained
MAX_BYTES = 1 << 28
MAX_GAP_ROWS = 1.5
INSTALL = "pip install 'energy-collector[anomaly]'"


class Model(Protocol):
    """What predicts series, from the feature vector of each."""

    row_seconds: float

    @property
    def series(self) -> tuple[str, ...]:
        """The series that it predicts."""

    def predict(self, vectors: Mapping[str, Sequence[float]]) -> dict[str, float]:
        """The next row of each series."""


class Predictor:
    """Keeps the last rows of the series that a model predicts; without a model nothing is predicted.

    `path` is a model that the configuration names; without one, `folder` is where trained models are. `train` is the
    command that makes one.
    """

    def __init__(self, path: Path | None, folder: Path, row: float, log: logging.Logger, train: str) -> None:
        self._path = path
        self._folder = folder
        self._row = row
        self._log = log
        self._train = train
        self._model: Model | None = None
        self._last_rows: dict[str, deque[float]] = {}
        self._last_at = 0.0

    @property
    def series(self) -> tuple[str, ...]:
        """The series that the model predicts."""
        return self._model.series if self._model else ()

    def load(self) -> None:
        """Read the model if there is one; the log says what is wrong with it, and then nothing is predicted."""
        path = self._path or model_path(self._folder)
        try:
            self._model = self._read(path)
        except FileNotFoundError:
            if self._path:
                self._log.warning("%s does not exist; fix: %s", path, self._train)
        except ImportError:
            fix = f"{self._train}; for a model of your own: {INSTALL}"
            self._log.warning(
                "%s is not used: it is an ONNX model and onnxruntime is not installed; fix: %s", path, fix
            )
        except Exception as error:  # noqa: BLE001 - onnxruntime raises classes of its own
            self._log.warning("%s is not used: %s; fix: %s", path, describe(error), self._train)

    def predict_row(self, rows: Mapping[str, float], when: float) -> dict[str, float]:
        """Predict the rows that end at `when` (seconds since 1970) from those before, then remember `rows`.

        A model that fails is not asked again; the log says why.
        """
        if self._model is None:
            return {}
        has_gap = when - self._last_at > MAX_GAP_ROWS * self._row
        predicted = {} if has_gap else self._predict(self._model, when)
        self._last_at = when
        for series in self.series:
            known = self._last_rows.setdefault(series, deque(maxlen=features.LAGS))
            if has_gap or series not in rows:
                known.clear()
            if series in rows:
                known.appendleft(rows[series])
        return predicted

    def _read(self, path: Path) -> Model:
        content = read_bounded(path, MAX_BYTES, follow_symlinks=True)
        is_json = content.lstrip()[:1] == b"{"  # an ONNX file begins with the tag of its version
        model: Model = LinearModel.from_json(content) if is_json else OnnxModel(content)
        if model.row_seconds != self._row:
            raise ValueError(f"trained on rows of {model.row_seconds:g} s, and rows are {self._row:g} s")
        return model

    def _predict(self, model: Model, when: float) -> dict[str, float]:
        """Predict those series of which all the last rows are known."""
        known = {series: self._last_rows.get(series, ()) for series in model.series}
        vectors = {
            series: features.feature_vector(list(rows), when)
            for series, rows in known.items()
            if len(rows) == features.LAGS
        }
        if not vectors:
            return {}
        try:
            predicted = model.predict(vectors)
        except Exception as error:  # noqa: BLE001 - whatever a model does, watching goes on
            self._model = None
            self._log.warning("the model fails and is no longer used: %s; fix: %s", describe(error), self._train)
            return {}
        return {series: value for series, value in predicted.items() if isfinite(value)}


def model_path(folder: Path) -> Path:
    """Where the model is that was trained last; one of an earlier release counts while there is no newer one."""
    newest, old = folder / MODEL_FILE, folder / OLD_MODEL_FILE
    return old if old.exists() and not newest.exists() else newest
