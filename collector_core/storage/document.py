"""JSON objects that come from a disk."""

from __future__ import annotations

import json
from typing import Any


def parse_document(data: str | bytes) -> dict[str, Any]:
    """A JSON object; raises `ValueError` for everything else, also for one that is nested too deeply."""
    try:
        document = json.loads(data)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - as for all that cannot be used
    return document
