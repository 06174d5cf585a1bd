"""Programs that tell what the system's own interfaces keep to themselves."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

from collector_core.errors import NotAvailable, Reason

MOST_CHARACTERS = 200  # of what a program complains of


def run_program(words: Sequence[str], seconds: float, *, fix: str) -> bytes:
    """What a program prints; it is ended after so many seconds, and `fix` helps where it is missing or fails.

    Raises `NotAvailable`.
    """
    name = words[0]
    try:
        done = subprocess.run(  # noqa: S603 - words of a plugin's own
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
    except FileNotFoundError:
        raise NotAvailable(Reason.NOT_FOUND, f"there is no program {name}", fix=fix) from None
    except subprocess.TimeoutExpired:
        raise NotAvailable(Reason.TIMEOUT, f"{name} does not end within {seconds:g} s", fix="raise `timeout`") from None
    except OSError as error:
        raise NotAvailable(Reason.PERMISSION, f"{name} cannot be run: {error.strerror}", fix=fix) from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()[:MOST_CHARACTERS] or f"exit code {done.returncode}"
        raise NotAvailable(Reason.PERMISSION, f"{name}: {said}", fix=fix)
    return done.stdout
