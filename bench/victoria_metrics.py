"""VictoriaMetrics with an empty store, fed by remote write."""

from __future__ import annotations

import shutil
import struct
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path

from bench.figures import MissingProgramError
from bench.processes import Process
from bench.programs import free_port
from collector_core.history.points import Points
from collector_core.wire.protobuf import varint
from collector_core.wire.snappy import wrap

_START_SECONDS = 20.0
_SAMPLE = struct.Struct("<3sdc6s")  # a sample of the wire format, whose time has six bytes


class VictoriaMetrics:
    """A running one; times are in milliseconds."""

    def __init__(self, url: str, process: Process) -> None:
        self._url = url
        self.process = process

    def get(self, path: str) -> bytes:
        """The answer to a request."""
        return self._request(path)

    def write(self, labels: Mapping[str, str], points: Points) -> None:
        """Give it readings of a series."""
        body = b"".join(
            _field(1, _field(1, name.encode()) + _field(2, value.encode())) for name, value in labels.items()
        )
        times = [varint(each) for each in points.times]
        samples = b"".join(map(_SAMPLE.pack, repeat(b"\x12\x10\x09"), points.values, repeat(b"\x10"), times))
        self._request("/api/v1/write", wrap(_field(1, body + samples)))

    def bytes_a_row(self) -> float:
        """What each reading takes on disk once all is merged, as far as it tells."""
        self.get("/internal/force_flush")
        self.get("/internal/force_merge")
        time.sleep(1)  # it merges in the background, and tells nobody when it is done
        return self._sum("vm_data_size_bytes") / self._sum("vm_rows")

    def _sum(self, name: str) -> float:
        lines = self.get("/metrics").decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f'{name}{{type="storage/'))

    def _request(self, path: str, body: bytes | None = None) -> bytes:
        headers = {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf"} if body else {}
        request = urllib.request.Request(self._url + path, data=body, headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            found: bytes = answer.read()
            return found


@contextmanager
def running(folder: Path) -> Iterator[VictoriaMetrics]:
    """Started with an empty folder, and ended."""
    if not shutil.which("victoria-metrics"):
        raise MissingProgramError("victoria-metrics is not installed; apt-get install victoria-metrics")
    port = free_port()
    options = (f"-storageDataPath={folder}", f"-httpListenAddr=127.0.0.1:{port}", "-retentionPeriod=100y")
    limits = ("-search.maxPointsPerTimeseries=1000000", "-search.disableCache")
    with Process(["victoria-metrics", *options, *limits]) as process:
        found = VictoriaMetrics(f"http://127.0.0.1:{port}", process)
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                found.get("/health")
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        yield found


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + varint(len(content)) + content
