"""A process to be killed: hears a run every few milliseconds and delivers it, until its end."""

import json
import sys
import time

from collector_core import Gauge, Published, Readings, Unit
from collector_core.exposition.sources import Exposition
from collector_core.model.clock import SystemClock
from collector_core.outputs.runner import OutputRunner
from collector_core.outputs.sampling import Heard
from collector_core.plugins.discovery import discover
from tests.core.outputs.conftest import make_output_instance

POWER = Gauge("probe_power_watts", "Power.", Unit.WATTS, ("plug",))


def main(plugin, options, seconds):
    cls = discover({plugin}).outputs[plugin]
    options = cls.config_type.model_validate(json.loads(options))
    instance = make_output_instance(cls, options=options, batch_wait=0.05, batch_size=500, queue_max_bytes=10_000_000)
    runner = OutputRunner(instance, Exposition(SystemClock()), SystemClock(), None, str)
    runner.start()
    end = time.time() + float(seconds)
    while time.time() < end:
        now = round(time.time(), 3)
        out = Readings((POWER,), max_series=100)
        for plug in range(20):
            out.add(POWER, now, plug=f"{plug}" * 30)
        runner.hear(Heard(now, (Published("probe", {}, out.snapshot()),)))
        print(now, flush=True)
        time.sleep(0.01)
    runner.stop()
    runner.join(60)


if __name__ == "__main__":
    main(*sys.argv[1:])
