"""What a measured piece of work is said to have used, on a machine whose power is known."""

import asyncio
import json
import os
import subprocess
import sys
import threading

import pytest

from collector_core import NotAvailable
from collector_core.energy import EnergyMonitor, Level, Measurement


def test_a_meter_that_begins_anew_meanwhile_is_no_energy(machine):
    package = machine.add("cpu", "package-0", 50)
    monitor = machine.monitor()
    machine.advance(10)
    with monitor.measure() as m:
        machine.advance(1)
        package.joules = 3.0
    assert m.energy_joules is None
    assert m.problems == ("cpu package-0 (rapl): was reset during the measurement",)


def test_energy_is_the_machines_while_the_work_ran_without_what_measuring_cost(server):
    monitor = server.monitor()
    with monitor.measure("work") as m:
        server.advance(10.0)
    assert m.duration_seconds == pytest.approx(10.0)
    assert m.energy_joules == pytest.approx(2200.0)
    assert m.raw_energy_joules == pytest.approx(2200.0 + 220.0 * 4 * server.read_seconds)
    assert m.overhead_joules == pytest.approx(m.raw_energy_joules - m.energy_joules)
    assert m.components == {"cpu": pytest.approx(2000.0), "dram": pytest.approx(200.0)}
    assert (m.label, m.level, m.method, m.estimated, m.problems) == ("work", "auto", "rapl", False, ())
    assert m.uncertainty_ratio == pytest.approx(0.05 + 0.001 / 10 + m.overhead_joules / m.energy_joules)
    assert (m.period_seconds, m.shorter_than_period) == (0.001, False)


def test_what_the_machine_would_have_used_anyway_is_told(server):
    monitor = server.monitor()
    for source in server.sources.values():
        source.watts *= 3
    with monitor.measure() as m:
        server.advance(10.0)
    assert m.idle_joules == pytest.approx(2200.0)
    assert m.energy_joules == pytest.approx(6600.0)
    monitor.watch_idle(0.0)
    with monitor.measure() as m:
        server.advance(10.0)
    assert m.idle_joules == pytest.approx(6600.0)


def test_a_block_shorter_than_the_meters_period_is_marked_and_not_0_joules(machine):
    machine.read_seconds = 0.01
    machine.add("cpu", "package-0", 100.0)
    machine.add("gpu", "GPU-0", 300.0, "nvml_counter", period=0.1)
    with machine.monitor().measure() as m:
        machine.advance(0.05)
    assert (m.energy_joules, m.shorter_than_period, m.period_seconds) == (None, True, 0.1)
    assert m.components == {"cpu": pytest.approx(5.0)}
    assert m.problems == ("gpu GPU-0 (nvml_counter): is updated only every 0.1 s, and the block took 0.05 s",)
    assert "energy_joules" not in m.to_dict()


def test_a_counter_that_stands_still_is_not_0_joules(server):
    monitor = server.monitor()
    server.sources["dram-0"].watts = 0.0
    with monitor.measure() as m:
        server.advance(1.0)
    assert m.energy_joules is None
    assert m.components == {"cpu": pytest.approx(200.0)}, "the other half of the memory is not the memory"
    assert m.problems == ("dram dram-0 (rapl): did not advance in 1 s",)


def test_energy_with_an_unknown_gap_in_it_is_unknown(server):
    monitor = server.monitor()
    with monitor.measure() as m:
        server.advance(1.0)
        server.sources["package-1"].gaps += 1
    assert m.energy_joules is None
    assert m.problems == ("cpu package-1 (rapl): its energy was unknown for some of the time",)
    with monitor.measure() as m:
        server.advance(1.0)
    assert m.energy_joules == pytest.approx(220.0), "the gap was before"


def test_a_meter_that_fails_for_good_costs_its_component_and_one_that_was_busy_nothing(server):
    monitor = server.monitor()
    with monitor.measure() as m:
        server.advance(1.0)
        server.sources["package-0"].failures = 2
    assert m.energy_joules == pytest.approx(220.0, rel=0.01)
    with monitor.measure() as m:
        server.advance(1.0)
        server.sources["package-0"].failures = 10
    assert (m.energy_joules, set(m.components)) == (None, {"dram"})
    assert m.problems == ("cpu package-0 (rapl): OSError: the driver is busy",)


def everything(machine):
    machine.add("cpu", "package-0", 100.0)
    machine.add("dram", "package-0-dram", 10.0)
    machine.add("host", "psys", 150.0, covers=frozenset({"cpu", "dram"}))
    machine.add("gpu", "GPU-0", 300.0, "nvml_counter", period=0.1)
    machine.add("cpu", "vm-1", 30.0, "model", inside="cpu")
    machine.add("cpu", "cpu", 120.0, "model", uncertainty=0.3)
    machine.add("battery", "garage", 900.0, "meter")
    machine.add("plug", "heater", 2000.0, "meter")
    return machine


@pytest.mark.parametrize(
    ("level", "joules", "method"),
    [
        ("auto", {"cpu": 1000, "dram": 100, "gpu": 3000}, "rapl+nvml_counter"),
        ("hardware", {"cpu": 1000, "dram": 100, "gpu": 3000}, "rapl+nvml_counter"),
        ("system", {"host": 1500}, "rapl"),
        ("estimate", {"cpu": 1200}, "model"),
    ],
)
def test_a_level_says_which_meters_count(machine, level, joules, method):
    monitor = everything(machine).monitor(level)
    with monitor.measure() as m:
        machine.advance(10.0)
    assert m.components == pytest.approx(joules)
    assert m.energy_joules == pytest.approx(sum(joules.values()))
    assert m.method == monitor.method == method
    assert m.estimated == (level == "estimate")


def test_other_methods_are_read_too_and_their_disagreement_is_told(machine):
    monitor = everything(machine).monitor()
    with monitor.measure() as m:
        monitor.sample()
        machine.advance(10.0)
    found = {each.method + " " + each.component: each for each in m.disagreements}
    assert found.keys() == {"rapl host", "model cpu"}
    assert found["model cpu"].energy_joules == pytest.approx(1200, rel=0.001)
    assert found["model cpu"].ratio == pytest.approx(0.2)
    assert found["rapl host"].ratio == pytest.approx(150 / 110 - 1)


def test_a_short_block_does_not_wait_for_other_methods(machine, monkeypatch):
    monkeypatch.setattr("collector_core.measure.sampler.INTERVAL_SECONDS", 60.0)
    with everything(machine).monitor().measure() as m:
        machine.advance(10.0)
    assert m.energy_joules == pytest.approx(4100.0)
    assert m.disagreements == ()
    assert machine.sources["cpu"].reads == machine.sources["psys"].reads == 2, "while the monitor was made"


def test_the_parts_are_held_against_the_platform_as_a_whole(machine):
    monitor = everything(machine).monitor("system")
    with monitor.measure() as m:
        monitor.sample()
        machine.advance(10.0)
    assert [(each.component, each.ratio) for each in m.disagreements if each.method == "rapl"] == [
        ("cpu+dram", pytest.approx(110 / 150 - 1))
    ]


def test_where_there_is_nothing_else_the_platform_is_the_hardware(machine):
    machine.add("host", "psys", 150.0)
    assert [meter.name for meter in machine.monitor("hardware").meters] == ["host psys (rapl)"]


def test_an_unknown_level_names_all_there_are(machine):
    with pytest.raises(ValueError, match="there is no level 'hardwear'; use one of auto, hardware, system, estimate"):
        machine.monitor("hardwear")


@pytest.mark.parametrize("level", ["auto", *list(Level)])
def test_a_level_without_a_meter_says_why_and_what_helps(machine, level):
    with pytest.raises(NotAvailable, match=f"no energy can be measured at level {level}") as caught:
        machine.monitor(level)
    assert caught.value.fix


def test_a_level_that_cannot_be_had_names_those_that_can_and_why_its_meters_fail(machine):
    machine.add("cpu", "package-0", 100.0).failures = 100
    machine.add("dram", "dram-0", 10.0).says = None
    machine.add("dram", "dram-1", 10.0).says = None
    machine.add("cpu", "cpu", 120.0, "model")
    with pytest.raises(NotAvailable) as caught:
        machine.monitor("hardware")
    assert "cpu package-0 (rapl): OSError: the driver is busy" in str(caught.value)
    assert "dram dram-0 (rapl), dram dram-1 (rapl): has not counted anything yet" in str(caught.value)
    assert caught.value.fix == "use level estimate"


def test_nested_measurements_do_not_disturb_each_other(server):
    monitor = server.monitor()
    with monitor.measure("outer") as outer:
        server.advance(1.0)
        with monitor.measure("inner") as inner:
            server.advance(2.0)
        server.advance(3.0)
    assert inner.energy_joules == pytest.approx(440.0)
    assert outer.energy_joules == pytest.approx(1320.0, rel=0.001)


async def test_measurements_of_coroutines_overlap(server):
    monitor = server.monitor()
    turn = asyncio.Event()

    async def first():
        async with monitor.measure("first") as m:
            server.advance(1.0)
            await turn.wait()
        return m

    task = asyncio.create_task(first())
    await asyncio.sleep(0)
    async with monitor.measure("second") as second:
        turn.set()
        one = await task
        server.advance(4.0)
    assert one.energy_joules == pytest.approx(220.0, rel=0.01)
    assert second.energy_joules == pytest.approx(880.0, rel=0.01)


def test_threads_measure_at_once(server):
    monitor, barrier, found = server.monitor(), threading.Barrier(5), []

    def work():
        with monitor.measure() as m:
            barrier.wait()
            barrier.wait()
        found.append(m)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    barrier.wait()
    server.advance(10.0)
    barrier.wait()
    for thread in threads:
        thread.join()
    assert [m.energy_joules for m in found] == pytest.approx([2200.0] * 4, rel=0.01)


def test_start_and_stop_end_the_latest_of_this_thread_or_the_one_that_is_given(server):
    monitor = server.monitor()
    outer = monitor.start("outer")
    monitor.start("inner")
    server.advance(1.0)
    inner = monitor.stop()
    server.advance(1.0)
    assert monitor.stop(outer) is outer
    assert (inner.label, outer.label) == ("inner", "outer")
    assert inner.energy_joules == pytest.approx(220.0)
    assert outer.energy_joules == pytest.approx(440.0, rel=0.01)
    with pytest.raises(RuntimeError, match="stop\\(\\) without start\\(\\)"):
        monitor.stop()
    with pytest.raises(RuntimeError, match="has ended"):
        monitor.stop(outer)


def test_every_call_of_a_decorated_function_is_measured(server):
    found = []
    monitor = server.monitor(on_finished=found.append)

    @monitor.measure("call")
    def work(seconds, *, again=True):
        """Documented."""
        server.advance(seconds)
        return work(seconds, again=False) if again else "done"

    assert work(1.0) == "done"
    assert work.__doc__ == "Documented."
    assert [m.energy_joules for m in found] == pytest.approx([220.0, 440.0], rel=0.01)


async def test_a_decorated_coroutine_function_is_measured_until_it_returns(server):
    found = []

    @server.monitor(on_finished=found.append).measure("call")
    async def work():
        await asyncio.sleep(0)
        server.advance(1.0)
        return "done"

    assert await work() == "done"
    assert [m.energy_joules for m in found] == [pytest.approx(220.0)]


def test_a_generator_function_is_refused(server):
    with pytest.raises(TypeError, match="is a generator"):

        @server.monitor().measure()
        def work():
            yield


def test_work_that_raises_is_measured_and_the_error_goes_on(server):
    monitor = server.monitor()
    with pytest.raises(ZeroDivisionError), monitor.measure() as m:
        server.advance(1.0)
        raise ZeroDivisionError
    assert m.energy_joules == pytest.approx(220.0)


def test_one_block_is_not_measured_twice_at_once(server):
    block = server.monitor().measure()
    with block, pytest.raises(RuntimeError, match="call measure\\(\\) for each"), block:
        pass


def test_before_the_end_nothing_is_known_but_what_it_would_be_now(server):
    monitor = server.monitor()
    with monitor.measure("work") as m:
        server.advance(1.0)
        with pytest.raises(AttributeError, match="energy_joules is known once the measurement has ended"):
            _ = m.energy_joules
        assert monitor.so_far(m).energy_joules == pytest.approx(220.0)
        server.advance(1.0)
    assert m.energy_joules == pytest.approx(440.0, rel=0.01)
    with pytest.raises(RuntimeError, match="has ended"):
        monitor.so_far(m)
    with pytest.raises(AttributeError, match="has no 'energy'"):
        _ = m.energy


def test_a_result_is_plain_data(server):
    with server.monitor().measure("work") as m:
        server.advance(1.0)
    data = json.loads(json.dumps(m.to_dict()))
    assert data["label"] == "work"
    assert data["energy_joules"] == pytest.approx(220.0)
    assert None not in data.values()
    assert set(data) <= set(Measurement.__slots__)


def test_closing_is_legal_at_any_time(server):
    monitor = server.monitor()
    with monitor.measure():
        server.advance(1.0)
    monitor.close()
    monitor.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "energy-sampler"]


def test_importing_it_imports_no_server_and_no_database():
    code = (
        "import sys; from collector_core.energy import EnergyMonitor, Measurement; "
        "heavy = {'aiohttp', 'http.client', 'prometheus_client', 'sqlalchemy', 'sqlite3', 'psutil'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert EnergyMonitor.__doc__


def test_a_rise_that_the_device_cannot_draw_is_no_energy(machine):
    gpu = machine.add("gpu", "gpu-0", 300.0, "nvml_counter", max_watts=900.0)
    monitor = machine.monitor()
    with monitor.measure() as m:
        machine.advance(10.0)
        gpu.joules += 94e6
    assert m.energy_joules is None
    assert len(m.problems) == 1
    assert "the device draws 900 W at most" in m.problems[0]
    with monitor.measure() as m:
        machine.advance(10.0)
    assert m.energy_joules == pytest.approx(3000.0, rel=0.01)


def test_a_measurement_says_where_it_was_taken_and_what_was_done(server, tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text("processor\t: 0\nmodel name\t: Example 3000\n")
    with server.monitor(root=tmp_path).measure("send", work={"gas": 21_000}) as m:
        server.advance(1.0)
        m.work["bytes"] = 110
    assert (m.host, m.processor) == (os.uname().nodename, "Example 3000")
    assert m.to_dict()["work"] == {"gas": 21_000, "bytes": 110}
    with server.monitor(root=tmp_path / "empty").measure("idle") as other:
        server.advance(1.0)
    assert (other.processor, "work" in other.to_dict()) == ("", False)
