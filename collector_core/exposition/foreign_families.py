"""What a source shows of foreign code; prometheus_client, which renders it, is not needed where there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from collector_core.exposition.formats import ExpositionFormat
from collector_core.model.families import Family


@dataclass(frozen=True, slots=True)
class ForeignFamilies:
    """Families of foreign code with their source's labels and lines; never changed."""

    families: tuple[Family, ...]
    names: frozenset[str]
    texts: Mapping[ExpositionFormat, bytes]


NO_FOREIGN = ForeignFamilies((), frozenset(), dict.fromkeys(ExpositionFormat, b""))
