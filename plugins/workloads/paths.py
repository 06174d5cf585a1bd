"""Which workload a control group belongs to, by its path alone.

Forms: systemd's units and slices (systemd.unit(5), cgroups in systemd's CGROUP_DELEGATION.md); `docker-ID.scope`,
`libpod-ID.scope`, `cri-containerd-ID.scope` and `crio-ID.scope` of the runtimes' systemd drivers, `docker/ID` and so on
of their cgroupfs drivers; pods by the kubelet's `…-podUID.slice` and `podUID`; Slurm's `slurm/uid_N/job_N/step_N` and
`slurmstepd.scope/job_N/step_N`; `lxc.payload.NAME`; machines of libvirt, systemd-nspawn and Proxmox.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

MAX_CHARACTERS = 256


class WorkloadKind(StrEnum):
    """What a workload is."""

    UNIT = "unit"
    CONTAINER = "container"
    POD = "pod"
    SLURM = "slurm"
    GUEST = "guest"
    SESSION = "session"
    GROUP = "group"
    OTHER = "other"


class Workload(NamedTuple):
    """What tells one workload from all others, and what its path says of it.

    `id` is the name in the path: a container's whole id, a pod's uid with dashes, a job's number. `part` is the Slurm
    step, `runtime` what runs a container, `slice` the nearest slice above, `uid` the user's number; "" where the path
    does not say.
    """

    kind: str
    id: str
    part: str = ""
    runtime: str = ""
    slice: str = ""
    uid: str = ""


OTHER = Workload(WorkloadKind.OTHER, "other")

_ID = r"[0-9a-f]{64}"
_CONTAINERS = (
    ("docker", re.compile(rf"docker-({_ID})\.scope")),
    ("podman", re.compile(rf"libpod-(?:conmon-)?({_ID})(?:\.scope)?")),
    ("containerd", re.compile(rf"(?:cri-containerd|nerdctl)-({_ID})(?:\.scope)?")),
    ("cri-o", re.compile(rf"crio-(?:conmon-)?({_ID})(?:\.scope)?")),
)
_PLAIN_ID = re.compile(_ID)
_RUNTIME_ABOVE = {
    "docker": "docker",
    "libpod_parent": "podman",
    "k8s.io": "containerd",
    "default": "containerd",
    "crio": "cri-o",
}
_POD = re.compile(r"(?:.*-)?pod([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32})(?:\.slice)?")
_LXC_PAYLOAD = re.compile(r"lxc\.payload\.(.+)")
_LXC_ABOVE = frozenset({"lxc", "lxc.payload"})
_LIBVIRT_LXC = re.compile(r"machine-lxc\\x2d\d+\\x2d(.+)\.scope")
_NSPAWN = re.compile(r"(?:systemd-nspawn@(.+)\.service|machine-(.+)\.scope)")
_LIBVIRT_QEMU = re.compile(r"machine-qemu\\x2d\d+\\x2d(.+)\.scope")
_LIBVIRT_QEMU_V1 = re.compile(r"(?:qemu-\d+-)?(.+)\.libvirt-qemu")
_PROXMOX = re.compile(r"(\d+)\.scope")
_SLURM = re.compile(r"slurm(?:_.+)?|(?:.+_)?slurmstepd\.scope")
_JOB = re.compile(r"job_(\d+)")
_STEP = re.compile(r"step_(.+)")
_SLURM_USER = re.compile(r"uid_(\d+)")
_SESSION = re.compile(r"user-(\d+)\.slice")
_UNIT = re.compile(r".+\.(?:service|scope|socket|mount|swap)")
_ESCAPE = re.compile(rb"\\x([0-9a-fA-F]{2})")


def workload_of(path: str) -> Workload:
    """The workload that a control group such as `/system.slice/cron.service` belongs to.

    The outermost container, pod, job or machine owns what is below it; else a user's session does, else the outermost
    unit. What is in none of these, as what is right in a slice, is `OTHER`.
    """
    parts = [part for part in path.split("/") if part]
    for place in range(len(parts)):
        for recognize in _MACHINES:
            if found := recognize(parts, place):
                return found
    for place, part in enumerate(parts):
        if user := _SESSION.fullmatch(part):
            return Workload(WorkloadKind.SESSION, user[1], slice=_slice_above(parts, place), uid=user[1])
        if _UNIT.fullmatch(part):
            return Workload(WorkloadKind.UNIT, _shown(part), slice=_slice_above(parts, place))
    return OTHER


def may_hold_others(path: str, workload: Workload) -> bool:
    """Whether what is below a control group may belong to another workload than itself."""
    if workload.kind == WorkloadKind.SLURM:
        return not workload.part
    return (
        workload.kind in (WorkloadKind.UNIT, WorkloadKind.SESSION, WorkloadKind.OTHER) and path.count("/") <= _DEEPEST
    )


_DEEPEST = 60


def _container(parts: Sequence[str], place: int) -> Workload | None:
    part, above = parts[place], parts[place - 1] if place else ""
    for runtime, form in _CONTAINERS:
        if found := form.fullmatch(part):
            return Workload(WorkloadKind.CONTAINER, found[1], runtime=runtime, slice=_slice_above(parts, place))
    if _PLAIN_ID.fullmatch(part):
        runtime = _RUNTIME_ABOVE.get(above, "")
        return Workload(WorkloadKind.CONTAINER, part, runtime=runtime, slice=_slice_above(parts, place))
    return None


def _pod(parts: Sequence[str], place: int) -> Workload | None:
    found = _POD.fullmatch(parts[place])
    if not found:
        return None
    digits = found[1].replace("_", "").replace("-", "")
    ends = (0, 8, 12, 16, 20, 32)
    uid = "-".join(digits[start:end] for start, end in pairwise(ends))
    return Workload(WorkloadKind.POD, uid, slice=_slice_above(parts, place))


def _job(parts: Sequence[str], place: int) -> Workload | None:
    found = _JOB.fullmatch(parts[place])
    if not found or not any(map(_SLURM.fullmatch, parts[:place])):
        return None
    user = _SLURM_USER.fullmatch(parts[place - 1])
    step = _STEP.fullmatch(parts[place + 1]) if place + 1 < len(parts) else None
    return Workload(
        WorkloadKind.SLURM,
        found[1],
        part=_shown(step[1]) if step else "",
        slice=_slice_above(parts, place),
        uid=user[1] if user else "",
    )


def _guest(parts: Sequence[str], place: int) -> Workload | None:
    part, above = parts[place], parts[place - 1] if place else ""
    if found := _LIBVIRT_QEMU.fullmatch(part):
        name = unescape(found[1])
    elif (found := _LIBVIRT_QEMU_V1.fullmatch(part)) or (above == "qemu.slice" and (found := _PROXMOX.fullmatch(part))):
        name = found[1]
    else:
        return None
    return Workload(WorkloadKind.GUEST, _shown(name), slice=_slice_above(parts, place))


def _machine(parts: Sequence[str], place: int) -> Workload | None:
    """A container of LXC, Incus, libvirt or systemd-nspawn, which are known by names."""
    part, above = parts[place], parts[place - 1] if place else ""
    if found := _LXC_PAYLOAD.fullmatch(part):
        runtime, name = "lxc", found[1]
    elif above in _LXC_ABOVE and not _UNIT.fullmatch(part):
        runtime, name = "lxc", part
    elif found := _LIBVIRT_LXC.fullmatch(part):
        runtime, name = "lxc", unescape(found[1])
    elif found := _NSPAWN.fullmatch(part):
        runtime, name = "nspawn", unescape(found[1] or found[2])
    else:
        return None
    return Workload(WorkloadKind.CONTAINER, _shown(name), runtime=runtime, slice=_slice_above(parts, place))


_MACHINES: tuple[Callable[[Sequence[str], int], Workload | None], ...] = (_container, _pod, _job, _guest, _machine)


def unescape(name: str) -> str:
    r"""A name as it was before systemd wrote `\x2d` for its dashes."""
    plain = _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), name.encode("utf-8", "surrogateescape"))
    return plain.decode("utf-8", "backslashreplace")


def _slice_above(parts: Sequence[str], place: int) -> str:
    return next((_shown(part) for part in reversed(parts[:place]) if part.endswith(".slice")), "")


def _shown(name: str) -> str:
    """A name that fits a label: valid Unicode, and not endless."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")[:MAX_CHARACTERS]
