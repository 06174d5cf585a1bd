"""A kernel that is files: what an event has counted on a CPU is in `/perf/EVENT/cpuN`, or the name of an error."""

from __future__ import annotations

import errno
import os

from collector_plugins.perf import Perf


class RecordedEvent:
    """Reads its file each time; one that is empty counts no longer."""

    def __init__(self, file):
        self._file = file
        self.read()

    def read(self):
        text = self._file.read_text().strip() if self._file.exists() else "ENODEV"
        if not text.isdigit():
            number = getattr(errno, text)
            raise OSError(number, os.strerror(number))
        return int(text)

    def close(self):
        pass


class RecordedPerf(Perf):
    """Opens events of the tree."""

    def _open(self, event, cpu):
        return RecordedEvent(self.ctx.path("/perf") / event.name / f"cpu{cpu}")
