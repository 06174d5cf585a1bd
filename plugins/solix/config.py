"""Options of the solix plugin."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import model_validator

from collector_core import CollectorConfig, ConfigPath, Duration, Field, SecretStr, state_home

SHORTEST_INTERVAL = 15.0  # seconds; four requests per minute where every cycle asks the cloud, of five in the budget


class Realtime(StrEnum):
    """How devices are asked to report over MQTT."""

    CYCLE = "cycle"
    CONTINUOUS = "continuous"
    OFF = "off"


class Config(CollectorConfig):
    """Options of the solix plugin."""

    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$", description="E-mail address of the Anker account.")
    password: SecretStr | None = Field(
        None,
        description="Password of the account, as `{$env: NAME}` or `{$file: path}`; not needed after `solix login`.",
    )
    country: str = Field(
        pattern=r"^[A-Za-z]{2}$",
        description="Country of the account, two letters: it determines which server is asked.",
    )
    mqtt: bool = Field(True, description="Receive live values; without them, every cycle asks the cloud.")
    realtime: Realtime = Field(
        Realtime.CYCLE,
        description="cycle: ask devices to report for 30 s in every cycle, and without a gap in fast mode; "
        "continuous: without a gap at all times; off: never, so that only unsolicited reports are received.",
    )
    normal_interval: Duration = Field(
        120.0, ge=SHORTEST_INTERVAL, description="Time from one cycle to the next, in seconds or as `2m`."
    )
    fast_interval: Duration = Field(
        30.0, ge=SHORTEST_INTERVAL, description="The same while a battery is low and discharging."
    )
    low_charge_ratio: float = Field(0.30, ge=0, le=1, description="A battery below this charge is low.")
    high_charge_ratio: float = Field(0.35, ge=0, le=1, description="A battery above this charge is no longer low.")
    hash_serials: bool = Field(False, description="Label devices with hashes instead of serial numbers.")
    state_dir: ConfigPath | None = Field(
        None,
        description="Folder of the token (mode 0600); default: `energy-collector/solix` in `$XDG_STATE_HOME` or "
        "`~/.local/state`.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.fast_interval > self.normal_interval:
            raise ValueError("`fast_interval` must not be longer than `normal_interval`")
        if self.low_charge_ratio > self.high_charge_ratio:
            raise ValueError("`low_charge_ratio` must not be above `high_charge_ratio`")
        return self

    @property
    def state(self) -> Path:
        """Where the token is kept."""
        return (self.state_dir or default_state_dir()).expanduser()


def default_state_dir() -> Path:
    """The folder of this plugin's state."""
    return state_home() / "solix"
