"""Which `*.prom` files there are."""

from __future__ import annotations

import os
from collections.abc import Iterable
from glob import glob, has_magic
from pathlib import Path

SUFFIX = ".prom"


def expand(patterns: Iterable[str]) -> list[Path]:
    """Folders that shell patterns mean, each once; a path without wildcards need not exist."""
    found = (match for pattern in patterns for match in _matches(pattern))
    return [Path(path) for path in dict.fromkeys(map(os.path.normpath, found))]


def prom_files(folder: Path) -> list[Path]:
    """Everything in a folder that is called `*.prom`, by name; raises `OSError`."""
    return sorted(path for path in folder.iterdir() if path.name.endswith(SUFFIX))


def _matches(pattern: str) -> list[str]:
    return sorted(glob(pattern)) if has_magic(pattern) else [pattern]  # noqa: PTH207 - Path.glob has no absolute patterns
