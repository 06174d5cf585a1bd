"""Which threads share a core and which cores a socket, from sysfs: the same files on every architecture.

Format: https://docs.kernel.org/admin-guide/cputopology.html
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_SIBLINGS = ("core_cpus_list", "thread_siblings_list", "core_id")  # the same under two names, and what is left without


class CorePlace(NamedTuple):
    """One core: its socket, and what tells it from the others there."""

    package: str
    core: str


def read_topology(directory: Path) -> Mapping[str, CorePlace]:
    """The place of each CPU by its number, below a `/sys/devices/system/cpu`; a CPU that has none is left out."""
    found: dict[str, CorePlace] = {}
    with suppress(OSError):
        for folder in directory.glob("cpu[0-9]*/topology"):
            core = next((said for name in _SIBLINGS if (said := _read(folder / name))), "")
            if core:
                found[folder.parent.name.removeprefix("cpu")] = CorePlace(_read(folder / "physical_package_id"), core)
    return found


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
