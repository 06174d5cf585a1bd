"""Golden files: what a program should say, kept in a file that `pytest --update-golden` writes anew."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Golden:
    """Compares texts with files, or writes the files where `update` is set; the fixture is `collector_golden`."""

    update: bool = False

    def check(self, text: str, file: Path) -> None:
        """Raises `AssertionError` with the differences when `file` does not say `text`."""
        expected = file.read_text(encoding="utf-8") if file.exists() else ""
        if text == expected:
            return
        if not self.update:
            raise AssertionError(_difference(file, expected, text))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def _difference(file: Path, expected: str, text: str) -> str:
    lines = difflib.unified_diff(expected.splitlines(), text.splitlines(), str(file), "this run", lineterm="")
    return "\n".join([f"{file.name} says something else; `pytest --update-golden` writes it anew", *lines])
