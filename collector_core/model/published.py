"""What the sources of one process show at a moment, for collectors that work with the readings of others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from collector_core.model.readings import Snapshot


@dataclass(frozen=True, slots=True)
class Published:
    """What one source shows; `labels` are those that every series of it has.

    `source` is the name of a collector, `NAME (health)` for what the framework says of it, `collector` for the program
    as a whole and `process` for its process.
    """

    source: str
    labels: Mapping[str, str]
    snapshot: Snapshot
