"""Options of the plugin: rules, channels, and when a channel is notified."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import StringConstraints, model_validator

from collector_core import CollectorConfig, ConfigPath, Duration, Field, state_home
from collector_plugins.alerts.channel_options import ChannelOptions
from collector_plugins.alerts.rule_options import Label, Rule

MAX_RULES = 500
MAX_CHANNELS = 50

ChannelName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z][a-zA-Z0-9_-]{0,63}$")]


class Config(CollectorConfig):
    """Options of the alerts plugin."""

    channels: dict[ChannelName, ChannelOptions] = Field(
        {}, max_length=MAX_CHANNELS, description="Who is notified: the name and the options of each channel."
    )
    rules: tuple[Rule, ...] = Field(
        (), max_length=MAX_RULES, description="What to alert on; a rule with the name of a default rule replaces it."
    )
    default_rules: bool = Field(
        True, description="Also alert on collectors that are down, anomalies, low batteries and failing channels."
    )
    instance: str | None = Field(None, description="Name of this machine in alerts; default: its host name.")
    labels: dict[Label, str] = Field({}, max_length=20, description="Labels of every alert.")
    group_by: tuple[Label, ...] = Field(("alertname",), description="Alerts that share these labels form one group.")
    group_wait: Duration = Field(10.0, description="How long a new group waits for more alerts.")
    group_interval: Duration = Field(60.0, description="Minimum time between notifications of one group.")
    repeat_interval: Duration = Field(14400.0, description="When a firing alert is sent again.")
    notifications_per_minute: float = Field(
        10.0, ge=0.1, le=600, description="Limit of each channel; beyond it, groups are merged into one summary."
    )
    flap_starts: int = Field(
        4, ge=2, le=100, description="An alert that starts this many times within `flap_window` is flapping."
    )
    flap_window: Duration = Field(3600.0, description="The time in which starts are counted.")
    flap_calm: Duration = Field(
        900.0, description="A flapping alert keeps firing until nothing has changed for this long."
    )
    startup_grace: Duration = Field(
        60.0, description="How long after startup a missing series is assumed not to be there yet."
    )
    queue_limit: int = Field(
        1000, ge=1, le=100_000, description="Notifications that may wait for one channel; the oldest are dropped."
    )
    state_dir: ConfigPath | None = Field(
        None,
        description="Directory of the state file (mode 0600); default: `energy-collector/alerts` in `$XDG_STATE_HOME` "
        "or `~/.local/state`.",
    )

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        names = [rule.alert for rule in self.rules]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two rules are named {repeated[0]!r}")
        return self

    @property
    def state_folder(self) -> Path:
        """Where alerts and queued notifications are kept."""
        return (self.state_dir or state_home() / "alerts").expanduser()
