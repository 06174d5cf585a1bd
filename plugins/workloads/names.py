"""What workloads are called in labels."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from collector_core import Context
from collector_plugins.workloads.accounts import SeriesName
from collector_plugins.workloads.paths import MAX_CHARACTERS, Workload, WorkloadKind
from collector_plugins.workloads.users import Users

SHORT_ID = 12
_FULL_ID = 64


class Identity(NamedTuple):
    """What a runtime, the kubelet or a command line says of a workload; "" where it says nothing."""

    name: str = ""
    namespace: str = ""
    image: str = ""
    runtime: str = ""
    owner: str = ""
    uid: str = ""

    @classmethod
    def of(cls, **told: object) -> Identity:
        """Of texts that somebody else wrote: what is none is left out, what is endless is cut."""
        texts = {key: value for key, value in told.items() if isinstance(value, str)}
        clean = {key: text.encode("utf-8", "replace").decode()[:MAX_CHARACTERS] for key, text in texts.items()}
        return cls(**clean)


NOBODY = Identity()


class Names:
    """Names workloads by what is known of them, else by their path; a name that is known stays."""

    def __init__(self, ctx: Context) -> None:
        self._users = Users(ctx.path("/etc/passwd"))
        self._known: dict[Workload, Identity] = {}

    def unknown(self, workloads: Iterable[Workload]) -> list[Workload]:
        """Those whose names somebody else may know and has not told yet."""
        return [each for each in workloads if each not in self._known and may_be_named(each)]

    def learn(self, told: Mapping[Workload, Identity]) -> None:
        """Take what somebody says of workloads; what is known already stays."""
        for workload, identity in told.items():
            pairs = zip(self._known.get(workload, NOBODY), identity, strict=True)
            self._known[workload] = Identity(*(before or new for before, new in pairs))

    def refresh(self, workloads: Collection[Workload]) -> None:
        """Forget all but `workloads`, and see who the users are."""
        if self._known.keys() - workloads:
            self._known = {each: told for each, told in self._known.items() if each in workloads}
        self._users.refresh()

    def series(self, workload: Workload) -> SeriesName:
        """The labels of a workload's counters."""
        known = self._known.get(workload, NOBODY)
        return SeriesName(workload.kind, known.name or self._by_path(workload), known.namespace, workload.part)

    def info(self, workload: Workload) -> tuple[str, ...]:
        """The labels of `workloads_info`."""
        known = self._known.get(workload, NOBODY)
        uid = workload.uid or known.uid
        return (
            workload.kind,
            known.name or self._by_path(workload),
            known.namespace,
            known.image,
            workload.runtime or known.runtime,
            known.owner,
            self._users.name(uid) if uid else "",
            workload.slice,
        )

    def state(self) -> list[Any]:
        """What should outlive a restart, for JSON."""
        return [[list(workload), list(told)] for workload, told in self._known.items()]

    def restore(self, state: Iterable[Any]) -> None:
        """Take what `state` gave; raises `ValueError` or `TypeError` for anything else."""
        self._known.update({Workload(*map(str, key)): Identity(*map(str, told)) for key, told in state})

    def _by_path(self, workload: Workload) -> str:
        if workload.kind == WorkloadKind.SESSION:
            return self._users.name(workload.id)
        return workload.id[:SHORT_ID] if has_container_id(workload) else workload.id


def has_container_id(workload: Workload) -> bool:
    """Whether a workload is a container that its path only gives an id."""
    is_named = workload.runtime in ("lxc", "nspawn")
    return workload.kind == WorkloadKind.CONTAINER and len(workload.id) == _FULL_ID and not is_named


def may_be_named(workload: Workload) -> bool:
    """Whether a runtime or the kubelet may know more of a workload."""
    return workload.kind == WorkloadKind.POD or has_container_id(workload)
