"""One output: hears runs, keeps their samples in its queue and delivers them, on threads of its own."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from collector_core.config.outputs import OutputInstance
from collector_core.errors import explain
from collector_core.exposition.sources import Exposition
from collector_core.model.clock import Clock
from collector_core.model.readings import NOTHING
from collector_core.output import BaseOutput, PayloadOutput, SampleBlock
from collector_core.outputs.buffer import Buffer
from collector_core.outputs.codec import Codec, codec_of
from collector_core.outputs.delivery import Delivery
from collector_core.outputs.health import METRICS, Drop, OutputHealth
from collector_core.outputs.newest import NewestBuffer
from collector_core.outputs.sampling import Heard, SamplingWindow
from collector_core.outputs.single_call import build_output, selection_of
from collector_core.outputs.window_file import WindowFile, WindowKeeper
from collector_core.polling.fault_log import FaultLog
from collector_core.polling.own_thread import start_thread
from collector_core.storage.user_folders import state_home

LONGEST_SLEEP = 5.0  # seconds; a suspended machine's clock moves on while a sleep does not
MAX_RUNS_WAITING = 4096  # until the output's thread looks at them
HEALTH_INTERVAL = 1.0  # seconds between two looks at the age of the oldest record
QUEUE, INTERVAL = "queue", "interval"  # the names of their faults in the log


class OutputRunner:
    """Runs one output.

    Its thread takes what it hears to the queue, and is never kept waiting by the receiver: deliveries have threads of
    their own.
    """

    def __init__(
        self, instance: OutputInstance, exposition: Exposition, clock: Clock, root: Path, redact: Callable[[str], str]
    ) -> None:
        self.instance = instance
        self.health = OutputHealth(instance.name)
        self._build = partial(build_output, instance, clock, root, redact)
        self._clock = clock
        self._faults = FaultLog(logging.getLogger(f"output.{instance.name}"))
        self._heard: deque[Heard] = deque(maxlen=MAX_RUNS_WAITING)
        self._buffer = _buffer_of(instance, self._count_drop)
        self._woken = threading.Event()
        self._delivery = Delivery(instance, self._buffer, self.health, clock, self._faults, self._woken.set)
        self._output: BaseOutput[Any] | None = None
        self._codec: Codec | None = None
        self._window: SamplingWindow | None = None
        self._keeper: WindowKeeper | None = None
        self._has_recovered = False
        self._shown = NOTHING
        self._source = exposition.source(f"{instance.name} (output)", METRICS)
        self._working_since: float | None = None  # monotonic seconds
        self._stopping = False
        self._thread: threading.Thread | None = None
        self.publish_health()

    def hear(self, heard: Heard) -> None:
        """Take note of a run; never blocks. The oldest go first."""
        if len(self._heard) == MAX_RUNS_WAITING:
            self._count_drop(self._heard[0].size, Drop.QUEUE_FULL)
        self._heard.append(heard)
        self._woken.set()

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._work, name=f"output-{self.instance.name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to put on disk what it has, and to end; withdraws the metrics and returns at once."""
        self._stopping = True
        self._woken.set()
        self._source.close()

    def join(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds; returns whether the thread has ended."""
        if self._thread is not None:
            self._thread.join(timeout)
        return self._thread is None or not self._thread.is_alive()

    def tick(self, now: float) -> float:
        """The ticker looks, since time passes for what waits, and the output may hang in `encode`."""
        since = self._working_since
        if since is not None and now - since > self.instance.timeout:
            self._delivery.record_failure(TimeoutError(f"it has been encoding for {now - since:.0f} s"))
        self.publish_health()
        return now + HEALTH_INTERVAL

    def publish_health(self) -> None:
        """Show how the output is."""
        self._shown = self.health.snapshot(self._clock.time(), self._shown)
        self._source.publish(self._shown)

    def cycle(self) -> None:
        """Do everything that is due; on the output's own thread."""
        self._working_since = self._clock.monotonic()
        if self._output is None:
            self._open()
        if self._output is not None and self._codec is not None:
            self._recover_interval()
            self._take_heard()
            self._buffer.save()
            self._save_interval()
            self._buffer.expire(self._clock.time())
            self._delivery.step(self._output, self._codec)
        self._record_queue()
        self._working_since = None

    def close(self) -> None:
        """Put on disk what is kept, and let go of everything; on the output's own thread."""
        if self._window is not None:
            self._take_heard()
            self._enqueue(self._window.take())
            self._save_interval()
        self._delivery.settle()
        self._buffer.close()
        if self._output is not None and not self._delivery.is_busy:
            start_thread(f"output-{self.instance.name}-close", self._output.close)

    def seconds_to_wait(self) -> float:
        """How long the thread may sleep if nobody wakes it."""
        waits = [LONGEST_SLEEP, self._delivery.seconds_to_wait()]
        if self._window is not None and (left := self._window.seconds_left(self._clock.time())) is not None:
            waits.append(left)
        if self._keeper is not None:
            waits.append(self._keeper.seconds_to_wait())
        return min(waits)

    def _work(self) -> None:
        while not self._stopping:
            self._woken.wait(self._guarded(self.cycle))
            self._woken.clear()
        self._guarded(self.close)

    def _guarded(self, work: Callable[[], None]) -> float:
        """Do it, whatever it raises; returns how long to wait then."""
        try:
            work()
            return self.seconds_to_wait()
        except BaseException as error:  # noqa: BLE001 - a plugin may raise anything, and the thread must live on
            self._faults.record_incident("the output failed", error)
            return LONGEST_SLEEP

    def _open(self) -> None:
        """Build the output, unless that has just failed."""
        if not self._delivery.is_due:
            return
        try:
            output = self._build()
            codec = codec_of(output, self.instance.batch_size)
            selection = selection_of(self.instance, output)
        except BaseException as error:  # noqa: BLE001 - a constructor of a plugin may raise anything
            self._delivery.record_failure(error)
            self._delivery.back_off(error)
            return
        self._window = SamplingWindow(selection, self.instance.interval, closed=self._buffer.mark())
        if not output.keeps_newest_only:
            file = WindowFile(_state_file(self.instance, ".interval"), self.instance.queue_max_bytes // 4)
            self._keeper = WindowKeeper(file, self._window, self._clock)
        if self._buffer.set_aside is not None:
            self._faults.log.warning("the queue was corrupt; moved to %s", self._buffer.set_aside)
        self._output, self._codec = output, codec

    def _take_heard(self) -> None:
        """Put on disk what has been heard, as far as its interval is over."""
        assert self._window is not None  # noqa: S101 - made before the output
        for _ in range(len(self._heard)):  # not those that come meanwhile: they would never end
            if self._keeper is not None:
                self._keeper.note_run()
            for blocks in self._window.add(self._heard.popleft()):
                self._enqueue(blocks)
        self._enqueue(self._window.take_finished(self._clock.time()))

    def _enqueue(self, blocks: list[SampleBlock]) -> None:
        """Put samples on disk, as what the output makes of them."""
        if not blocks or self._codec is None:
            return
        try:
            bodies = self._codec.encode(blocks)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
            self._faults.record_incident("samples were dropped because they could not be encoded", error)
            self._count_drop(sum(len(block.values) for block in blocks), Drop.REFUSED)
            return
        self._buffer.append(bodies, self._clock.time(), closes=self._window.closed if self._window else None)

    def _recover_interval(self) -> None:
        """Put into the queue what the interval had that a kill has cut short, unless it is there."""
        if self._keeper is not None and not self._has_recovered and self._buffer.problem is None:
            self._has_recovered = True  # and no earlier: another process may have had the queue
            self._enqueue(self._keeper.recover())

    def _save_interval(self) -> None:
        """Keep what the open interval has gathered."""
        if self._keeper is None or not self._has_recovered:
            return
        try:
            self._keeper.save(at_once=self._stopping)
        except OSError as error:
            self._faults.record_failure(INTERVAL, error)
        else:
            self._faults.record_success(INTERVAL)

    def _record_queue(self) -> None:
        health, problem = self.health, self._buffer.problem
        health.queue_bytes, health.queue_records = self._buffer.bytes, self._buffer.records
        health.oldest_at = self._buffer.oldest_at
        health.queue_problem = "" if problem is None else explain(problem)
        if problem is not None:
            self._faults.record_failure(QUEUE, problem)
        else:
            self._faults.record_success(QUEUE)
        self.publish_health()

    def _count_drop(self, count: int, reason: Drop) -> None:
        self.health.dropped[reason] += count


def _buffer_of(instance: OutputInstance, drop: Callable[[int, Drop], None]) -> Buffer | NewestBuffer:
    """Where the records of an output wait."""
    if instance.type.keeps_newest_only:
        return NewestBuffer(max_age=instance.queue_max_age, drop=drop)
    return Buffer(
        _state_file(instance, ".db"),
        max_bytes=instance.queue_max_bytes,
        max_age=instance.queue_max_age,
        drop=drop,
        compressed=issubclass(instance.type, PayloadOutput),
    )


def _state_file(instance: OutputInstance, suffix: str) -> Path:
    return state_home() / "outputs" / instance.name / f"{instance.type.name}{suffix}"
