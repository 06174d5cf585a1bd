"""The units in which load is given to the polynomial."""

from __future__ import annotations

from enum import StrEnum


class CpuUnit(StrEnum):
    """What a load of 1 means: one busy core, a hundredth of one, or a hundredth of all CPUs of the host."""

    CORES = "cores"
    CORE_PERCENT = "core_percent"
    HOST_PERCENT = "host_percent"

    def per_core(self, host_cpus: int) -> float:
        """How much of the unit one busy core is, on a host with so many (logical) CPUs."""
        return {"cores": 1.0, "core_percent": 100.0, "host_percent": 100.0 / host_cpus}[self.value]
