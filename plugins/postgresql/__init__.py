"""Samples as rows of a table in PostgreSQL, each there once."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import Any

from collector_core import BaseOutput, Context, PayloadOutput, SampleBlock, hookimpl
from collector_plugins.postgresql.config import Config
from collector_plugins.postgresql.table import Block, Table


class Postgresql(PayloadOutput[Config]):
    """Writes what is published into one table: time, name, labels, value."""

    name = "postgresql"
    config_type = Config
    default_interval = 60.0
    default_batch_size = 10_000

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._table = Table(config, ctx.timeout)

    def encode_block(self, block: SampleBlock) -> bytes:
        """Series and values of a run, compressed while they wait."""
        series = [[each.name, json.dumps(dict(each.labels), sort_keys=True)] for each in block.group.series]
        return zlib.compress(json.dumps([block.time, series, block.values.tolist()]).encode(), 1)

    def test(self) -> None:
        """Connect, and find out whether rows may be written."""
        self._table.check()

    def send_payloads(self, payloads: Sequence[bytes], *, may_repeat: bool) -> None:
        """Write rows; those that are there already stay as they are."""
        del may_repeat
        blocks: list[Block] = [json.loads(zlib.decompress(payload)) for payload in payloads]
        self._table.write(blocks)

    def cancel(self) -> None:
        """Cut the connection."""
        self._table.cut()

    def close(self) -> None:
        """Disconnect."""
        self._table.close()


@hookimpl
def collector_output_types() -> Sequence[type[BaseOutput[Any]]]:
    """The output of this plugin."""
    return (Postgresql,)
