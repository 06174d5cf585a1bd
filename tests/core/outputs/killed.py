"""A process to be killed: hears a run every few milliseconds, says which of them are on disk, and delivers them."""

import json
import os
import time
from collections import deque
from collections.abc import Callable

from collector_core import Gauge, Published, Readings, Unit
from collector_core.exposition.sources import Exposition
from collector_core.model.clock import SystemClock
from collector_core.outputs.health import Drop
from collector_core.outputs.runner import OutputRunner
from collector_core.outputs.sampling import Heard
from collector_core.plugins.discovery import discover
from tests.core.outputs.conftest import make_output_instance

POWER = Gauge("probe_power_watts", "Power.", Unit.WATTS, ("plug",))
PLUGS = 20
RUN_SECONDS = 0.005
DRAIN_SECONDS = 120.0


def main(plugin, options, runs, queue_max_bytes, state, connection):
    """So many runs, then until everything is delivered; what is lost on purpose is said at the end."""
    os.environ["XDG_STATE_HOME"] = str(state)
    cls = discover({plugin}).outputs[plugin]
    options = cls.config_type.model_validate(json.loads(options))
    instance = make_output_instance(
        cls, options=options, batch_wait=0.05, batch_size=500, queue_max_bytes=queue_max_bytes
    )
    runner = OutputRunner(instance, Exposition(SystemClock()), SystemClock(), None, str)
    heard = tell_what_is_kept(runner, connection.send)
    runner.start()
    for _ in range(runs):
        now = round(time.time(), 3)
        out = Readings((POWER,), max_series=100)
        for plug in range(PLUGS):
            out.add(POWER, now, plug=f"{plug}" * 30)
        heard.append(now)
        runner.hear(Heard(now, (Published("probe", {}, out.snapshot()),)))
        time.sleep(RUN_SECONDS)
    end = time.monotonic() + DRAIN_SECONDS
    while (heard or not runner.health.up or runner.health.queue_records) and time.monotonic() < end:
        time.sleep(0.02)
    runner.stop()
    runner.join(60)
    connection.send({reason.value: runner.health.dropped[reason] for reason in Drop if runner.health.dropped[reason]})


def tell_what_is_kept(runner, tell: Callable[[object], None]):
    """Calls `tell` with the time of each run that has reached the disk; returns where times of runs are to be put."""
    heard, unsaved, buffer = deque(), deque(), runner._buffer
    append, save = buffer.append, buffer.save

    def tell_saved():
        while unsaved and not buffer._unsaved:
            tell(unsaved.popleft())

    def append_and_tell(*arguments, **options):
        append(*arguments, **options)
        unsaved.append(heard.popleft())
        tell_saved()

    def save_and_tell():
        save()
        tell_saved()

    buffer.append, buffer.save = append_and_tell, save_and_tell
    return heard
