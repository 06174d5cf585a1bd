"""`python -m grafana.build [--check]`: write the dashboards' JSON, or say which files differ from the code."""

from __future__ import annotations

import sys
from pathlib import Path

from grafana.build.catalogue import DASHBOARDS

FOLDER = Path(__file__).parents[1] / "dashboards"


def drift(folder: Path = FOLDER) -> list[str]:
    """Names of files that are missing, differ from what the code says, or belong to no dashboard."""
    wanted = {dashboard.file_name: dashboard.text() for dashboard in DASHBOARDS}
    there = {file.name: file.read_text(encoding="utf-8") for file in folder.glob("*.json")}
    return sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))


def write(folder: Path = FOLDER) -> None:
    """Write all dashboards; files that belong to none go."""
    wanted = {dashboard.file_name for dashboard in DASHBOARDS}
    for dashboard in DASHBOARDS:
        (folder / dashboard.file_name).write_text(dashboard.text(), encoding="utf-8")
    for file in folder.glob("*.json"):
        if file.name not in wanted:
            file.unlink()


def main() -> int:
    """Returns the exit code: 1 where `--check` finds a difference."""
    if sys.argv[1:] not in ([], ["--check"]):
        print("usage: python -m grafana.build [--check]", file=sys.stderr)
        return 2
    if not sys.argv[1:]:
        write()
    changed = drift()
    if changed:
        print(f"differ from grafana/build, run `make dashboards`: {', '.join(changed)}", file=sys.stderr)
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())
