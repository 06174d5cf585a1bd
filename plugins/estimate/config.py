"""The options of the estimate plugin."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, PrivateAttr, ValidationInfo, field_validator, model_validator

from collector_core import CollectorConfig, ConfigPath, Field
from collector_plugins.estimate import modelfile
from collector_plugins.estimate.modelfile import Model

HIGHEST_WATTS = 10_000.0


def _read(file: Path) -> Model:
    try:
        return modelfile.read(file)
    except (OSError, ValueError) as error:
        raise ValueError(f"{file}: {error.strerror if isinstance(error, OSError) else error}") from None


def _readable(file: Path | None) -> Path | None:
    if file is not None:
        _read(file)
    return file


class Config(CollectorConfig):
    """Options of the estimate plugin; all are optional."""

    tdp_watts: Annotated[float, Field(gt=0, le=HIGHEST_WATTS)] | None = Field(
        default=None,
        description="Thermal design power of one processor as specified by its manufacturer; sockets are counted, and "
        "a virtual machine gets its share. Default: from a table of processors.",
    )
    idle_watts: Annotated[float, Field(ge=0, le=HIGHEST_WATTS)] | None = Field(
        default=None, description="What one processor draws when idle. Default: a tenth of its TDP."
    )
    model_file: Annotated[ConfigPath | None, AfterValidator(_readable)] = Field(
        default=None,
        description="File with the curve, written by `energy-collector calibrate cpu` on this machine; replaces the "
        "one based on TDP.",
    )
    _model: Model | None = PrivateAttr(None)  # compared with the options: a file that changed restarts the collector

    @property
    def model(self) -> Model | None:
        """What the model file says."""
        return self._model

    @field_validator("idle_watts")
    @classmethod
    def _below_tdp(cls, idle: float | None, info: ValidationInfo) -> float | None:
        tdp = info.data.get("tdp_watts")
        if idle is not None and tdp is not None and idle > tdp:
            raise ValueError(f"an idle processor cannot draw more than its tdp_watts, {tdp:g} W")
        return idle

    @field_validator("model_file")
    @classmethod
    def _instead_of_tdp(cls, file: Path | None, info: ValidationInfo) -> Path | None:
        given = [key for key in ("tdp_watts", "idle_watts") if info.data.get(key) is not None]
        if file is not None and given:
            raise ValueError(f"it replaces {' and '.join(given)}: give one or the other")
        return file

    @model_validator(mode="after")
    def _load(self) -> Self:
        self._model = None if self.model_file is None else _read(self.model_file)
        return self
