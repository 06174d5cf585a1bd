"""The `.env` file of a cinergy agent."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from collector_core.storage import read_bounded
from collector_plugins.qemu.limits import Cores, EmissionFactor, Number, Port, Pue, Ratio

MAX_BYTES = 64 * 1024

_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*=\s*(.*)")
_QUOTED = re.compile(r"""(["'])(.*?)\1\s*(?:#.*)?""")


def _listed(value: object) -> object:
    return value.split(",") if isinstance(value, str) and value else []


class Environment(BaseModel):
    """The variables of cinergy by our names; those that the file leaves out are None."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    coefficients: Annotated[tuple[Number, ...], BeforeValidator(_listed)] = Field(alias="REG_COEFF", min_length=1)
    port: Port | None = Field(None, alias="PORT")
    cinergy_ratio: Ratio | None = Field(None, alias="CINERGY_RATIO")
    server_cores: Cores | None = Field(None, alias="SERVER_CORES")
    pue: Pue | None = Field(None, alias="DC_PUE")
    emission_factor: EmissionFactor | None = Field(None, alias="EMISSION_FACTOR")


def read(file: Path) -> Environment:
    """Read a file; raises `OSError`, or `ValueError` with each variable's name and what is wrong with it."""
    return parse(read_bounded(file, MAX_BYTES, follow_symlinks=True).decode("utf-8", "replace"))


def parse(text: str) -> Environment:
    """The variables of cinergy in a text in dotenv's format; others are left alone. Raises `ValueError`."""
    try:
        return Environment.model_validate({"REG_COEFF": None, **_variables(text)})
    except ValidationError as error:
        raise ValueError("; ".join(map(_problem, error.errors(include_url=False, include_input=False)))) from None


def _problem(error: Any) -> str:
    name = error["loc"][0]
    if name == "REG_COEFF" and error["type"] == "too_short":
        return f"{name}: no coefficients: write c0,c1,… of f(x) = c0 + c1·x + …"
    return f"{name}: {error['msg']}"


def _variables(text: str) -> dict[str, str]:
    """`NAME=value` lines, `export` and quotes as dotenv has them; the first of several wins, as there."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if match := _LINE.fullmatch(line.strip()):
            found.setdefault(match[1], _value(match[2]))
    return {name: value for name, value in found.items() if value}


def _value(text: str) -> str:
    quoted = _QUOTED.fullmatch(text)
    return (quoted[2] if quoted else re.split(r"(?:^|\s)#", text, maxsplit=1)[0]).strip()
