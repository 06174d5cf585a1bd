"""The file that `energy-collector calibrate qemu` writes: a polynomial and where it comes from, as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from collector_core.storage import parse_document, read_bounded
from collector_plugins.qemu.model import Polynomial, Range
from collector_plugins.qemu.units import CpuUnit

MAX_BYTES = 64 * 1024


@dataclass(frozen=True)
class Model:
    """A polynomial with the unit of its load, and the share of the dynamic power that counts, if that was measured."""

    polynomial: Polynomial
    cpu_unit: CpuUnit | None = None
    cinergy_ratio: float | None = None


def read(file: Path) -> Model:
    """Read a file; raises `OSError`, or `ValueError` with the key and what is wrong with it."""
    return parse(read_bounded(file, MAX_BYTES, follow_symlinks=True))


def parse(data: bytes) -> Model:
    """`coefficients`, and if stated `fitted_range`, `cpu_unit` and `cinergy_ratio`; other keys are notes.

    Raises `ValueError`.
    """
    document = parse_document(data)
    if not document.get("coefficients"):
        raise ValueError("coefficients: there are none: write [c0, c1, …] of f(x) = c0 + c1·x + …")
    coefficients = tuple(_numbers(document, "coefficients"))
    return Model(Polynomial(coefficients, _range(document)), _unit(document), _ratio(document))


def text(model: Model, **notes: Any) -> str:
    """A file's text; `notes` say where the model comes from."""
    content = {
        "coefficients": model.polynomial.coefficients,
        "cpu_unit": model.cpu_unit,
        "fitted_range": model.polynomial.fitted_range,
        **({} if model.cinergy_ratio is None else {"cinergy_ratio": model.cinergy_ratio}),
        **notes,
    }
    return json.dumps(content, indent=2) + "\n"


def _numbers(document: dict[str, Any], key: str) -> list[float]:
    values = document[key]
    if not isinstance(values, list) or not all(type(value) in (int, float) for value in values):
        raise ValueError(f"{key}: must be a list of numbers")
    return [float(value) for value in values]


def _range(document: dict[str, Any]) -> Range | None:
    if document.get("fitted_range") is None:
        return None
    values = _numbers(document, "fitted_range")
    if len(values) != 2 or not 0 <= values[0] < values[1] < float("inf"):
        raise ValueError("fitted_range: must be [lowest, highest] load, not negative")
    return values[0], values[1]


def _unit(document: dict[str, Any]) -> CpuUnit | None:
    unit = document.get("cpu_unit")
    if unit is None:
        return None
    if unit not in list(CpuUnit):
        raise ValueError(f"cpu_unit: must be one of {', '.join(CpuUnit)}")
    return CpuUnit(unit)


def _ratio(document: dict[str, Any]) -> float | None:
    ratio = document.get("cinergy_ratio")
    if ratio is None:
        return None
    if type(ratio) not in (int, float) or not 0 <= ratio <= 1:
        raise ValueError("cinergy_ratio: must be a number from 0 to 1")
    return float(ratio)
