"""Options of the workloads plugin."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, field_validator, model_validator

from collector_core import CollectorConfig, ConfigPath, Duration, Field, Options, SecretStr, SecureUrl, Selector
from collector_plugins.workloads.paths import WorkloadKind
from collector_plugins.workloads.rules import IdleRule

MOST_WORKLOADS = 10_000

Watts = Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)]


class IdleWatts(Options):
    """What components draw with nothing to do."""

    cpu: Watts | None = Field(None, description="Watts of the processors; learnt by default.")
    dram: Watts | None = Field(None, description="Watts of the memory; learnt by default.")
    gpu: Watts | None = Field(None, description="Watts of each GPU; learnt by default.")

    def of(self, component: str) -> float | None:
        """The watts of a component, if they are given."""
        return {"cpu": self.cpu, "dram": self.dram, "gpu": self.gpu}.get(component)


def _expression(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return text


Name = Annotated[str, Field(min_length=1, max_length=64)]
Expression = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_expression)]


class Group(Options):
    """Processes that count together, wherever they run."""

    name: Name = Field(description="The label `name`.")
    match: Expression = Field(description="Regular expression that is found in the name of a process, e.g. ^geth$.")


class Kubelet(Options):
    """The kubelet of this node, which knows the names and owners of pods."""

    url: SecureUrl = Field("https://127.0.0.1:10250", description="Base URL; https outside loopback.")
    token: SecretStr | None = Field(None, description="Bearer token: {$env: NAME} or {$file: path}.")
    token_file: ConfigPath | None = Field(None, description="Or its file, read each time: a pod's token is renewed.")
    ca_file: ConfigPath | None = Field(None, description="Certificates that its own is verified with, in PEM.")

    @model_validator(mode="after")
    def _one_token(self) -> Self:
        if self.token is not None and self.token_file is not None:
            raise ValueError("set either `token` or `token_file`")
        return self


class Watch(Options):
    """Processes whose use and memory are watched: those with a name, or those of a systemd unit."""

    name: Name = Field(description="The label `process`.")
    match: Expression | None = Field(None, description="Regular expression that is found in the name of a process.")
    unit: Name | None = Field(None, description="Or a systemd unit, e.g. geth.service.")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.match is None) is (self.unit is None):
            raise ValueError("give match or unit, and not both")
        return self


class Leak(Options):
    """When memory is said to leak."""

    window: Duration = Field(6 * 3600.0, description="How long memory must have risen.")


class WorkloadName(Options):
    """One workload, by the labels of its series."""

    kind: WorkloadKind = Field(description="The label `kind`.")
    name: Name = Field(description="The label `name`.")


class Work(Options):
    """Work that something counts, whose joules per unit are wanted."""

    name: Name = Field(description="The label `work`, e.g. tokens.")
    selector: str = Field(
        max_length=500, description='Counters of any collector, summed up, e.g. inference_tokens_total{model="llama"}.'
    )
    workload: WorkloadName | None = Field(None, description="Whose joules, as {kind, name}; default: the machine's.")

    @field_validator("selector")
    @classmethod
    def _readable(cls, selector: str) -> str:
        Selector.parse(selector)
        return selector


class GuestTarget(Options):
    """A guest that is told its energy over a connection."""

    name: Name = Field(description="The guest, as its series are called.")
    url: SecureUrl | None = Field(None, description="Where its energy-collector listens; https outside loopback.")
    token: SecretStr | None = Field(None, description="Bearer token of its option `push`.")
    ca_file: ConfigPath | None = Field(None, description="Certificates that its own is verified with, in PEM.")
    socket: str | None = Field(
        None, pattern="^/", description="Or the unix socket of the QEMU character device behind its virtio-serial port."
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.url is None) is (self.socket is None):
            raise ValueError("give url or socket, and not both")
        return self


class Guests(Options):
    """How virtual machines are told the energy that they were given."""

    folder: str | None = Field(
        None, pattern="^/", description="One folder for each guest is written below this one, for virtiofs or 9p."
    )
    targets: tuple[GuestTarget, ...] = Field(
        (), max_length=1000, description="Guests that are told by HTTP or virtio-serial."
    )

    @field_validator("targets")
    @classmethod
    def _names_differ(cls, entries: Sequence[GuestTarget]) -> Sequence[GuestTarget]:
        _no_name_twice(entries)
        return entries


def _no_name_twice(entries: Sequence[Watch | Work | GuestTarget]) -> None:
    names = [entry.name for entry in entries]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(f"two entries are called {twice!r}; give them different names")


Sockets = Annotated[tuple[str, ...], Field(min_length=1, max_length=16)]


class Config(CollectorConfig):
    """Options of the workloads plugin."""

    idle_watts: IdleWatts = Field(
        default_factory=IdleWatts, description="Power with nothing to do, by component; learnt where it is not given."
    )
    idle: IdleRule = Field(
        IdleRule.SEPARATE,
        description="Who bears the idle energy: separate (nobody), by_use, or by_reservation (by `cpu.max`).",
    )
    groups: tuple[Group, ...] = Field(
        (), description="Processes that are a workload of their own, taken out of their unit or container."
    )
    runtimes: Literal["auto", "off"] | Sockets = Field(
        "auto",
        description="Sockets of container runtimes that are asked for names: auto (the usual ones), off, or a list.",
    )
    kubelet: Kubelet | None = Field(
        None, description="Asked for the names and owners of pods, as {url, token_file, ca_file}."
    )
    watch: tuple[Watch, ...] = Field(
        (), max_length=50, description="Processes whose memory, threads, files, CPU, I/O and watts are shown."
    )
    guests: Guests = Field(
        default_factory=Guests, description="Virtual machines that are told the energy that they were given; see below."
    )
    leak: Leak = Field(default_factory=Leak, description="When the memory of a watched process is said to leak.")
    work: tuple[Work, ...] = Field((), max_length=50, description="Work whose joules per unit are shown; see below.")
    work_window: Duration = Field(60.0, description="Time over which joules are divided by work.")
    keep: Duration = Field(600.0, description="How long the series of a workload outlive it.")
    max_workloads: int = Field(
        500,
        ge=1,
        le=MOST_WORKLOADS,
        description="Workloads with series of their own; the others are summed as `other`.",
    )

    @field_validator("watch", "work")
    @classmethod
    def _names_differ(cls, entries: Sequence[Watch | Work]) -> Sequence[Watch | Work]:
        _no_name_twice(entries)
        return entries
