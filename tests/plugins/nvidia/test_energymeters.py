"""The GPUs of this machine as energy meters, read through a driver library that says what the test decides."""

import sys
import threading

import pytest

from collector_core import NotAvailable
from collector_core.energy import EnergyMonitor, choose
from collector_plugins.nvidia import Nvidia, metrics
from collector_plugins.nvidia.energy import GpuEnergy
from collector_plugins.nvidia.gpu import Gpu, Series
from collector_plugins.nvidia.quicknvml import QuickNvml


@pytest.fixture
def nvidia(nvml, collector_harness):
    def make(**options):
        return collector_harness(Nvidia, **{"local": "nvml", "local_name": "here"} | options)

    return make


def meters(harness):
    return {meter.name: meter for meter in harness.collector.collector_energy_meters()}


def test_each_gpu_of_this_machine_is_a_meter(nvidia):
    harness = nvidia()
    assert meters(harness) == {}
    harness.run()
    found = meters(harness)
    assert set(found) == {"gpu GPU-0 (nvml_counter)", "gpu GPU-1 (nvml_counter)"}
    meter = found["gpu GPU-0 (nvml_counter)"]
    assert (meter.uncertainty, meter.period) == (0.05, 0.1)


def test_a_meter_asks_the_driver_now_and_the_collector_goes_on_from_there(nvidia, nvml):
    harness = nvidia()
    harness.run()
    meter = meters(harness)["gpu GPU-0 (nvml_counter)"]
    assert meter.latest() == (0.0, harness.clock.monotonic(), 0)
    nvml.say("0 energy 1400000")
    harness.clock.advance(1.0)
    assert meter.latest().joules == 0.0
    assert meter.read() == (pytest.approx(400.0), harness.clock.monotonic(), 0)
    assert meter.latest().joules == pytest.approx(400.0)
    nvml.say("0 energy 1500000")
    harness.run(advance=1.0)
    assert meters(harness)["gpu GPU-0 (nvml_counter)"].latest().joules == pytest.approx(500.0)


def test_without_a_counter_the_power_is_read_and_added_up(nvidia, nvml):
    nvml.say("* energy error 3")
    harness = nvidia()
    harness.run()
    (meter,) = [each for name, each in meters(harness).items() if name == "gpu GPU-0 (power_integral)"]
    assert meter.uncertainty == 0.1
    nvml.say("0 power 200000")
    harness.clock.advance(2.0)
    assert meter.read().joules == pytest.approx(300.0), "100 W at first, 200 W in the end"
    harness.clock.advance(1000.0)
    assert meter.read().unknown_gaps == 1


def test_a_gpu_that_is_gone_says_so_and_is_read_again_when_it_is_back(nvidia, nvml):
    harness = nvidia()
    harness.run()
    meter = meters(harness)["gpu GPU-0 (nvml_counter)"]
    nvml.say("0 energy error 15")
    with pytest.raises(NotAvailable, match="the GPU is lost"):
        meter.read()
    nvml.say("0 energy 1100000")
    assert meter.read().joules == pytest.approx(100.0)


def test_simulated_gpus_are_no_meters(nvidia):
    harness = nvidia(local="demo")
    harness.run()
    assert meters(harness) == {}


def test_gpus_of_other_hosts_are_no_meters_of_this_machine(collector_harness, sshd):
    server, _ = sshd("good")
    harness = collector_harness(Nvidia, local="off", hosts=[{"name": "good", **server.options}])
    harness.run()
    assert harness.value(metrics.HOST_UP, host="good", source="ssh") == 1
    found = meters(harness).values()
    assert {meter.host for meter in found} == {"good"}
    assert choose(found) == []


def test_a_gpu_that_only_nvidia_smi_knows_names_what_is_missing(local, monkeypatch):
    harness = local()
    harness.run()
    (meter,) = meters(harness).values()
    assert meter.name == "gpu GPU-0 (power_integral)"
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with pytest.raises(NotAvailable, match="nvidia-ml-py is not installed") as caught:
        meter.read()
    assert "pip install" in caught.value.fix


def test_a_reading_that_comes_late_does_not_make_the_counter_fall():
    energy = GpuEnergy(15.0)
    for counter, now in ((1000.0, 1.0), (1200.0, 3.0), (1100.0, 2.0), (1300.0, 4.0)):
        energy.update(Gpu("0", "GPU-0", {}, counter), now)
    assert energy.latest() == (300.0, 4.0, 0)


def test_many_threads_may_read(nvml):
    reader, found = QuickNvml(), []
    gpu = Gpu("0", "GPU-0", {})
    threads = [
        threading.Thread(target=lambda: found.extend(reader.read(gpu).counter for _ in range(20))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reader.close()
    reader.close()
    assert found == [1000.0] * 80


def test_a_monitor_measures_them(nvidia, nvml):
    harness = nvidia()
    harness.run()
    monitor = EnergyMonitor("hardware", meters=list(meters(harness).values()), clock=harness.clock)
    with monitor.measure() as m:
        nvml.say("0 energy 1300000", "1 energy 2100000")
        harness.clock.advance(1.0)
    monitor.close()
    assert m.energy_joules == pytest.approx(400.0)
    assert m.method == "nvml_counter"


def gpu(counter=None, power=None, limit=300.0):
    said = {metrics.POWER: power, metrics.POWER_LIMIT: limit}
    series = {Series(metric): value for metric, value in said.items() if value is not None}
    return Gpu("0", "GPU-0", series, counter)


@pytest.mark.parametrize("told", [0.0, 900_000.0])
def test_a_counter_that_jumps_and_returns_adds_what_was_drawn(told):
    energy = GpuEnergy(15.0)
    for second, counter in enumerate([5e5, 5e5 + 100, 5e5 + 200, told, 5e5 + 400, 5e5 + 500]):
        energy.update(gpu(counter, 100.0), float(second))
    assert energy.latest() == (pytest.approx(500.0), 5.0, 0)


def test_a_power_that_the_gpu_cannot_draw_never_counts():
    energy = GpuEnergy(15.0)
    for second in range(25):
        energy.update(gpu(power=4_294_967.295 if second > 3 else 100.0), float(second))
    assert energy.latest().joules == pytest.approx(300.0)
    assert energy.max_watts == 600.0


def test_a_meter_says_how_long_each_process_kept_its_gpu_busy(nvidia, nvml):
    nvml.say("0 process_utilization 40", "0 process_time 1000000")
    harness = nvidia()
    harness.run()
    nvml.say("0 process_utilization 50", "0 process_time 2000000")
    harness.run(advance=10.0)
    harness.run(advance=10.0)  # without a new sample nobody has used it
    found = meters(harness)
    assert found["gpu GPU-0 (nvml_counter)"].busy_by_process() == {4711: pytest.approx(5.0)}
    assert found["gpu GPU-1 (nvml_counter)"].busy_by_process() is None, "its driver does not tell"
