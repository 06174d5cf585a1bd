"""Options of the plugin: rules, channels, and when somebody is told."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import StringConstraints, model_validator

from collector_core import CollectorConfig, ConfigPath, Duration, Field, state_home
from collector_plugins.alerts.channeloptions import ChannelOptions
from collector_plugins.alerts.ruleoptions import Label, Rule

MAX_RULES = 500
MAX_CHANNELS = 50

ChannelName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z][a-zA-Z0-9_-]{0,63}$")]


class Config(CollectorConfig):
    """Options of the alerts plugin."""

    channels: dict[ChannelName, ChannelOptions] = Field(
        {}, max_length=MAX_CHANNELS, description="Who is told: a name and the options of each channel."
    )
    rules: tuple[Rule, ...] = Field(
        (), max_length=MAX_RULES, description="What is watched; one called like a rule of ours takes its place."
    )
    default_rules: bool = Field(
        True, description="Watch for collectors that are down, anomalies, low batteries and dead channels, too."
    )
    instance: str | None = Field(None, description="What this machine is called in alerts; its host name.")
    labels: dict[Label, str] = Field({}, max_length=20, description="Labels of every alert.")
    group_by: tuple[Label, ...] = Field(("alertname",), description="Alerts that share these labels are told together.")
    group_wait: Duration = Field(10.0, description="How long a group waits for more before it is told first.")
    group_interval: Duration = Field(60.0, description="The least time from one message of a group to the next.")
    repeat_interval: Duration = Field(14400.0, description="When what still fires is told again.")
    notifications_per_minute: float = Field(
        10.0, ge=0.1, le=600, description="Per channel; what comes faster is told in one summary."
    )
    flap_starts: int = Field(4, ge=2, le=100, description="An alert that starts so often within `flap_window` flaps:")
    flap_window: Duration = Field(3600.0, description="it is told once more, and then not")
    flap_calm: Duration = Field(900.0, description="until nothing has changed for so long.")
    startup_grace: Duration = Field(
        60.0, description="For so long after the start, series that are missing are taken for not there yet."
    )
    queue_limit: int = Field(
        1000,
        ge=1,
        le=100_000,
        description="Notifications that wait for a channel; the oldest go first when it is full.",
    )
    state_dir: ConfigPath | None = Field(
        None,
        description="Folder of the state (0600); default: `energy-collector/alerts` in `$XDG_STATE_HOME` or "
        "`~/.local/state`.",
    )

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [rule.alert for rule in self.rules]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two rules are called {twice[0]!r}")
        return self

    @property
    def state(self) -> Path:
        """Where alerts and queued notifications are kept."""
        return (self.state_dir or state_home() / "alerts").expanduser()
