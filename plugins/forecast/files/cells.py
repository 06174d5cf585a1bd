"""Reads numbers as people write them: decimal points or commas, thousands set apart, and words for nothing."""

from __future__ import annotations

import re
from math import isfinite

MISSING = frozenset({"", "?", "na", "n/a", "nan", "null", "none", "-", "unavailable", "unknown"})
_DECIMAL_COMMA = re.compile(r"[+-]?(\d*|\d{1,3}(\.\d{3})+),\d+")
_COMMAS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
_DOTS = re.compile(r"[+-]?\d{1,3}(\.\d{3})+")
_SPACES = str.maketrans("", "", " '’\u00a0\u202f")


def parse_number(text: str, *, decimal_comma: bool = False) -> float | None:
    """The number in a cell, None where there is none, or one that is not finite; raises `ValueError` for other text.

    Where the decimals of a file have a comma, dots set thousands apart.
    """
    try:
        value = float(_plain(text.translate(_SPACES), decimal_comma=decimal_comma))
    except ValueError:
        if text.lower() in MISSING:
            return None
        raise ValueError(f"{text[:40]!r} is not a number") from None
    return value if isfinite(value) else None


def is_number(text: str, *, decimal_comma: bool = False) -> bool:
    """Whether it is read as a number, or as none."""
    try:
        parse_number(text, decimal_comma=decimal_comma)
    except ValueError:
        return False
    return True


def has_decimal_comma(text: str, separator: str) -> bool:
    """Whether it is a number such as 7,5 or 1.234,5; 1,234 is one only where commas do not separate the cells."""
    number = text.translate(_SPACES)
    return bool(_DECIMAL_COMMA.fullmatch(number)) and not (separator == "," and _COMMAS.fullmatch(number))


def _plain(number: str, *, decimal_comma: bool) -> str:
    """As `float` reads it."""
    if decimal_comma and _DOTS.fullmatch(number):
        return number.replace(".", "")
    if "," not in number:
        return number
    if not decimal_comma and _COMMAS.fullmatch(number):
        return number.replace(",", "")
    return number.replace(".", "").replace(",", ".") if _DECIMAL_COMMA.fullmatch(number) else number
