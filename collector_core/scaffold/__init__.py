"""Writes the distribution of a new plugin: a folder of templates, filled in."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from string import Template

from collector_core.errors import StartupError
from collector_core.installed import installed_version
from collector_core.plugins.api_version import API_VERSION
from collector_core.scaffold.names import check_name

TEMPLATES = Path(__file__).parent / "templates"


class Kind(StrEnum):
    """What a new plugin reads, and how."""

    FILES = "files"
    COROUTINES = "coroutines"
    HTTP = "http"

    @property
    def folders(self) -> list[Path]:
        """Where its templates are; a later one replaces those before."""
        names = {Kind.COROUTINES: ("common", "files", "coroutines")}.get(self, ("common", self.value))
        return [TEMPLATES / name for name in names]


def write_distribution(name: str, folder: Path, kind: Kind = Kind.FILES) -> Path:
    """Write `collector-NAME` into `folder` and return its path; all of it or nothing, and over nothing.

    Raises `StartupError` for a bad or taken name, a folder that is there already, and where nothing can be written.
    """
    check_name(name)
    target = folder / f"collector-{name}"
    try:
        _check_free(target)
        with tempfile.TemporaryDirectory(prefix=".new-plugin-", dir=folder) as scratch:
            made = Path(scratch) / target.name
            _fill(made, name, kind.folders)
            made.rename(target)
    except OSError as error:
        raise StartupError(f"cannot write {target}: {error.strerror or error}") from error
    return target


def _check_free(target: Path) -> None:
    empty = target.is_dir() and not target.is_symlink() and not any(target.iterdir())
    if (target.exists() or target.is_symlink()) and not empty:
        raise StartupError(f"{target} exists already: choose another name or another --dir")


def _fill(target: Path, name: str, templates: list[Path]) -> None:
    values = {
        "name": name,
        "collector": "".join(word.capitalize() for word in name.split("_")) + "Collector",
        "version": installed_version("energy-collector"),
        "api": str(API_VERSION),
    }
    for template, path in _files(templates):
        file = target / path.replace("NAME", name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(Template(template.read_text(encoding="utf-8")).substitute(values), encoding="utf-8")


def _files(templates: list[Path]) -> Iterator[tuple[Path, str]]:
    """Every template and the path of the file it makes; `dot-` and `.in` keep tools from taking templates for real."""
    for folder in templates:
        for template in sorted(path for path in folder.rglob("*") if path.is_file()):
            path = template.relative_to(folder).as_posix()
            yield template, path.replace("dot-", ".").removesuffix(".in")
