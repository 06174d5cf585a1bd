"""Whose joules they are: the machine's energy by unit, container, pod, job, guest and session."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Any

from collector_core import Collector, Context, NotAvailable, Readings, hookimpl
from collector_core.procfs import list_cgroup_trees
from collector_plugins.workloads import metrics
from collector_plugins.workloads.accounts import Accounts
from collector_plugins.workloads.attribution import Attribution
from collector_plugins.workloads.config import Config
from collector_plugins.workloads.cpu_use import Weights
from collector_plugins.workloads.ledger import LedgerJoules
from collector_plugins.workloads.machine import Machine
from collector_plugins.workloads.names import Names
from collector_plugins.workloads.paths import OTHER, Workload
from collector_plugins.workloads.state_file import StateFile

FIX = "mount the host's /sys and /proc below `root`, e.g. docker run --pid=host -v /:/host:ro, with root: /host"


class Workloads(Collector[Config]):
    """Hands each joule of the ledger to the workload that it was spent for."""

    name = "workloads"
    metrics = metrics.ALL
    config_type = Config
    needs_two_runs = True
    after_others = True

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._ledger = LedgerJoules(ctx)
        self._names = Names(ctx)
        self._accounts = Accounts(config.keep, config.max_workloads, self._names.series)
        self._attribution = Attribution(config, self._accounts)
        self._state = StateFile(ctx)
        self._machine: Machine | None = None
        self._read_at: float | None = None

    @classmethod
    def detect(cls, ctx: Context) -> NotAvailable | None:
        """Whether there are control groups that count CPU time."""
        if list_cgroup_trees(ctx.path("/sys")):
            return None
        detail = f"no control groups that count CPU time below {ctx.path('/sys/fs/cgroup')}"
        return NotAvailable("not_found", detail, fix=FIX)

    def open(self) -> None:
        """Look for control groups and for who keeps a ledger; raises `NotAvailable` where there are none."""
        if problem := self.detect(self.ctx):
            raise problem
        self._ledger.reopen()
        self._state.load(self._restore)
        self._machine = self._machine or Machine(self.ctx, self.config.groups)

    async def collect(self, out: Readings) -> None:
        """Read who used what, take the ledger's new joules and hand them out; raises `NotAvailable` without any."""
        assert self._machine is not None  # noqa: S101 - `open` has made it
        now, wall = self.ctx.clock.monotonic(), self.ctx.clock.time()
        busy, grown = self._machine.read_use()
        elapsed = now - self._read_at if self._read_at is not None else 0.0
        self._read_at = now
        self._attribution.record_use(elapsed, busy, grown)
        for component, joules in self._ledger.take().items():
            self._hand_out(out, component, joules, wall)
        self._end_workloads(grown, wall)
        self._names.learn(self._machine.identities())
        self._names.refresh(grown.keys() | self._accounts.workloads)
        self._publish(out)
        self._state.save(self._to_save)

    async def close(self) -> None:
        """Keep what was counted, and let go of every file."""
        self._state.save(self._to_save, is_last=True)
        if self._machine:
            self._machine.close()

    def _hand_out(self, out: Readings, component: str, joules: float, wall: float) -> None:
        assert self._machine is not None  # noqa: S101
        machine = self._machine

        def memory() -> Weights:
            """What cannot be known leaves the component's dynamic joules unattributed."""
            with out.part(component=component):
                return machine.memory()
            return Weights({}, 0.0)

        self._attribution.hand_out(
            component,
            joules,
            wall,
            cpus=machine.cpus.count,
            memory=memory,
            reserved=partial(machine.reservations.ratios, machine.cpus.count),
        )

    def _end_workloads(self, alive: Collection[Workload], wall: float) -> None:
        for workload in self._accounts.note_alive(alive, wall):
            self._attribution.forget(workload)

    def _publish(self, out: Readings) -> None:
        accounts = self._accounts
        handed_out = dict.fromkeys(accounts.measured, 0.0)
        rows: dict[tuple[str, ...], tuple[float]] = {}
        for name, component, joules in accounts.energy():
            rows[(*name, component)] = (joules,)
            handed_out[component] += joules
        out.add_table((metrics.ENERGY,), metrics.ENERGY.labels, rows)
        for component, measured in accounts.measured.items():
            parts = accounts.idle[component], accounts.unattributed[component], accounts.ended[component]
            for metric, joules in zip((metrics.IDLE, metrics.UNATTRIBUTED, metrics.ENDED), parts, strict=True):
                out.add(metric, joules, component=component)
            out.add(metrics.MEASURED, measured, component=component)
            if measured:
                ratio = (handed_out[component] + sum(parts)) / measured
                out.add(metrics.CONSERVATION, ratio, component=component)
        for labels in dict.fromkeys(map(self._names.info, accounts.workloads)):
            if labels[0] != OTHER.kind:
                out.add(metrics.INFO, 1.0, **dict(zip(metrics.INFO.labels, labels, strict=True)))

    def _to_save(self) -> dict[str, Any]:
        return {
            "accounts": self._accounts.state(),
            "idle": self._attribution.state(),
            "ledger": self._ledger.state(),
            "names": self._names.state(),
        }

    def _restore(self, state: dict[str, Any]) -> None:
        self._accounts.restore(state["accounts"])
        self._ledger.restore(state["ledger"])
        self._names.restore(state["names"])
        self._attribution.restore(state["idle"])


@hookimpl
def collector_types() -> list[type[Collector[Any]]]:
    """The one collector of this plugin."""
    return [Workloads]
