"""Virtual environments for tests that install something: new ones with nothing in them, or beside the running one."""

from __future__ import annotations

import os
import site
import subprocess
import sys
from pathlib import Path

INSTALL = ("-m", "pip", "--disable-pip-version-check", "install", "--quiet")


def new_venv(folder: Path, python: str | Path = sys.executable) -> Path:
    """Make an environment without pip, which takes a tenth of the time; returns its Python."""
    subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True, timeout=120)
    return folder / "bin/python"


def install_into(python: Path, *what: str | Path) -> None:
    """Let the running environment's pip install something into the environment of `python`."""
    command = [sys.executable, "-m", "pip", "--python", python, *INSTALL[2:], "--no-compile", *what]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def venv_beside(folder: Path, *commands: str) -> Path:
    """Make an environment that sees all that the running one has, editable or not, with these of its commands."""
    python = new_venv(folder)
    (packages,) = folder.glob("lib/python*/site-packages")
    # No plain paths: those would leave out what is installed as editable.
    lines = (f"import site; site.addsitedir({path!r})\n" for path in site.getsitepackages())
    (packages / "beside.pth").write_text("".join(lines))
    for command in commands:
        _copy_command(command, python)
    return python


def environment_of(python: Path) -> dict[str, str]:
    """Environment variables as after `source bin/activate`."""
    path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
    return os.environ | {"PATH": path, "VIRTUAL_ENV": str(python.parents[1]), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def _copy_command(name: str, python: Path) -> None:
    content = Path(sys.executable).with_name(name).read_bytes()
    if content.startswith(b"#!"):
        content = b"#!" + bytes(python) + content[content.index(b"\n") :]
    copy = python.with_name(name)
    copy.write_bytes(content)
    copy.chmod(0o755)
