"""Samples in Graphite's plaintext protocol over TCP: to carbon, go-carbon, relays, VictoriaMetrics and others."""

from __future__ import annotations

import socket
import time
import zlib
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from collector_core import (
    BaseOutput,
    Context,
    NotAvailable,
    PayloadOutput,
    Reason,
    RecordsRefused,
    SampleBlock,
    hookimpl,
)
from collector_plugins.graphite.config import Config
from collector_plugins.graphite.lines import LineEncoder

MAX_LINE_BYTES = 16_000  # carbon hangs up at 16,384


class Graphite(PayloadOutput[Config]):
    """Writes what is published as lines; the protocol has no answers, so that its end must do for one.

    Each batch has a connection of its own. It is delivered when the receiver has closed that after ours: it has read
    everything by then.
    """

    name = "graphite"
    config_type = Config
    default_batch_size = 10_000

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._encoder = LineEncoder(config.prefix, tags=config.tags)
        self._connection: socket.socket | None = None
        self._is_cancelled = False

    def encode_block(self, block: SampleBlock) -> bytes:
        """Lines, compressed while they wait."""
        return zlib.compress(self._encoder.lines(block).encode(), 1)

    def test(self) -> None:
        """Connect, send nothing, and see whether the receiver hangs up then."""
        self._deliver(b"")

    def send_payloads(self, payloads: Sequence[bytes], *, may_repeat: bool) -> None:
        """Send lines; a point that is there already is replaced by itself. Those that are too long are refused."""
        del may_repeat
        lines = b"".join(map(zlib.decompress, payloads)).splitlines(keepends=True)
        short = [line for line in lines if len(line) <= MAX_LINE_BYTES]
        self._deliver(b"".join(short))
        if len(short) < len(lines):
            raise RecordsRefused(len(lines) - len(short), f"lines of more than {MAX_LINE_BYTES} bytes")

    def cancel(self) -> None:
        """Break the connection."""
        self._is_cancelled = True  # before its end looks like the receiver's
        connection = self._connection
        if connection is not None:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _deliver(self, lines: bytes) -> None:
        ends = time.monotonic() + self.ctx.timeout
        self._is_cancelled = False
        try:
            with socket.create_connection(self.config.place, self.ctx.timeout) as self._connection:
                self._connection.sendall(lines)
                self._connection.shutdown(socket.SHUT_WR)
                while True:
                    self._connection.settimeout(max(0.001, ends - time.monotonic()))
                    if not self._connection.recv(4096):
                        break
                if self._is_cancelled:
                    raise TimeoutError
        except OSError as error:
            raise self._explained(error) from None
        finally:
            self._connection = None

    def _explained(self, error: OSError) -> NotAvailable:
        if isinstance(error, TimeoutError):
            said = f"{self.config.url}: it has not read to the end within {self.ctx.timeout:g} s"
            return NotAvailable(Reason.TIMEOUT, said, fix="check whether it hangs, or is no receiver of plaintext")
        words = error.strerror or type(error).__name__
        return NotAvailable(Reason.UNREACHABLE, f"{self.config.url}: {words}", fix="start it, or correct `url`")


@hookimpl
def collector_output_types() -> Sequence[type[BaseOutput[Any]]]:
    """The output of this plugin."""
    return (Graphite,)
