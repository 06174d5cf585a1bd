"""JSON objects read from disk."""

from __future__ import annotations

import json
from typing import Any


def parse_document(data: str | bytes) -> dict[str, Any]:
    """Parse a JSON object; raises `ValueError` for anything else, including an object nested too deeply.

    So does a whole number that is too large for a float: whoever computes with it would raise `OverflowError`.
    """
    try:
        document = json.loads(data, parse_int=whole_number)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - one error type for all unusable input
    return document


def whole_number(text: str) -> int:
    """A whole number that a float can hold; raises `ValueError`."""
    number = int(text)
    try:
        float(number)
    except OverflowError:
        raise ValueError(f"a number of {len(text)} digits is too large") from None
    return number
