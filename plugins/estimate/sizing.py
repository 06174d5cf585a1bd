"""How much TDP this machine has: of all its sockets, or of the part of a processor that a virtual machine gets."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from collector_core.procfs import Processor, ProcessorFamily, ProcessorKind, find_family, find_processor
from collector_plugins.estimate.machine import Machine


class Origin(StrEnum):
    """Where the TDP, or all of the model, is from."""

    TABLE = "table"
    FAMILY = "family"
    UNKNOWN = "unknown"
    CONFIGURED = "configured"
    MODEL_FILE = "model_file"


@dataclass(frozen=True)
class Sizing:
    """`tdp_watts` is of one processor; this machine has `factor` of them: its sockets, or a guest's share of one."""

    tdp_watts: float
    source: Origin
    kind: ProcessorKind
    factor: float
    threads_per_core: int
    share: str


def size(machine: Machine, tdp_watts: float | None) -> Sizing:
    """TDP by the configured value, else by the table, else by the family. Never fails: the last family is for all.

    A guest with known vCPUs gets vCPUs / threads of the model; where the model is not known, its vCPUs are counted as
    cores of their family, and a configured TDP is taken to be the guest's own.
    """
    cpu, names = machine.cpu, machine.cpu.names
    known = find_processor(names)
    family = find_family(names)
    if machine.virtual:
        per_core = known.threads // known.cores if known else family.threads_per_core
        factor = cpu.threads / known.threads if known else 1.0
        share = f"{cpu.threads}/{known.threads}" if known else "unknown"
    else:
        per_core, factor, share = max(1, cpu.threads // cpu.cores), float(cpu.sockets), "1"
    tdp, source = _tdp(machine, known, family, per_core) if tdp_watts is None else (tdp_watts, Origin.CONFIGURED)
    return Sizing(tdp, source, known.kind if known else family.kind, factor, per_core, share)


def _tdp(
    machine: Machine, known: Processor | None, family: ProcessorFamily, threads_per_core: int
) -> tuple[float, Origin]:
    """Of one processor; of a guest on an unknown one its own, as so many cores of a typical member of the family."""
    if known:
        return known.tdp_watts, Origin.TABLE
    source = Origin.FAMILY if family.known else Origin.UNKNOWN
    if machine.virtual:
        cores = machine.cpu.threads / threads_per_core
        return family.tdp_watts(family.cores) / family.cores * cores, source
    return family.tdp_watts(machine.cpu.cores / machine.cpu.sockets), source
