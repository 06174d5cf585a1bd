"""Which names a new plugin may have."""

from __future__ import annotations

import importlib.util
import keyword
import re

from collector_core.errors import StartupError
from collector_core.plugins.entry_points import entry_point_names

MAX_CHARACTERS = 30

# Prefixes of the metrics that the framework itself publishes.
RESERVED = ("collector", "process", "python")

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def check_name(name: str) -> None:
    """Raises `StartupError` for a name that cannot be a plugin's or belongs to something else."""
    if not _NAME.fullmatch(name) or len(name) > MAX_CHARACTERS:
        rule = f"lower-case letters, digits and single underscores, a letter first, {MAX_CHARACTERS} at most"
        raise StartupError(f"{name!r} cannot be a plugin's name: {rule}{_suggestion(name)}")
    if keyword.iskeyword(name):
        raise StartupError(f"{name!r} cannot be a plugin's name: it is a keyword of Python")
    if name in RESERVED:
        raise StartupError(f"{name!r} cannot be a plugin's name: energy-collector's own metrics start with {name}_")
    if name in entry_point_names():
        raise StartupError(f"a plugin called {name!r} is installed already; `energy-collector list` shows all")
    if importlib.util.find_spec(f"collector_{name}"):
        raise StartupError(f"there is a module called collector_{name} already; choose another name than {name!r}")


def _suggestion(name: str) -> str:
    words = re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower())
    better = "_".join(words).lstrip("0123456789_")[:MAX_CHARACTERS].rstrip("_")
    return f"; try {better}" if better else ""
