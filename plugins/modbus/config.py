"""Options of the modbus plugin."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, model_validator

from collector_core import Field, Options
from collector_core.devices import Address, Device, DevicesConfig, known_name, quantity_words
from collector_plugins.modbus.client import Framing, RegisterType
from collector_plugins.modbus.registers import Register, Type, WordOrder, models

SUNSPEC = frozenset({"sunspec", "fronius", "sma"})


def _model(name: str) -> str:
    return known_name(name, sorted(SUNSPEC | models().keys()))


def _word(name: str) -> str:
    return known_name(name.removesuffix("_total"), sorted(quantity_words()))


class RegisterOption(Options):
    """Where a quantity is."""

    metric: Annotated[str, AfterValidator(_word)] = Field(
        description="What it is: power_watts, energy_kwh, energy_wh, energy_joules, voltage_volts, phase_power_watts …"
    )
    address: int = Field(ge=0, le=65535, description="Address of its first register, from 0.")
    kind: RegisterType = Field(RegisterType.HOLDING, description="Kind of the registers: holding or input.")
    type: Type = Field(Type.UINT16, description="int16, uint16, int32, uint32, int64, uint64, float32 or float64.")
    word_order: WordOrder = Field(
        WordOrder.BIG, description="Whether the most (big) or the least significant register (little) comes first."
    )
    scale: float = Field(1.0, allow_inf_nan=False, description="What one unit of the number is in the metric's unit.")
    part: str = Field("", max_length=50, description="The phase or outlet, where the metric has one.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.metric.startswith(("phase_", "outlet_")) != bool(self.part):
            raise ValueError("`part` names the phase or outlet of phase_… and outlet_… metrics, and of these only")
        return self

    @property
    def register(self) -> Register:
        """The same, as it is read."""
        return Register(self.metric, self.part, self.kind, self.address, self.type, self.word_order, self.scale)


class Meter(Device):
    """A device that speaks Modbus."""

    address: Address = Field(description="Host and port; without a port 502.")
    unit: int = Field(1, ge=0, le=255, description="Unit (slave) number.")
    framing: Framing = Field(Framing.TCP, description="tcp, or rtu: serial frames in a TCP stream.")
    model: Annotated[str, AfterValidator(_model)] | None = Field(None, description="A device that is known; see below.")
    registers: tuple[RegisterOption, ...] = Field((), description="Where its numbers are, instead of `model`.")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.registers) == (self.model is not None):
            raise ValueError("give either `model` or `registers`")
        return self


class Config(DevicesConfig[Meter]):
    """Options of the modbus plugin."""
