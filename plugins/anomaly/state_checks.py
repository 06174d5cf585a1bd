"""Checks of what was saved: its version, and that its numbers are finite."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, TypeGuard

LARGEST = 1e200  # far above anything a detector keeps, and far enough below what overflows in one


def check_saved_state(state: Mapping[str, Any], version: int) -> None:
    """Raises `ValueError` unless `state` has that version and holds only finite numbers, in lists and objects."""
    if not isinstance(state, Mapping) or state.get("version") != version:
        raise ValueError(f"not a detector's state of version {version}")
    if not _holds_numbers(state):
        raise ValueError("the detector's saved state is damaged: it holds something that is not a finite number")


def is_finite(value: object, largest: float = sys.float_info.max) -> TypeGuard[float]:
    """Whether this is a number, and one of at most that magnitude."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= largest


def _holds_numbers(part: object) -> bool:
    if isinstance(part, Mapping):
        return all(_holds_numbers(value) for value in part.values())
    if isinstance(part, list):
        return all(_holds_numbers(value) for value in part)
    return is_finite(part, LARGEST)
