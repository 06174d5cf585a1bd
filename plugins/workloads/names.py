"""What workloads are called in labels."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from collector_core import Context
from collector_plugins.workloads.accounts import SeriesName
from collector_plugins.workloads.config import Config
from collector_plugins.workloads.paths import Kind, Workload
from collector_plugins.workloads.users import Users

SHORT_ID = 12
_FULL_ID = 64


class Names:
    """Names workloads by their path, and by what `/etc/passwd` adds to it."""

    def __init__(self, config: Config, ctx: Context) -> None:
        del config
        self._users = Users(ctx.path("/etc/passwd"))

    def refresh(self, workloads: Collection[Workload]) -> None:
        """Look up what changed."""
        del workloads
        self._users.refresh()

    def series(self, workload: Workload) -> SeriesName:
        """The labels of a workload's counters."""
        return SeriesName(workload.kind, self._name(workload), "", workload.part)

    def info(self, workload: Workload) -> tuple[str, ...]:
        """The labels of `workloads_info`."""
        user = self._users.name(workload.uid) if workload.uid else ""
        return (workload.kind, self._name(workload), "", "", workload.runtime, "", user, workload.slice)

    def state(self, workloads: Collection[Workload]) -> dict[str, Any]:
        """What should outlive a restart, for JSON."""
        del workloads
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take what `state` gave."""

    def _name(self, workload: Workload) -> str:
        if workload.kind == Kind.SESSION:
            return self._users.name(workload.id)
        if (
            workload.kind == Kind.CONTAINER
            and len(workload.id) == _FULL_ID
            and workload.runtime not in ("lxc", "nspawn")
        ):
            return workload.id[:SHORT_ID]
        return workload.id
