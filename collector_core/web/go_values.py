"""YAML values as Go's parser takes them, which reads web configuration files for Prometheus' own exporters."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, ValidationInfo
from pydantic_core import PydanticCustomError

from collector_core.config.yamlfile import YamlPath

_YAML11_BOOLEANS = {"yes": True, "on": True, "y": True, "no": False, "off": False, "n": False}
_DURATION = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_LONGEST = (1 << 63) * 1e-9  # seconds: Go's durations are 64-bit nanoseconds

Finding = tuple[YamlPath, str]
"""A place below the section that is checked, and what is wrong there."""


def refusal(*findings: Finding) -> PydanticCustomError:
    """An error for a validator to raise, with everything that is wrong."""
    return PydanticCustomError("web_config", "refused", {"findings": findings})


def text_of(value: object) -> object:
    """Go takes any scalar where text is wanted (`X-XSS-Protection: 1`), and nothing as empty text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _flag(value: object) -> object:
    """Go's parser reads YAML 1.1, where `yes` and `off` are booleans."""
    if isinstance(value, str):
        return _YAML11_BOOLEANS.get(value.lower(), value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise refusal(((), "must be true or false"))
    return value


def section(value: object) -> object:
    """Nothing is an empty section."""
    return {} if value is None else value


def listed(value: object) -> object:
    """Nothing is an empty list."""
    return [] if value is None else value


def _path(value: object, info: ValidationInfo[Path]) -> object:
    text, folder = text_of(value), info.context or Path()
    return (folder / text if text else None) if isinstance(text, str) else text


def one_of(kind: str, *names: str) -> BeforeValidator:
    """A check that a value is one of `names`, which it lists where it is not."""

    def check(value: object) -> object:
        if value not in names:
            raise refusal(((), f"unknown {kind}; known are {', '.join(names)}"))
        return value

    return BeforeValidator(check)


def seconds(value: object) -> object:
    """Go's durations in seconds: `500ms`, `1m30s`; a number without a unit is nanoseconds."""
    text = f"{value}ns" if isinstance(value, int) and abs(value) < 1 << 63 else value
    parts = _DURATION.findall(text) if isinstance(text, str) else []
    if text != "0" and "".join(map("".join, parts)) != text:
        raise refusal(((), "not a duration such as 500ms, 1s or 1m30s"))
    total = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    if total > _LONGEST:
        raise refusal(((), "longer than 292 years"))
    return total


Text = Annotated[str, BeforeValidator(text_of)]
Flag = Annotated[bool, BeforeValidator(_flag)]
File = Annotated[Path | None, BeforeValidator(_path)]
