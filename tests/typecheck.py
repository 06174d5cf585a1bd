"""Runs mypy strict on the framework, the plugins and the dashboards' code: `python -m tests.typecheck`.

mypy does not know that the folder `plugins` installs as `collector_plugins`, so it is shown a folder where it does.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main() -> int:
    """Returns mypy's exit code."""
    folder = ROOT / ".mypy_cache" / "packages"
    folder.mkdir(parents=True, exist_ok=True)
    for name, target in (
        ("collector_core", "collector_core"),
        ("collector_plugins", "plugins"),
        ("grafana", "grafana"),
    ):
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(ROOT / target)
    command = [sys.executable, "-m", "mypy", "--config-file", ROOT / "pyproject.toml", "--cache-dir", folder.parent]
    return subprocess.run(command, check=False, cwd=folder, env=os.environ | {"MYPYPATH": str(folder)}).returncode


if __name__ == "__main__":
    sys.exit(main())
