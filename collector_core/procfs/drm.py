"""GPUs that programs have open, as the kernel's DRM tells of them: https://docs.kernel.org/gpu/drm-usage-stats.html."""

from __future__ import annotations

import os
from collections.abc import Iterator

from collector_core.procfs.files import read_file

_DEVICES = "/dev/dri/"
_BYTES = 8192


def read_gpu_uses(process: str) -> Iterator[bytes]:
    """The fdinfo of each descriptor that is a GPU's, of the process with this folder; empty if it was just closed.

    Raises `OSError` where the process has ended, or may not be looked at.
    """
    for descriptor in os.listdir(f"{process}/fd"):  # noqa: PTH208 - of every process
        try:
            is_gpu = os.readlink(f"{process}/fd/{descriptor}").startswith(_DEVICES)  # noqa: PTH115
        except OSError:
            continue
        if is_gpu:
            yield _read_fdinfo(f"{process}/fdinfo/{descriptor}")


def _read_fdinfo(file: str) -> bytes:
    try:
        return read_file(file, _BYTES)
    except OSError:
        return b""
