"""`python -m bench.soak HOURS [COLLECTOR…]`: the demo with a history, scraped each second of so many simulated hours.

Only these collectors, if any are named. Prints a line of JSON for each hour: MiB resident, blocks that Python has
allocated, and seconds of CPU so far.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from tempfile import TemporaryDirectory

from collector_core.demo.past import keep_past
from collector_core.engine.app import App
from collector_core.exposition.formats import negotiate
from collector_core.history.metrics import METRICS
from collector_core.history.service import HistoryService
from collector_core.procfs import KeptFile
from collector_core.testing import FakeClock

HOUR = 3600
GZIP = negotiate("text/plain", "gzip")


def main(hours: int, names: Sequence[str]) -> None:
    """Let time pass."""
    clock = FakeClock(wall_time=time.time())
    with TemporaryDirectory(prefix="bench-") as folder:
        os.environ["XDG_STATE_HOME"] = folder
        keep_past()
        with _demo(clock, names) as (app, history):
            for second in range(1, hours * HOUR + 1):
                _run(app, history, second)
                clock.advance(1)
                if second % HOUR == 0:
                    print(json.dumps(_memory(second // HOUR)), flush=True)


@contextmanager
def _demo(clock: FakeClock, names: Sequence[str]) -> Iterator[tuple[App, HistoryService]]:
    """The app and its history, none of whose threads looks at the time of day: they are told when it is time."""
    app = App(demo=True, clock=clock)
    app.load()
    if names:
        app.runners = {name: app.runners[name] for name in names}
    options = app.config.settings.history
    assert options is not None
    history = HistoryService(options.of_demo, clock, app.exposition.source("history", METRICS).publish)
    history.record_event("start", "bench", "started")
    app.history.service = history
    yield app, history
    app.history.service = None
    app.stop()
    history.store.close()


def _run(app: App, history: HistoryService, second: int) -> None:
    for runner in app.runners.values():
        if second % runner.instance.interval == 0:
            runner.run_now()
    app.watchdog.tick()
    app.exposition.body(GZIP)
    if second % history.options.flush == 0:
        history.write()


def _memory(hour: int) -> dict[str, float]:
    gc.collect()
    pages = int(KeptFile("/proc/self/statm", is_kernels=True).read().split()[1])
    mebibytes = pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
    return {"hour": hour, "MiB": mebibytes, "blocks": sys.getallocatedblocks(), "CPU": time.process_time()}


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
