"""Which of the meters count at a level."""

import pytest

from collector_core.measure.levels import Level, chosen


def names(level, machine):
    return sorted(meter.name for meter in chosen(Level(level), machine.meters))


@pytest.mark.parametrize("level", ["auto", "estimate"])
def test_what_is_inside_another_thing_is_not_added_to_it(machine, level):
    machine.add("cpu", "cpu", 100.0, "model")
    machine.add("cpu", "vm-1", 30.0, "model", inside="cpu")
    assert names(level, machine) == ["cpu cpu (model)"]


def test_one_thing_is_known_by_its_most_trusted_method(machine):
    machine.add("gpu", "GPU-0", 300.0, "power_integral")
    machine.add("gpu", "GPU-0", 300.0, "nvml_counter")
    machine.add("gpu", "GPU-1", 300.0, "power_integral")
    assert names("auto", machine) == ["gpu GPU-0 (nvml_counter)", "gpu GPU-1 (power_integral)"]


def test_models_of_two_processors_count_both_where_neither_is_measured(machine):
    machine.add("cpu", "package-0", 100.0, "model")
    machine.add("cpu", "package-1", 100.0, "model")
    machine.add("dram", "dram", 10.0)
    assert len(names("auto", machine)) == 3
    assert names("hardware", machine) == ["dram dram (rapl)"]


def test_a_meter_of_the_whole_machine_is_the_system(machine):
    machine.add("host", "psys", 150.0, covers=frozenset({"cpu", "dram"}))
    machine.add("cpu", "package-0", 100.0)
    machine.add("host", "rack-outlet", 200.0, "meter")
    machine.add("host", "guess", 120.0, "model")
    assert "host guess (model)" not in names("system", machine)
    assert names("hardware", machine) == ["cpu package-0 (rapl)"]
