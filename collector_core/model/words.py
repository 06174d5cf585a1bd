"""Words in declarations: snake_case, as Prometheus writes names."""

from __future__ import annotations

import re

_SNAKE_CASE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def is_snake_case(word: object) -> bool:
    """Whether this is text such as `volt_amperes`: lower-case words and digits joined by single underscores."""
    return isinstance(word, str) and _SNAKE_CASE.fullmatch(word) is not None


_HIDDEN = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}
_HIDDEN |= {code: f"\\u{code:04x}" for code in (*range(0x2028, 0x202F), *range(0x2066, 0x206A))}


def visible(text: str) -> str:
    """A text from outside for people's eyes: control characters, and those that turn the direction, as escapes.

    Line feeds and tabs stay.
    """
    return text.translate(_HIDDEN)
