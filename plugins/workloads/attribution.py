"""Hands the joules of each component to the workloads, run by run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from collector_core import Component
from collector_plugins.workloads.accounts import Accounts
from collector_plugins.workloads.config import Config
from collector_plugins.workloads.cpu_use import CpuUse, Weights
from collector_plugins.workloads.gpu_use import Busy
from collector_plugins.workloads.idle_power import IdlePower
from collector_plugins.workloads.ledger import ATTRIBUTED
from collector_plugins.workloads.paths import Workload
from collector_plugins.workloads.rules import IdleRule, Split, hand_out_reserved, split_energy


class Attribution:
    """Knows what was used since a component's joules were last handed out, and what it draws with nothing to do.

    `memory` gives who has how much memory now, `reserved` who reserved which ratio of the CPUs; both are only asked
    where the rule needs them.
    """

    def __init__(self, config: Config, accounts: Accounts) -> None:
        self._config = config
        self._accounts = accounts
        self._use: dict[str, CpuUse] = {component: CpuUse() for component in ATTRIBUTED}
        self._gpu_use: dict[str, CpuUse] = defaultdict(CpuUse)
        self._idle: dict[str, IdlePower] = defaultdict(IdlePower)
        self._joules_per_cpu_second: dict[str, float] = {}

    @property
    def joules_per_cpu_second(self) -> float | None:
        """What a CPU second cost in the last run, of all components that are handed out by CPU time."""
        return sum(self._joules_per_cpu_second.values()) if self._joules_per_cpu_second else None

    def record_use(self, seconds: float, busy: float, grown: Mapping[Workload, float]) -> None:
        """Take note of what was used in the last `seconds`."""
        for component, use in self._use.items():
            use.record(seconds, busy, grown, is_metered=component in self._accounts.measured)

    def record_gpu_use(self, seconds: float, use: Mapping[str, Busy]) -> None:
        """Take note of what GPUs did in the last `seconds`, those whose drivers tell."""
        for device, busy in use.items():
            self._gpu_use[device].record(seconds, busy.seconds, busy.by_workload)

    def hand_out_gpu(self, device: str, joules: float, now: float) -> None:
        """Split the joules that a GPU drew since the last time; those of one that nobody tells of are unattributed."""
        use = self._gpu_use.get(device)
        if joules <= 0 or use is None:
            self._accounts.record(Component.GPU, joules, Split({}, 0.0, joules), now)
            return
        seconds, load = use.seconds, use.busy / use.seconds if use.seconds else 0.0
        weights = use.take()
        idle = self._idle_joules(Component.GPU, f"gpu/{device}", joules, seconds, load)
        if self._config.idle is IdleRule.BY_USE:
            idle = 0.0
        self._accounts.record(Component.GPU, joules, split_energy(joules, idle, weights), now)

    def hand_out(
        self,
        component: str,
        joules: float,
        now: float,
        *,
        cpus: int,
        memory: Callable[[], Weights],
        reserved: Callable[[], Mapping[Workload, float]],
    ) -> None:
        """Split the joules that a component drew since the last time; while there are none, its use is kept."""
        use = self._use[component]
        if joules <= 0:
            self._accounts.record(component, 0.0, split_energy(0.0, 0.0, Weights({}, 0.0)), now)
            return
        seconds, load = use.seconds, use.busy / (use.seconds * cpus) if use.seconds and cpus else 0.0
        weights = use.take()
        if component == Component.DRAM:
            weights = memory()
        idle = self._idle_joules(component, component, joules, seconds, load)
        if self._config.idle is IdleRule.BY_USE:
            idle = 0.0
        if component != Component.DRAM:
            self._joules_per_cpu_second[component] = (joules - idle) / weights.total if weights.total else 0.0
        split = split_energy(joules, idle, weights)
        if self._config.idle is IdleRule.BY_RESERVATION:
            split = hand_out_reserved(split, reserved())
        self._accounts.record(component, joules, split, now)

    def forget(self, workload: Workload) -> None:
        """A workload has ended for good."""
        for use in (*self._use.values(), *self._gpu_use.values()):
            use.forget(workload)

    def state(self) -> dict[str, Any]:
        """What was learnt of idle power, for JSON."""
        return {component: idle.state() for component, idle in self._idle.items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take what `state` gave; raises `ValueError` or `TypeError` for anything else."""
        for component, learnt in state.items():
            self._idle[component].restore(learnt)

    def _idle_joules(self, component: str, key: str, joules: float, seconds: float, load: float) -> float:
        """Of what draws by itself, which `key` stands for: one GPU, or all of another component."""
        given = self._config.idle_watts.of(component)
        if given is None and seconds > 0:
            self._idle[key].record(joules / seconds, min(1.0, load), seconds)
        watts = self._idle[key].watts if given is None else given
        return min(joules, watts * seconds)
