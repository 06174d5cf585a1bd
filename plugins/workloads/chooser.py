"""Which processes are workloads of their own: those whose names match a group, and QEMU's guests."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

from collector_core.procfs import parse_process_stat
from collector_core.storage import read_bounded
from collector_plugins.workloads.config import Group
from collector_plugins.workloads.paths import MAX_CHARACTERS, Workload, WorkloadKind

_EMULATOR = re.compile(r"qemu-system-.*|qemu-kvm|kvm")  # the kernel cuts names off after 15 characters
_OWNERS = frozenset({WorkloadKind.CONTAINER, WorkloadKind.POD, WorkloadKind.SLURM})
_CMDLINE_BYTES = 1 << 20
_GUEST = "guest="


class ProcessChooser:
    """The first group whose expression matches a process's name has it; a guest is not taken out of its owner.

    `guest_names` are the names of guests that have a control group of their own, as their command lines say.
    """

    def __init__(self, groups: Sequence[Group], proc: Path) -> None:
        self._groups = [(re.compile(group.match), Workload(WorkloadKind.GROUP, group.name)) for group in groups]
        self._proc = proc
        self.guest_names: dict[Workload, str] = {}

    def __call__(self, pid: str, name: str, above: Callable[[], Workload | None]) -> Workload | None:
        """As `Chooser`; raises `OSError` and `ValueError` where the process ends meanwhile."""
        for form, workload in self._groups:
            if form.search(name):
                return workload
        if not _EMULATOR.fullmatch(name):
            return None
        owner = above()
        if owner and owner.kind in _OWNERS:
            return None
        guest = self._guest_name(pid)
        if owner and owner.kind == WorkloadKind.GUEST:
            self.guest_names[owner] = guest
            return None
        return Workload(WorkloadKind.GUEST, guest, slice=owner.slice if owner else "")

    def _guest_name(self, pid: str) -> str:
        """As the plugin `qemu` names it: `-name`, Proxmox's number, the uuid, or pid and start time."""
        folder = self._proc / pid
        arguments = read_bounded(folder / "cmdline", _CMDLINE_BYTES).decode("utf-8", "backslashreplace").split("\0")
        options = {name.lstrip("-"): value for name, value in pairwise(arguments)}
        parts = [part.replace("\0", ",") for part in options.get("name", "").replace(",,", "\0").split(",")]
        named = next((part.removeprefix(_GUEST) for part in parts if part.startswith(_GUEST)), "")
        plain = parts[0] if "=" not in parts[0] else ""
        start = parse_process_stat((folder / "stat").read_bytes()).start
        name = named or plain or options.get("id") or options.get("uuid", "").lower() or f"pid-{pid}-{start}"
        return name[:MAX_CHARACTERS]
