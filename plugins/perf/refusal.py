"""Why there are no energy events here, in words, and what helps."""

from __future__ import annotations

import errno

from collector_core import Context, NotAvailable, Reason
from collector_plugins.perf.events import POWER

POWERCAP = "/sys/class/powercap"
PARANOID = "/proc/sys/kernel/perf_event_paranoid"
GRANT = "sudo sysctl kernel.perf_event_paranoid=0, or give the service the capability CAP_PERFMON (AmbientCapabilities)"
CONTAINER = "give the container the capability: docker run --cap-add PERFMON …"


def no_pmu() -> NotAvailable:
    """The kernel has no PMU of that name."""
    detail = f"{POWER} does not exist: the kernel counts no energy here"
    return NotAvailable(Reason.NOT_FOUND, detail, fix="sudo modprobe rapl; a virtual machine has no such events")


def no_event() -> NotAvailable:
    """A PMU without an event that could be used."""
    return NotAvailable(Reason.NOT_SUPPORTED, f"{POWER}/events has no energy event", fix="update the kernel")


def of_error(error: OSError, ctx: Context) -> NotAvailable:
    """What the kernel means by refusing to open an event."""
    if error.errno in (errno.EACCES, errno.EPERM):
        return _denied(ctx)
    if error.errno == errno.ENOSYS:
        return NotAvailable(Reason.NOT_SUPPORTED, f"perf_event_open: {error.strerror}", fix="use the plugin `rapl`")
    if error.errno in (errno.ENODEV, errno.ENOENT, errno.ENXIO):
        return NotAvailable(
            Reason.NOT_FOUND, f"the event does not count: {error.strerror}", fix="check that its CPU is on"
        )
    return NotAvailable(Reason.NOT_SUPPORTED, f"perf_event_open: {error.strerror}", fix="update the kernel")


def _denied(ctx: Context) -> NotAvailable:
    level = _paranoid(ctx)
    if level is not None and level <= 0:
        detail = (
            "perf_event_open is denied although kernel.perf_event_paranoid allows it: a seccomp filter, as Docker has"
        )
        return NotAvailable(Reason.PERMISSION, detail, fix=CONTAINER)
    shown = "" if level is None else f" (kernel.perf_event_paranoid is {level})"
    return NotAvailable(Reason.PERMISSION, f"the kernel denies events of whole processors{shown}", fix=GRANT)


def _paranoid(ctx: Context) -> int | None:
    try:
        return int(ctx.path(PARANOID).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def is_told_by_powercap(ctx: Context) -> bool:
    """Whether an energy counter of powercap can be read: the plugin `rapl` tells the same then."""
    for file in ctx.path(POWERCAP).glob("*/energy_uj"):
        try:
            if file.read_bytes().strip().isdigit():
                return True
        except OSError:
            continue
    return False
