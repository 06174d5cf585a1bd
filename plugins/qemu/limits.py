"""What the numbers of the model may be, in the options and in cinergy's file alike."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

Number = Annotated[float, Field(allow_inf_nan=False)]
Load = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Ratio = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Cores = Annotated[int, Field(ge=1, le=1_000_000)]
Pue = Annotated[float, Field(ge=1, allow_inf_nan=False)]
EmissionFactor = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Port = Annotated[int, Field(ge=1, le=65535)]
