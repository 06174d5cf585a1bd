"""Options of the output."""

from __future__ import annotations

from collector_core import ConfigPath, Field, OutputConfig, Period


class Config(OutputConfig):
    """Options of the output parquet."""

    directory: ConfigPath = Field(description="Folder of the files; it is made where it is missing.")
    rotate_every: Period = Field(3600.0, description="Rows wait this long on disk, then they become a file.")
    rotate_bytes: int = Field(
        16_777_216, ge=1, description="They become a file earlier if they take this much while they wait."
    )
    keep: int | None = Field(None, ge=1, description="Number of files; older ones are deleted. Default: all are kept.")
