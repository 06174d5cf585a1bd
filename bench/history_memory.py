"""`python -m bench.history_memory on|off SERIES HOURS`: keep or only observe; print KiB of memory."""

from __future__ import annotations

import sys
from array import array
from pathlib import Path
from tempfile import TemporaryDirectory

import collector_core.engine
import collector_core.web  # noqa: F401 - what every process has
from collector_core import Gauge, Unit
from collector_core.history.options import HistoryOptions
from collector_core.model.readings import Layout, Snapshot
from collector_core.model.result import Result
from collector_core.model.run_report import RunReport
from collector_core.storage.sqlite import Database  # noqa: F401 - the books of energy have one
from collector_core.testing import FakeClock

POWER = Gauge("lamp_power_watts", "Power.", Unit.WATTS, ("plug",), topic="power", of="plug")
STEP = 10
EVENING = 1_780_000_000 // 86_400 * 86_400 + 22 * 3600.0  # a day ends soon, and is compacted


def main(series: int, hours: int, folder: Path | None) -> None:
    """Observe that many series for so long."""
    clock = FakeClock()
    clock.wall_time = EVENING
    service = None
    if folder:
        from collector_core.history.service import HistoryService  # noqa: PLC0415 - not without a history

        service = HistoryService(HistoryOptions(path=folder), clock, lambda _: None)
    layout = Layout({POWER: [(str(number),) for number in range(series)]})
    for tick in range(hours * 3600 // STEP):
        values = array("d", [100 + (tick * 7919 + number * 104_729) % 1000 / 10 for number in range(series)])
        now = clock.time(), clock.monotonic()
        report = RunReport("lamp", "lamp", Result.OK, 0.1, *now, {}, Snapshot(layout, values))
        if service:
            service.observe(report, 30.0)
            service.write()
        clock.advance(STEP)
    print(_most_resident())


def _most_resident() -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1])
    raise SystemExit("the system does not say how much memory a process had")


if __name__ == "__main__":
    with TemporaryDirectory(prefix="bench-") as temporary:
        main(int(sys.argv[2]), int(sys.argv[3]), Path(temporary) if sys.argv[1] == "on" else None)
