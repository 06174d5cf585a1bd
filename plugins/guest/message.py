"""What the host tells a guest: how many joules the guest has been given so far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

MOST_BYTES = 64 << 10
_MOST_COMPONENTS = 16

Joules = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Component = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]


class HostReading(BaseModel):
    """The energy of one guest by component, in joules since the host began to count.

    `source` names that count: another one, as after the guest has moved to another host, began at another point.
    `time` is on a clock of the host that only tells how far apart two readings are; None where the host tells none.
    `interval` is how often it tells, both in seconds. `guest` is what the host calls the guest.
    """

    model_config = ConfigDict(frozen=True)

    joules: Mapping[Component, Joules] = Field(min_length=1, max_length=_MOST_COMPONENTS)
    source: str = Field("", max_length=64)
    guest: str = Field("", max_length=256)
    time: float | None = Field(None, allow_inf_nan=False)
    interval: float | None = Field(None, gt=0, le=3600, allow_inf_nan=False)
