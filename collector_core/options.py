"""What options are made of: sections, durations, paths, selectors."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

from collector_core.model.selector import Selector

MAX_ENV_BYTES = 64 << 10
_ENV_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)", re.DOTALL)
_ENV_QUOTED = re.compile(r"""(['"])(.*?)\1\s*(?:#.*)?""")
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|)\s*")
_SECONDS = {"ms": 0.001, "": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_OURS = ("collector_core.", "collector_plugins.")


def parse_duration(value: object) -> float:
    """A duration as people write it (`500ms`, `5s`, `2m`, `1h`, `1d`, or a number of seconds) in seconds.

    A number may be text, too: an environment variable holds nothing else.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("a duration is a number with a unit: 500ms, 5s, 2m, 1h")
    return float(match[1]) * _SECONDS[match[2]]


Duration = Annotated[float, BeforeValidator(parse_duration), Field(ge=0.01, le=86400, allow_inf_nan=False)]
"""The type of an option that is a duration: 0.01 to 86400 seconds, written as `500ms`, `5s`, `2m`, `1h` or a number."""

CENTURY = 100 * 365 * 86_400.0
Period = Annotated[float, BeforeValidator(parse_duration), Field(gt=0, le=CENTURY, allow_inf_nan=False)]
"""The type of an option that is a duration of up to a century, in seconds, written likewise."""


class Options(BaseModel):
    """A section of options, or a document of that kind: subclass it, one field per key.

    Unknown keys are errors, values never change, and messages do not repeat what was given.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    def __init_subclass__(cls, **config: Any) -> None:
        """Ours are built when they are first used, as most are never configured; others at import, which may fail."""
        super().__init_subclass__(**config)
        cls.model_config["defer_build"] = cls.__module__.startswith(_OURS)


FOLDER = "folder"  # the key in pydantic's context that says where the configuration file is


def _beside_the_file(path: Path, info: ValidationInfo) -> Path:
    return Path((info.context or {}).get(FOLDER, "")) / path


ConfigPath = Annotated[Path, AfterValidator(_beside_the_file)]
"""The type of an option that names a file: a relative path is below the folder of the configuration file."""


def _checked(text: str) -> str:
    Selector.parse(text)
    return text


SelectorText = Annotated[str, AfterValidator(_checked)]
"""The type of an option that is a selector, as text for `Selector.parse`: a bad one is an error with its place."""


def _time_zone(name: str) -> str:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415 - few configurations name one

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("is not a time zone such as Europe/Oslo or UTC") from None
    return name


TimeZoneName = Annotated[
    str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$"), AfterValidator(_time_zone)
]
"""The type of an option that names a zone, such as `Europe/Oslo`, for `zoneinfo.ZoneInfo`."""


def _calendar_day(text: str) -> str:
    try:
        date.fromisoformat(text if len(text) > len("12-25") else f"2000-{text}")  # a leap year
    except ValueError:
        raise ValueError("is not a day such as 12-25 or 2026-04-03") from None
    return text


CalendarDay = Annotated[str, AfterValidator(_calendar_day)]
"""The type of an option that is a day: `12-25` in every year, `2026-04-03` in one."""


def parse_env(text: str) -> dict[str, str]:
    """`NAME=value` lines: `export`, quotes and comments behind values are allowed, and the last of several wins.

    A name whose value is empty is left out.
    """
    found: dict[str, str] = {}
    for line in text.splitlines():
        if match := _ENV_LINE.fullmatch(line.strip()):
            quoted = _ENV_QUOTED.fullmatch(match[2])
            found[match[1]] = quoted[2] if quoted else re.split(r"(?:^|\s)#", match[2], maxsplit=1)[0].strip()
    return {name: value for name, value in found.items() if value}


def read_env_file(file: Path) -> dict[str, str]:
    """The values in a file, as `parse_env` has them; raises `ValueError` where it cannot be read."""
    try:
        with file.open("rb") as stream:
            raw = stream.read(MAX_ENV_BYTES + 1)
        if len(raw) > MAX_ENV_BYTES:
            raise ValueError(f"{file}: larger than {MAX_ENV_BYTES} bytes")
        return parse_env(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ValueError(f"{file}: not UTF-8") from None
    except OSError as error:
        raise ValueError(f"{file}: {error.strerror or error}") from None
