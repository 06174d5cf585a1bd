"""Options of the output."""

from __future__ import annotations

from collector_core import ConfigPath, Field, OutputConfig, Period


class Config(OutputConfig):
    """Options of the output csv."""

    directory: ConfigPath = Field(description="Folder of the files; it is made where it is missing.")
    rotate_every: Period = Field(86_400.0, description="A new file begins after this time.")
    rotate_bytes: int = Field(100_000_000, ge=1, description="A new file begins where one would become larger.")
    keep: int | None = Field(None, ge=1, description="Number of files; older ones are deleted. Default: all are kept.")
