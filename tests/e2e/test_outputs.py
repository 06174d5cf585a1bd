"""A receiver that hangs keeps no program from ending; what waits is there afterwards."""

import gzip
import time

from tests.http_receiver import http_receiver  # noqa: F401 - a fixture

CONFIG = """
collectors: {{system: {{interval: 200ms}}}}
history: off
outputs:
  influx:
    series: [system_boot_time_seconds]
    timeout: 60s
    batch_wait: 10ms
    options: {{url: "{url}", bucket: energy}}
"""
RUNS = 'collector_runs_total{collector="system",plugin="system",result="ok"}'
UP, WAITING = 'collector_output_up{output="influx"}', 'collector_output_queue_bytes{output="influx"}'


def times(posted):
    """When the samples of a request were read, in milliseconds."""
    return [int(line.rpartition(b" ")[2]) for line in gzip.decompress(posted.body).splitlines()]


def test_what_waits_for_a_receiver_that_hangs_outlives_the_end(collector, http_receiver, tmp_path, eventually):  # noqa: F811
    environment = {"XDG_STATE_HOME": str(tmp_path / "state")}
    http_receiver.gate.clear()
    program = collector(CONFIG.format(url=http_receiver.url), env=environment)
    eventually(lambda: http_receiver.posted)
    eventually(lambda: program.samples()[RUNS] > 4 and program.samples()[WAITING])
    before = program.samples()
    assert before[UP] == 0
    assert program.stop() == 0
    ended = time.time() * 1000
    unanswered = len(http_receiver.posted)
    http_receiver.gate.set()
    program = collector(CONFIG.format(url=http_receiver.url), env=environment)
    eventually(lambda: program.samples()[UP] == 1 and program.samples()[WAITING] == 0)
    arrived = [each for posted in http_receiver.posted[unanswered:] for each in times(posted)]
    assert sum(each < ended for each in arrived) >= before[RUNS] - 1, "the first run may be lost, and nothing else"
    assert arrived == sorted(set(arrived)), "each once, in order"
    assert program.stop() == 0
