"""Whose joules they are: the machine's energy by unit, container, pod, job, guest and session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from collector_core import Collector, Component, Context, NotAvailable, PageSection, Readings, hookimpl
from collector_core.procfs import list_cgroup_trees
from collector_plugins.workloads import metrics
from collector_plugins.workloads.accounts import Accounts, SeriesName
from collector_plugins.workloads.attribution import Attribution
from collector_plugins.workloads.config import MOST_WORKLOADS, Config
from collector_plugins.workloads.cpu_use import Weights
from collector_plugins.workloads.guest_feeds import GuestFeeds
from collector_plugins.workloads.ledger import LedgerJoules
from collector_plugins.workloads.machine import Machine
from collector_plugins.workloads.name_lookup import NameLookup
from collector_plugins.workloads.names import Names
from collector_plugins.workloads.page import IDLE, NOBODY, PowerTable
from collector_plugins.workloads.paths import OTHER, Workload, WorkloadKind
from collector_plugins.workloads.state_file import StateFile
from collector_plugins.workloads.top import TopProcesses
from collector_plugins.workloads.watch import WatchedProcess
from collector_plugins.workloads.work import WorkMeters

if TYPE_CHECKING:
    from aiohttp import web

CHOOSE_SECONDS = 15.0
FIX = "mount the host's /sys and /proc below `root`, e.g. docker run --pid=host -v /:/host:ro, with root: /host"


class Workloads(Collector[Config]):
    """Hands each joule of the ledger to the workload that it was spent for."""

    name = "workloads"
    metrics = metrics.ALL
    config_type = Config
    default_max_series = 5 * MOST_WORKLOADS + 1000  # by four components, and what they are: no joule is left out
    needs_two_runs = True
    after_others = True

    def __init__(self, config: Config, ctx: Context) -> None:
        super().__init__(config, ctx)
        self._ledger = LedgerJoules(ctx)
        self._names = Names(ctx)
        self._lookup = NameLookup(config, ctx, self._names)
        self._accounts = Accounts(config.keep, config.max_workloads, self._names.series)
        self._attribution = Attribution(config, self._accounts)
        self._state = StateFile(ctx)
        self._work = WorkMeters(config.work, config.work_window)
        self._power = PowerTable()
        self._feeds = GuestFeeds(config.guests, ctx)
        self._top = TopProcesses(ctx.path("/proc"), self._owner_of, lambda: self._attribution.joules_per_cpu_second)
        self._watched: list[WatchedProcess] = []
        self._machine: Machine | None = None
        self._chosen_at = 0.0
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
        if self._machine is None:
            self._machine = self._new_machine()
            hierarchy = self._machine.groups.hierarchy
            self._watched = [WatchedProcess(each, self.config.leak, hierarchy, self.ctx) for each in self.config.watch]

    async def collect(self, out: Readings) -> None:
        """Read who used what, take the ledger's new joules and hand them out; raises `NotAvailable` without any."""
        assert self._machine is not None  # noqa: S101 - `open` has made it
        now, wall = self.ctx.clock.monotonic(), self.ctx.clock.time()
        busy, grown = self._machine.read_use()
        elapsed = now - self._read_at if self._read_at is not None else 0.0
        self._read_at = now
        self._attribution.record_use(elapsed, busy, grown)
        self._accounts.note_alive(grown, wall)
        for component, joules in self._ledger.take().items():
            self._hand_out(out, component, joules, wall)
        self._hand_out_gpus(elapsed, wall)
        self._end_workloads(wall)
        self._names.learn(self._machine.identities())
        self._follow_hierarchy(now)
        await self._lookup.refresh(grown)
        self._names.refresh(grown.keys() | self._accounts.workloads)
        self._publish(out)
        self._tell_guests(grown)
        self._power.record(now, self._joules_by_name())
        self._publish_work(out, now)
        self._publish_watched(out, elapsed)
        self._state.save(self._to_save)

    async def close(self) -> None:
        """Keep what was counted, and let go of every file."""
        self._state.save(self._to_save, is_last=True)
        await self._lookup.close()
        await self._feeds.close()
        for each in self._watched:
            each.close()
        if self._machine:
            self._machine.close()

    @hookimpl
    def collector_routes(self) -> Sequence[web.RouteDef]:
        """`/api/v1/workloads/top`; a second instance offers none: one path cannot answer for two."""
        return self._top.routes() if self.ctx.name == self.name else []

    @hookimpl
    def collector_page_sections(self) -> Sequence[PageSection]:
        """Who draws the most."""
        return [self._power.section()]

    def _owner_of(self, pid: str) -> Workload | None:
        """The workload of a process's control group; on any thread."""
        machine = self._machine
        return machine.processes.group_owner_of(pid) if machine else None

    def _new_machine(self) -> Machine:
        self._chosen_at = self.ctx.clock.monotonic()
        return Machine(self.ctx, self.config.groups)

    def _follow_hierarchy(self, now: float) -> None:
        """Of two hierarchies containers may come to be in the one that had none; each is followed from here on."""
        assert self._machine is not None  # noqa: S101
        if now - self._chosen_at >= CHOOSE_SECONDS:
            self._chosen_at = now
            if not self._machine.is_best_hierarchy():
                self._machine.close()
                self._machine = self._new_machine()
                self._machine.read_use()
                for each in self._watched:
                    each.follow(self._machine.groups.hierarchy)

    def _joules_by_name(self) -> dict[SeriesName, float]:
        """Joules so far of all components together, with those of nobody."""
        accounts = self._accounts
        joules = {IDLE: sum(accounts.idle.values()), NOBODY: sum(accounts.unattributed.values())}
        for name, _, value in accounts.energy():
            joules[name] = joules.get(name, 0.0) + value
        return joules

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

    def _hand_out_gpus(self, elapsed: float, wall: float) -> None:
        """GPUs are taken from the ledger once a driver has told which processes use one."""
        assert self._machine is not None  # noqa: S101
        use = self._machine.gpus.read(self.ctx.energy_meters(), elapsed)
        self._attribution.record_gpu_use(elapsed, use)
        if use or Component.GPU in self._accounts.measured:
            for device, joules in self._ledger.take_gpus().items():
                self._attribution.hand_out_gpu(device, joules, wall)

    def _end_workloads(self, wall: float) -> None:
        for workload in self._accounts.end_expired(wall):
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

    def _tell_guests(self, alive: Mapping[Workload, float]) -> None:
        """Each guest that runs its own joules, by the name of its series."""
        assert self._machine is not None  # noqa: S101
        if not self._feeds.is_needed:
            return
        joules: dict[str, dict[str, float]] = {}
        for series, component, value in self._accounts.energy():
            if series.kind == WorkloadKind.GUEST:
                joules.setdefault(series.name, {})[component] = value
        running = [self._names.series(each).name for each in self._machine.running_guests(alive)]
        self._feeds.tell(running, joules, self._accounts.measured)

    def _publish_work(self, out: Readings, now: float) -> None:
        def joules_of(kind: str, name: str) -> float:
            series = self._accounts.energy()
            return sum(joules for labels, _, joules in series if (labels.kind, labels.name) == (kind, name))

        self._work.publish(out, now, self._ledger.machine_joules, joules_of, self.ctx.published)

    def _publish_watched(self, out: Readings, elapsed: float) -> None:
        assert self._machine is not None  # noqa: S101
        available = self._machine.available_bytes() if self._watched else None
        for each in self._watched:
            with out.part(process=each.name):
                each.publish(out, elapsed, self._attribution.joules_per_cpu_second, available)

    def _to_save(self) -> dict[str, Any]:
        return {
            "accounts": self._accounts.state(),
            "idle": self._attribution.state(),
            "ledger": self._ledger.state(),
            "names": self._names.state(),
            "source": self._feeds.source,
        }

    def _restore(self, state: dict[str, Any]) -> None:
        self._accounts.restore(state["accounts"])
        self._ledger.restore(state["ledger"])
        self._names.restore(state["names"])
        self._attribution.restore(state["idle"])
        self._feeds.source = str(state.get("source", self._feeds.source))


@hookimpl
def collector_types() -> list[type[Collector[Any]]]:
    """The one collector of this plugin."""
    return [Workloads]


@hookimpl
def collector_demo_types() -> list[type[Collector[Any]]]:
    """Simulated workloads."""
    from collector_plugins.workloads.demo import DemoWorkloads  # noqa: PLC0415 - no other command needs it

    return [DemoWorkloads]
