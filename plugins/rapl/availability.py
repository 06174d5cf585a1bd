"""Says why there is no RAPL energy here, in words, and what helps."""

from __future__ import annotations

import shlex

from collector_core import Context, NotAvailable
from collector_core.procfs import read_cpus
from collector_plugins.rapl import powercap

LOAD_DRIVER = "sudo modprobe intel_rapl_msr"
ON_THE_HOST = "run energy-collector on the host: a virtual machine cannot see its own RAPL counters"
# Docker and Podman mount an empty directory over /sys/devices/virtual/powercap, which the class links point into.
MOUNT_SYS = "give the container the host's /sys (docker run -v /sys:/host/sys:ro …) and set `root: /host`"


def probe(ctx: Context) -> NotAvailable | None:
    """None where at least one zone may give energy, else what is in the way; looks at names, tries to read."""
    directory = ctx.path(powercap.POWERCAP)
    try:
        names = powercap.listing(directory)
    except PermissionError:
        return NotAvailable("permission", f"{directory} may not be listed", fix=f"sudo chmod a+rx {_quoted(ctx)}")
    except OSError:
        return _absent(ctx, f"{directory} does not exist: the kernel offers no power zones here")
    outcomes = {type(outcome) for name in names if (outcome := _try(ctx, name)) is not None}
    if not outcomes:
        return _absent(ctx, f"{directory} has no zone that counts energy")
    if outcomes == {FileNotFoundError}:
        return NotAvailable("not_found", f"{directory} names zones, but what they say is masked", fix=MOUNT_SYS)
    return _denied(ctx) if PermissionError in outcomes and int not in outcomes else None


def _try(ctx: Context, name: str) -> int | Exception | None:
    """What reading one entry gives: its counter, an error, or None for an entry that is no energy zone."""
    entry = ctx.path(powercap.POWERCAP) / name
    try:
        if not powercap.counts_energy(powercap.listing(entry)):
            return None
        return powercap.read_number(entry / "energy_uj")
    except NotADirectoryError:
        return None
    except (OSError, ValueError) as error:
        return error


def _denied(ctx: Context) -> NotAvailable:
    return NotAvailable(
        "permission",
        "energy_uj is readable by root only (since Linux 5.10, CVE-2020-8694)",
        fix=f"sudo chmod a+r {_quoted(ctx)}/*/energy_uj",
    )


def _absent(ctx: Context, detail: str) -> NotAvailable:
    if _in_virtual_machine(ctx):
        return NotAvailable("not_found", f"{detail}; this is a virtual machine, which hides RAPL", fix=ON_THE_HOST)
    return NotAvailable("not_found", f"{detail} (driver not loaded, or a container without it)", fix=LOAD_DRIVER)


def _in_virtual_machine(ctx: Context) -> bool:
    try:
        return read_cpus(ctx.path("/proc")).virtual is True
    except (OSError, ValueError):
        return False


def _quoted(ctx: Context) -> str:
    return shlex.quote(str(ctx.path(powercap.POWERCAP)))
