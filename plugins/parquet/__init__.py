"""Samples as Parquet files, each written whole."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import Any

from collector_core import BaseOutput, Context, PayloadOutput, SampleBlock, hookimpl
from collector_plugins.parquet.config import Config
from collector_plugins.parquet.files import Block, Files


class Parquet(PayloadOutput[Config]):
    """Writes what is published to files; rows wait in the queue until a file is due."""

    name = "parquet"
    config_type = Config
    default_batch_size = 1_000_000
    default_timeout = 60.0
    repeats_exactly = True

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._files = Files(config, ctx.name)

    @property
    def batch_seconds(self) -> float:
        """Until the next file."""
        return self.config.rotate_every

    @property
    def batch_bytes(self) -> int:
        """Until the next file."""
        return self.config.rotate_bytes

    def encode_block(self, block: SampleBlock) -> bytes:
        """Series and values of a run, compressed while they wait."""
        series = [[each.name, json.dumps(dict(sorted(each.labels.items())))] for each in block.group.series]
        return zlib.compress(json.dumps([round(block.time * 1000), series, block.values.tolist()]).encode(), 1)

    def test(self) -> None:
        """Find out whether files can be written."""
        self._files.check()

    def send_payloads(self, payloads: Sequence[bytes], *, may_repeat: bool) -> None:
        """Write a file; the one that an attempt without an end has written is left as it is."""
        del may_repeat  # a batch comes again as it was, and its file has a name of its own
        blocks: list[Block] = [json.loads(zlib.decompress(payload)) for payload in payloads]
        self._files.write(blocks, zlib.crc32(b"".join(payloads)))


@hookimpl
def collector_output_types() -> Sequence[type[BaseOutput[Any]]]:
    """The output of this plugin."""
    return (Parquet,)
