"""The options of the qemu plugin, checked as a whole: a model that cannot be meant is refused with its key."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Annotated, Self

from pydantic import BeforeValidator, PrivateAttr, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from collector_core import CollectorConfig, ConfigPath, Field
from collector_plugins.qemu import cinergy, modelfile
from collector_plugins.qemu.cinergy import Environment
from collector_plugins.qemu.limits import Cores, EmissionFactor, Load, Number, Pue, Ratio
from collector_plugins.qemu.model import Polynomial
from collector_plugins.qemu.modelfile import Model
from collector_plugins.qemu.units import CpuUnit

OFF = "off"
SOURCES = ("coefficients", "model_file", "env_file")
MISSING = (
    "no coefficients: give c0, c1, … of the host's watts, a `model_file` (`energy-collector calibrate qemu` makes one) "
    "or cinergy's `env_file`; `coefficients: off` publishes CPU use without watts"
)


@dataclass(frozen=True)
class Power:
    """What the options come to once their files are read; None: not stated. `port` is where cinergy served."""

    polynomial: Polynomial | None
    cpu_unit: CpuUnit
    cinergy_ratio: float
    server_cores: int | None
    pue: float
    emission_factor: float | None
    port: int | None = None


class _Refused(Exception):
    """An option that cannot be used."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(reason)
        self.key = key


def _coefficients(value: object) -> object:
    if value == OFF:
        return ()
    if value in ([], ()):
        raise ValueError(MISSING)
    return value


class Config(CollectorConfig):
    """Options of the qemu plugin; just one of `coefficients`, `model_file` and `env_file` is needed."""

    coefficients: Annotated[tuple[Number, ...] | None, BeforeValidator(_coefficients)] = Field(
        default=None,
        description="c0, c1, … of f(x) = c0 + c1·x + …, the watts of the host at load x; `off`: CPU metrics only.",
    )
    model_file: ConfigPath | None = Field(
        default=None, description="File with the polynomial, written by `energy-collector calibrate qemu`."
    )
    env_file: ConfigPath | None = Field(
        default=None, description="The `.env` file of a cinergy agent; options given here take precedence."
    )
    cpu_unit: CpuUnit | None = Field(
        default=None,
        description="Unit of x: `cores` (1.5: one and a half cores busy), `core_percent` (100: one core), "
        "`host_percent` (100: all CPUs of the host). Default: that of the model file, `core_percent` with `env_file`, "
        "else `cores`.",
    )
    fitted_range: tuple[Load, Load] | None = Field(
        default=None, description="Lowest and highest x that f was fitted at; loads outside are clamped to it."
    )
    cinergy_ratio: Ratio = Field(
        default=1.0,
        description="Share of the dynamic power that counts, 0 to 1. If not given, a model file's own applies "
        "(`calibrate qemu --ratio` measures it).",
    )
    server_cores: Cores | None = Field(
        default=None, description="Cores that share the idle power. Default: the physical cores of the host."
    )
    pue: Pue = Field(default=1.0, description="Power usage effectiveness of the data centre, 1 or more.")
    emission_factor: EmissionFactor | None = Field(
        default=None, description="Carbon intensity of the electricity in g CO2 equivalent per kWh."
    )
    _power: Power | None = PrivateAttr(None)  # compared with the options: a file that changed restarts the collector

    @property
    def power(self) -> Power:
        """The options with what their files say."""
        if self._power is None:
            raise ValueError("these options were not validated")
        return self._power

    @model_validator(mode="after")
    def _resolve(self) -> Self:
        try:
            self._power = self._read()
        except _Refused as refused:
            raise _error(refused.key, str(refused)) from None
        return self

    def _read(self) -> Power:
        source, prefix = self._source()
        if self.fitted_range and self.fitted_range[0] >= self.fitted_range[1]:
            raise _Refused("fitted_range", "the lowest load comes first, and the highest is more")
        power = self._load(source)
        problem = power.polynomial and power.polynomial.problem(_full_load(power))
        if problem:
            raise _Refused(source, f"{prefix}{problem}")
        return power

    def _source(self) -> tuple[str, str]:
        """The option that names the model, and how to begin a message about what its file says."""
        given = [key for key in SOURCES if getattr(self, key) is not None]
        if not given:
            raise _Refused("coefficients", MISSING)
        if len(given) > 1:
            raise _Refused(given[1], f"give one of {', '.join(SOURCES)}, not {' and '.join(given)}")
        keys = {"model_file": "coefficients", "env_file": "REG_COEFF"}
        return given[0], f"{getattr(self, given[0])}: {keys[given[0]]}: " if given[0] in keys else ""

    def _load(self, source: str) -> Power:
        try:
            if self.env_file is not None:
                return self._with_environment(cinergy.read(self.env_file))
            if self.model_file is not None:
                return self._with_model(modelfile.read(self.model_file))
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise _Refused(source, f"{getattr(self, source)}: {reason}") from None
        return self._stated(CpuUnit.CORES)

    def _stated(self, unit: CpuUnit) -> Power:
        """What the options say by themselves; `unit` where they leave it open."""
        return Power(
            polynomial=Polynomial(self.coefficients, self.fitted_range) if self.coefficients else None,
            cpu_unit=self.cpu_unit or unit,
            cinergy_ratio=self.cinergy_ratio,
            server_cores=self.server_cores,
            pue=self.pue,
            emission_factor=self.emission_factor,
        )

    def _with_model(self, model: Model) -> Power:
        unit = model.cpu_unit or self.cpu_unit or CpuUnit.CORES
        if self.cpu_unit not in (None, unit):
            raise _Refused("cpu_unit", f"the model of {self.model_file} was fitted in {unit}")
        stated = replace(self._stated(unit), polynomial=self._in_range(model.polynomial))
        if model.cinergy_ratio is None or self._is_given("cinergy_ratio"):
            return stated
        return replace(stated, cinergy_ratio=model.cinergy_ratio)

    def _with_environment(self, environment: Environment) -> Power:
        theirs = environment.model_dump(include={"cinergy_ratio", "server_cores", "pue", "emission_factor"})
        left_open = {key: value for key, value in theirs.items() if value is not None and not self._is_given(key)}
        polynomial = self._in_range(Polynomial(environment.coefficients))
        stated = self._stated(CpuUnit.CORE_PERCENT)
        return replace(stated, polynomial=polynomial, port=environment.port, **left_open)

    def _in_range(self, polynomial: Polynomial) -> Polynomial:
        return replace(polynomial, fitted_range=self.fitted_range) if self.fitted_range else polynomial

    def _is_given(self, key: str) -> bool:
        return key in self.model_fields_set and getattr(self, key) is not None


def _full_load(power: Power) -> float:
    """The highest load that a guest could reach, as far as can be said without looking at the host."""
    cpus = max(power.server_cores or 1, os.cpu_count() or 1)
    return cpus * power.cpu_unit.per_core(cpus)


def _error(key: str, reason: str) -> ValidationError:
    kind = PydanticCustomError("refused", "{reason}", {"reason": reason})
    return ValidationError.from_exception_data("qemu", [InitErrorDetails(type=kind, loc=(key,), input=None)])
