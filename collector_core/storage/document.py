"""JSON objects read from disk."""

from __future__ import annotations

import json
from typing import Any


def parse_document(data: str | bytes) -> dict[str, Any]:
    """Parse a JSON object; raises `ValueError` for anything else, including an object nested too deeply."""
    try:
        document = json.loads(data)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - one error type for all unusable input
    return document
