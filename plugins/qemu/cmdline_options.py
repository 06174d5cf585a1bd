"""QEMU's own notations for options: `key=value,…` on the command line and sections in `-readconfig` files."""

from __future__ import annotations

import re
from collections.abc import Iterator

_PART = re.compile(r"(?:[^,]|,,)*")  # up to the next single comma
_SECTION = re.compile(r'\[\s*([^\s\]"]+)(?:\s+"[^"]*")?\s*\]')
_SETTING = re.compile(r'([^\s=]+)\s*=\s*"([^"]*)"')


def parse(text: str, implied: str) -> dict[str, str]:
    """`4,sockets=2` → `{implied: "4", "sockets": "2"}`; `,,` is a comma and a word alone is a switch that is on.

    The format of `-name`, `-smp`, `-machine` and others: qemu-options.hx and util/qemu-option.c of QEMU.
    """
    settings: dict[str, str] = {}
    for place, part in enumerate(_parts(text)):
        key, equals, value = part.partition("=")
        if equals and "," not in key:
            settings[key] = value.replace(",,", ",")
        elif place == 0:
            settings[implied] = part.replace(",,", ",")
        else:
            settings[part] = "on"
    return settings


def sections(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The `[group "id"]` sections of a `-readconfig` file with their settings; what is neither is skipped.

    The format is that of util/qemu-config.c: one `key = "value"` a line, `#` begins a comment.
    """
    group, settings = "", dict[str, str]()
    for line in map(str.strip, text.splitlines()):
        if heading := _SECTION.fullmatch(line):
            yield group, settings
            group, settings = heading[1], {}
        elif setting := _SETTING.fullmatch(line):
            settings[setting[1]] = setting[2]
    yield group, settings


def _parts(text: str) -> Iterator[str]:
    start = 0
    while start <= len(text):
        match = _PART.match(text, start)
        assert match is not None  # noqa: S101 - it matches the empty text
        yield match[0]
        start = match.end() + 1
