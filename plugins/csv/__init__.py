"""Samples as rows of CSV files, each row once."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

from collector_core import BaseOutput, Context, PayloadOutput, SampleBlock, hookimpl
from collector_plugins.csv.config import Config
from collector_plugins.csv.files import Files
from collector_plugins.csv.rows import RowEncoder


class Csv(PayloadOutput[Config]):
    """Appends what is published to files that begin anew every day or at a size."""

    name = "csv"
    config_type = Config
    default_batch_size = 10_000

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._encoder = RowEncoder()
        self._files = Files(config, ctx.name, ctx.clock.time)

    def encode_block(self, block: SampleBlock) -> bytes:
        """Rows, compressed while they wait."""
        return zlib.compress(self._encoder.rows(block), 1)

    def test(self) -> None:
        """Find out whether files can be written."""
        self._files.check()

    def send_payloads(self, payloads: Sequence[bytes], *, may_repeat: bool) -> None:
        """Append rows; those that an attempt without an end has written are left out."""
        rows = b"".join(map(zlib.decompress, payloads)).splitlines(keepends=True)
        self._files.append(rows, may_repeat=may_repeat)


@hookimpl
def collector_output_types() -> Sequence[type[BaseOutput[Any]]]:
    """The output of this plugin."""
    return (Csv,)
