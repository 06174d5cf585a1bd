"""Saved states: the version, and that nothing but finite numbers is in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LARGEST = 1e200  # far above what a detector keeps, and far enough below what overflows


def check(state: Mapping[str, Any], version: int) -> None:
    """Raise `ValueError` unless `state` is of that version and holds only finite numbers, in lists and objects."""
    if not isinstance(state, Mapping) or state.get("version") != version:
        raise ValueError(f"not a detector's state of version {version}")
    if not _numbers(state):
        raise ValueError("the detector's saved state is damaged: it holds what is not a number")


def _numbers(part: object) -> bool:
    if isinstance(part, Mapping):
        return all(_numbers(value) for value in part.values())
    if isinstance(part, list):
        return all(_numbers(value) for value in part)
    return isinstance(part, int | float) and not isinstance(part, bool) and abs(part) <= LARGEST
