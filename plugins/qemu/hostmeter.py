"""The host's energy, as another collector counts it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from collector_core import NotAvailable, Sample

DEFAULT = "rapl"
ADD_UP = frozenset({"package", "die", "dram"})  # the roles of RAPL's zones that are the processor and its memory

_ENERGY = "_energy_joules_total"
_OTHER = "name another collector that counts the host's joules with `--meter`, such as that of a plug"

Series = tuple[tuple[str, str], ...]


class HostMeter:
    """Adds up the joules of one collector's `…_energy_joules_total`, as far as its series have the given labels.

    Of RAPL's zones those count that make up the whole: see the rapl plugin's README.
    """

    def __init__(self, read: Callable[[str], Sequence[Sample]], collector: str, labels: Mapping[str, str]) -> None:
        self._read = read
        self.collector = collector
        self._labels = labels.items()

    def joules(self) -> dict[Series, float]:
        """Energy since the collector started, by series; raises `NotAvailable` where there is none."""
        samples = [sample for sample in self._read(self.collector) if self._labels <= sample.labels.items()]
        zones = _zones_to_add(samples)
        found = {
            tuple(sorted(sample.labels.items())): sample.value
            for sample in samples
            if sample.metric.endswith(_ENERGY) and (zones is None or sample.labels.get("path") in zones)
        }
        if not found:
            detail = f"collector {self.collector} counts no energy of this host"
            raise NotAvailable("not_found", detail, fix=_OTHER)
        return found


def _zones_to_add(samples: Sequence[Sample]) -> set[str] | None:
    """The paths of RAPL's zones that add up; None for other meters."""
    roles = [sample.labels for sample in samples if sample.metric == "rapl_zone_info"]
    return {labels["path"] for labels in roles if labels["role"] in ADD_UP} if roles else None
