"""Which version of the public API this is, and whether a plugin asks for a newer one."""

from __future__ import annotations

import contextlib
import importlib.util
import re
from typing import Any

from collector_core.errors import DeclarationError, NewerApiNeeded
from collector_core.installed import installed_version

# Grows by one with a release that adds names to the public API or takes some away.
API_VERSION = 1

UPGRADE = "pip install --upgrade energy-collector"

_STATED = re.compile(r"^REQUIRES_API(?:\s*:[^=\n]+)?\s*=\s*(\d+)\b", re.MULTILINE)


def check_required(module: Any) -> None:
    """Raises `DeclarationError` when a plugin's `REQUIRES_API` is newer than `API_VERSION` or no whole number."""
    required = getattr(module, "REQUIRES_API", API_VERSION)
    if type(required) is not int:
        raise DeclarationError(f"REQUIRES_API must be a whole number, got {required!r}")
    _compare(required)


def check_source(module: str) -> None:
    """As `check_required`, for a module whose import failed: a name that is missing here fails before REQUIRES_API."""
    stated = _STATED.search(_source(module))
    if stated:
        _compare(int(stated[1]))


def _compare(required: int) -> None:
    if required > API_VERSION:
        installed = f"energy-collector {installed_version('energy-collector')} has version {API_VERSION}"
        raise NewerApiNeeded(f"needs version {required} of the plugin API, {installed}: {UPGRADE}")


def _source(module: str) -> str:
    with contextlib.suppress(Exception):  # whatever a broken plugin's parent package raises
        spec = importlib.util.find_spec(module)
        get_source = getattr(spec and spec.loader, "get_source", None)  # `importlib.abc` brings tempfile and shutil
        return str(get_source(module) or "") if get_source else ""
    return ""
