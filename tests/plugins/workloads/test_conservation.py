"""Whatever comes, goes, moves and misreports: every joule has one owner, and no counter falls."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector_core.testing import Harness
from collector_plugins.workloads import Workloads, metrics
from collector_plugins.workloads.accounts import Accounts, SeriesName
from collector_plugins.workloads.config import MOST_WORKLOADS
from collector_plugins.workloads.cpu_use import CpuUse, Weights
from collector_plugins.workloads.paths import Workload, WorkloadKind
from collector_plugins.workloads.rules import Split, hand_out_reserved, split_energy
from tests.plugins.workloads.conftest import Host, Site

PATHS = (
    "/system.slice/a.service",
    f"/system.slice/a.service/docker-{'1' * 64}.scope",
    f"/system.slice/docker-{'2' * 64}.scope",
    "/kubepods.slice/kubepods-pod11111111_2222_3333_4444_555555555555.slice",
    f"/kubepods.slice/kubepods-pod11111111_2222_3333_4444_555555555555.slice/crio-{'3' * 64}.scope",
    "/user.slice/user-1000.slice/session-1.scope",
    "/slurm/uid_1/job_7/step_0",
    "/plain/group",
)
STEPS = st.lists(
    st.lists(
        st.tuples(
            st.sampled_from(["spend", "spend", "remove", "reset", "skew", "outside"]),
            st.sampled_from(PATHS),
            st.floats(0, 20),
        ),
        max_size=6,
    ),
    min_size=2,
    max_size=8,
)


def play(host: Host, action: str, path: str, amount: float) -> None:
    if action == "outside":
        host.spend_outside(amount)
    elif action == "spend" or path not in host.usage:
        host.make(path)
        host.spend(path, amount)
    elif action == "remove":
        host.remove(path)
    elif action == "reset":
        host.usage[path] *= 0.1
        host._write_group(path)
    elif action == "skew":
        host.usage[path] += amount / 10
        host._write_group(path)


def counters(site: Site) -> dict[tuple[str, ...], float]:
    found = {}
    for metric in (metrics.ENERGY, metrics.IDLE, metrics.UNATTRIBUTED, metrics.MEASURED, metrics.ENDED):
        found |= {(metric.name, *key): value for key, value in site.workloads.series(metric).items()}
    return found


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS, idle=st.sampled_from(["separate", "by_use", "by_reservation"]), limit=st.sampled_from([2, 500]))
def test_each_joule_has_one_owner_and_no_counter_falls(tmp_path_factory, steps, idle, limit):
    folder = tmp_path_factory.mktemp("host")
    with contextlib.ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder))
        host = Host(folder / "root")
        site = Site(
            host,
            lambda *args, **given: stack.enter_context(contextlib.closing(Harness(*args, **given))),
            idle=idle,
            max_workloads=limit,
            keep="15s",
        )
        before: dict[tuple[str, ...], float] = {}
        for number, step in enumerate(steps):
            for action in step:
                play(host, *action)
            site.package.watts = 20.0 + 17 * number
            site.run()
            now = counters(site)
            assert all(value >= before[key] for key, value in now.items() if key in before)
            assert all(key[0] == metrics.ENERGY.name for key in before.keys() - now.keys()), "only workloads end"
            before = now


@given(
    st.floats(0, 1e9),
    st.floats(0, 1),
    st.lists(st.dictionaries(st.sampled_from("abc"), st.floats(-5, 5)), max_size=8),
    st.floats(0, 20),
    st.dictionaries(st.sampled_from("abcd"), st.floats(0, 3)),
)
def test_a_split_adds_up_and_nothing_is_negative(joules, idle, looks, busy, reserved):
    use = CpuUse()
    for grown in looks:
        use.record(1.0, busy, {Workload(WorkloadKind.UNIT, name): seconds for name, seconds in grown.items()})
    split = split_energy(joules, idle * joules, use.take())
    split = hand_out_reserved(split, {Workload(WorkloadKind.UNIT, name): ratio for name, ratio in reserved.items()})
    parts = [*split.by_workload.values(), split.idle, split.unattributed]
    assert min(parts) >= -1e-9 * max(1.0, joules)
    assert sum(parts) == pytest.approx(joules, rel=1e-9, abs=1e-9)


@given(st.lists(st.floats(-3, 5), min_size=1, max_size=40))
def test_no_cpu_time_counts_twice_whatever_the_order_of_reading(differences):
    """What is handed out is the most that was ever used by then: no difference that is taken back counts."""
    workload, use = Workload(WorkloadKind.UNIT, "a"), CpuUse()
    handed_out = total = highest = 0.0
    for difference in differences:
        use.record(1.0, 10.0, {workload: difference})
        handed_out += use.take().by_workload.get(workload, 0.0)
        total += difference
        highest = max(highest, total)
    assert handed_out == pytest.approx(highest, abs=1e-6)


def test_workloads_beyond_the_limit_are_summed():
    accounts = Accounts(60.0, 2, lambda workload: SeriesName(workload.kind, workload.id, "", ""))
    use = CpuUse()
    use.record(1.0, 10.0, {Workload(WorkloadKind.UNIT, str(number)): float(number) for number in range(1, 5)})
    accounts.record("cpu", 10.0, split_energy(10.0, 0.0, use.take()), 0.0)
    assert {name.name: joules for name, _, joules in accounts.energy()} == {"4": 4.0, "3": 3.0, "other": 3.0}


def record(accounts: Accounts, now: float, **shares: float) -> None:
    use = CpuUse()
    use.record(1.0, sum(shares.values()), {Workload(WorkloadKind.UNIT, name): share for name, share in shares.items()})
    accounts.record("cpu", sum(shares.values()), split_energy(sum(shares.values()), 0.0, use.take()), now)


def test_only_what_has_ended_makes_room_and_does_not_come_back_with_less_at_once():
    accounts = Accounts(60.0, 2, lambda workload: SeriesName(workload.kind, workload.id, "", ""))
    record(accounts, 0.0, a=5.0, b=4.0)
    accounts.note_alive([Workload(WorkloadKind.UNIT, "b"), Workload(WorkloadKind.UNIT, "c")], 10.0)
    record(accounts, 10.0, c=3.0, b=2.0, a=1.0)
    assert {name.name: joules for name, _, joules in accounts.energy()} == {"b": 6.0, "c": 3.0, "other": 1.0}
    assert accounts.ended["cpu"] == 5.0


def test_what_ran_while_a_component_drew_nothing_for_long_is_forgotten():
    use = CpuUse()
    for number in range(100):
        use.record(60.0, 60.0, {Workload(WorkloadKind.CONTAINER, str(number)): 1.0})
    assert len(use.take().by_workload) <= 12


def test_what_ran_while_a_meter_was_silent_for_long_is_kept_in_one_sum_for_what_has_ended():
    use, living = CpuUse(), Workload(WorkloadKind.UNIT, "a")
    for number in range(100):
        ended = Workload(WorkloadKind.CONTAINER, str(number))
        use.record(60.0, 60.0, {living: 3.0, ended: 1.0}, is_metered=True)
    assert (use.seconds, use.busy) == (6000.0, 6000.0)
    by_workload, rest = use.take()
    assert (by_workload[living], rest) == (300.0, 5600.0)
    assert sum(by_workload.values()) == 400.0
    assert len(by_workload) <= 14


def test_a_clock_that_is_set_back_keeps_no_series_for_ever():
    accounts = Accounts(15.0, 2, lambda workload: SeriesName(str(workload.kind), workload.id, "", ""))
    record(accounts, 1e6, a=1.0)
    accounts.note_alive([], 10.0)
    assert accounts.end_expired(24.0) == []
    assert [workload.id for workload in accounts.end_expired(26.0)] == ["a"]


def test_no_series_is_left_out_however_many_workloads_are_allowed():
    components, infos = 4, 1
    assert Workloads.default_max_series > (components + infos) * MOST_WORKLOADS


def test_a_new_workload_takes_no_account_of_one_that_goes_on():
    accounts = Accounts(15.0, 2, lambda workload: SeriesName(str(workload.kind), workload.id, "", ""))
    a, b, c = (Workload(WorkloadKind.UNIT, name) for name in "abc")
    accounts.record("cpu", 30.0, Split({a: 20.0, c: 10.0}, 0.0, 0.0), 0.0)
    accounts.note_alive([a, b, c], 10.0)
    accounts.record("cpu", 30.0, Split({b: 20.0, a: 9.0, c: 1.0}, 0.0, 0.0), 10.0)
    assert {name.name: joules for name, _, joules in accounts.energy()} == {"a": 29.0, "c": 11.0, "other": 20.0}
    accounts.note_alive([a, b], 20.0)
    accounts.record("cpu", 20.0, Split({b: 20.0}, 0.0, 0.0), 20.0)
    assert {name.name: joules for name, _, joules in accounts.energy()} == {"a": 29.0, "b": 20.0, "other": 20.0}
    assert accounts.ended["cpu"] == 11.0


@given(st.lists(st.floats(1e-3, 10), min_size=1, max_size=9), st.floats(1, 1e6))
def test_a_rest_that_is_rounding_alone_takes_nothing_back(used, joules):
    weights = Weights({Workload(WorkloadKind.UNIT, str(number)): each for number, each in enumerate(used)}, 1e-16)
    assert split_energy(joules, 0.0, weights).unattributed >= 0
