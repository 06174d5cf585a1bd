"""Options of the solix plugin."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, model_validator

from collector_core import CollectorConfig, ConfigPath, Field, SecretStr, state_home

SECONDS_PER_UNIT = {"s": 1.0, "m": 60.0, "h": 3600.0}
SHORTEST_INTERVAL = 15.0  # seconds; four requests a minute where every cycle asks the cloud, and five are planned


class Realtime(StrEnum):
    """How devices are asked to report over MQTT."""

    CYCLE = "cycle"
    CONTINUOUS = "continuous"
    OFF = "off"


def _seconds(given: object) -> object:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh])", given.strip()) if isinstance(given, str) else None
    return float(found[1]) * SECONDS_PER_UNIT[found[2]] if found else given


Seconds = Annotated[float, BeforeValidator(_seconds)]


class Config(CollectorConfig):
    """Options of the solix plugin."""

    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$", description="Login of the Anker account.")
    password: SecretStr | None = Field(
        None, description="Its password, as `{$env: NAME}` or `{$file: path}`; not needed after `solix login`."
    )
    country: str = Field(
        pattern=r"^[A-Za-z]{2}$", description="Country of the account, two letters: it decides which server is asked."
    )
    mqtt: bool = Field(True, description="Listen to live values; without them the cloud is asked in every cycle.")
    realtime: Realtime = Field(
        Realtime.CYCLE,
        description="cycle: ask devices to report for 30 s in every cycle, all the time in fast mode; "
        "continuous: all the time; off: never, and only what devices tell by themselves is seen.",
    )
    normal_interval: Seconds = Field(
        120.0, ge=SHORTEST_INTERVAL, le=86400, allow_inf_nan=False, description="Seconds, or 2m: from cycle to cycle."
    )
    fast_interval: Seconds = Field(
        30.0,
        ge=SHORTEST_INTERVAL,
        le=86400,
        allow_inf_nan=False,
        description="The same while a battery is low and discharging.",
    )
    low_charge_ratio: float = Field(0.30, ge=0, le=1, description="Below this charge a battery is low.")
    high_charge_ratio: float = Field(0.35, ge=0, le=1, description="Above this charge it no longer is.")
    hash_serials: bool = Field(False, description="Show hashes instead of serial numbers.")
    state_dir: ConfigPath | None = Field(
        None,
        description="Folder for the token (0600); default: `energy-collector/solix` in `$XDG_STATE_HOME` or "
        "`~/.local/state`.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.fast_interval > self.normal_interval:
            raise ValueError("`fast_interval` is longer than `normal_interval`")
        if self.low_charge_ratio > self.high_charge_ratio:
            raise ValueError("`low_charge_ratio` is above `high_charge_ratio`")
        return self

    @property
    def state(self) -> Path:
        """Where the token is kept."""
        return (self.state_dir or default_state_dir()).expanduser()


def default_state_dir() -> Path:
    """The folder of this plugin's state."""
    return state_home() / "solix"
