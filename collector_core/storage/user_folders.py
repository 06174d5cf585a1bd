"""Where a user's programs keep their files, by the XDG Base Directory Specification."""

from __future__ import annotations

import os
from pathlib import Path

OURS = "energy-collector"


def data_home() -> Path:
    """Our folder for what the user would miss: below `$XDG_DATA_HOME`, or `~/.local/share`."""
    return _base("XDG_DATA_HOME", ".local/share") / OURS


def state_home() -> Path:
    """Our folder for what should outlive a restart: below `$XDG_STATE_HOME`, or `~/.local/state`."""
    return _base("XDG_STATE_HOME", ".local/state") / OURS


def _base(variable: str, default: str) -> Path:
    """What the variable says; a relative path is to be ignored."""
    folder = Path(os.environ.get(variable, ""))
    return folder if folder.is_absolute() else Path.home() / default
