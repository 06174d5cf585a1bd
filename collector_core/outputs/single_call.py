"""Outputs without a daemon: tried out, or handed what was read once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import wait
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from collector_core.collector import Context
from collector_core.config.outputs import OutputInstance
from collector_core.errors import NotAvailable, Reason, RecordsRefused
from collector_core.model.clock import Clock
from collector_core.model.selector import Selector
from collector_core.output import BaseOutput
from collector_core.outputs.codec import Codec, codec_of
from collector_core.outputs.sampling import Heard, SampleSelection, Shape
from collector_core.polling.own_thread import start_thread

LEEWAY_SECONDS = 1.0  # for an output that keeps to its timeout by itself, and says more about it


def build_output(instance: OutputInstance, clock: Clock, root: Path, redact: Callable[[str], str]) -> BaseOutput[Any]:
    """The output in its `Context`; what its constructor raises passes through."""
    ctx = Context(
        name=instance.name,
        logger=logging.getLogger(f"output.{instance.name}"),
        interval=instance.interval,
        timeout=instance.timeout,
        clock=clock,
        root=root,
        redact=redact,
    )
    return instance.type(instance.options, ctx)


def selectors_of(instance: OutputInstance, output: BaseOutput[Any]) -> Sequence[Selector]:
    """The series that an output takes: those of the configuration, or its own choice."""
    return output.selectors if instance.series is None else [Selector.parse(text) for text in instance.series]


def selection_of(instance: OutputInstance, output: BaseOutput[Any]) -> SampleSelection:
    """What chooses and shapes the series of an output, as the configuration says."""
    shape = Shape(dict(instance.labels), dict(instance.rename), instance.batch_size)
    selectors = selectors_of(instance, output)
    return SampleSelection(selectors, shape, takes_ends=output.takes_ends, log=output.ctx.logger)


class SingleCall:
    """One output, called by a command. What the output raises passes through; `NotAvailable` says that it hangs."""

    def __init__(self, instance: OutputInstance, clock: Clock, root: Path, redact: Callable[[str], str]) -> None:
        self._instance = instance
        self._build = partial(build_output, instance, clock, root, redact)

    def test(self) -> None:
        """Connect to the receiver."""
        with closing(self._bounded(self._build)) as output:
            self._bounded(output.test)

    def deliver(self, runs: Sequence[Heard]) -> int:
        """Send what these runs have read; returns the number of records."""
        with closing(self._bounded(self._build)) as output:
            codec, selection = codec_of(output, self._instance.batch_size), selection_of(self._instance, output)
            blocks = [block for run in runs for block in selection.blocks(run)]
            bodies = self._bounded(partial(codec.encode, blocks))
            if bodies:
                self._send(codec, [body.content for body in bodies])
        return sum(body.records for body in bodies)

    def _send(self, codec: Codec, bodies: Sequence[bytes]) -> None:
        """Once, and once more if that got no answer."""
        try:
            self._bounded(codec.sending(bodies, may_repeat=False))
        except RecordsRefused:
            raise
        except Exception:  # noqa: BLE001 - a plugin may raise anything
            self._bounded(codec.sending(bodies, may_repeat=True))

    def _bounded(self, work: Callable[[], Any]) -> Any:
        seconds = self._instance.timeout + LEEWAY_SECONDS
        future = start_thread(f"output-{self._instance.name}", work)
        wait([future], seconds)
        if not future.done():
            raise NotAvailable(Reason.TIMEOUT, f"no answer after {seconds:g} s")
        return future.result()
