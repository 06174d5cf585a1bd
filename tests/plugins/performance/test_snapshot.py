"""One snapshot of everything: what is in it, what is absent, and rates."""

import json

import pytest

from collector_plugins.performance.config import Config

HOST = """\
system_cpu_usage_ratio 0.25
system_cpu_core_usage_ratio{cpu="0"} 0.5
system_cpu_core_usage_ratio{cpu="1"} 0.0
energy_power_watts{component="cpu",device="0",method="rapl"} 40
energy_power_watts{component="cpu",device="1",method="rapl"} 30
energy_power_watts{component="gpu",device="a",method="nvml_counter"} 200
# TYPE system_network_receive_bytes_total counter
system_network_receive_bytes_total{device="eth0"} 1000
system_network_receive_bytes_total{device="eth1"} 50
nvidia_gpu_power_watts{host="rack-7",gpu="0",uuid="a"} 200
"""


def newest(node):
    return json.loads(node.collector._state.snapshots[-1].text)


def test_figures_are_combined_as_they_mean(node):
    made = node()
    made.run(HOST)
    snapshot = newest(made)
    assert (snapshot["node_id"], snapshot["timestamp_seconds"]) == ("rack-7", 1_700_000_000.0)
    components = {"cpu/rapl": 70, "gpu/nvml_counter": 200}
    assert snapshot["energy"] == {"power_watts": 270, "component_power_watts": components}
    assert snapshot["cpu"] == {"usage_ratio": 0.25, "core_usage_ratio": {"0": 0.5, "1": 0.0}, "power_watts": 70}
    assert snapshot["gpu"] == {"power_watts": {"rack-7/0": 200}}


def test_a_plugin_that_nobody_knows_has_a_section_for_what_its_series_are_about(node):
    made = node()
    made.run('shelly_power_watts{plug="lamps"} 40\nshelly_power_watts{plug="fan"} 12\nshelly_waterings_total 3\n')
    assert newest(made)["greenhouse"] == {"power_watts": {"lamps": 40, "fan": 12}}
    made.run("shelly_waterings_total 5\n", advance=10)
    assert newest(made)["greenhouse"] == {"waterings_per_second": 0.2}


def test_a_section_that_nobody_designed_is_bounded(node):
    made = node()
    made.run("".join(f'shelly_power_watts{{plug="{number}"}} 1\n' for number in range(80)))
    assert len(newest(made)["greenhouse"]["power_watts"]) == 50


def test_a_gpu_of_a_plugin_with_other_labels_is_a_gpu_too(node):
    made = node()
    made.run('nvidia_gpu_power_watts{host="rack-7",gpu="0"} 200\nother_gpu_power_watts{card="amd-0"} 90\n')
    assert newest(made)["gpu"] == {"power_watts": {"rack-7/0": 200, "amd-0": 90}}


def test_an_estimate_says_that_it_is_one(node):
    made = node()
    made.run(HOST.replace('"rapl"', '"model"'))
    assert newest(made)["energy"]["estimated_power_watts"] == 70


def test_what_nobody_shows_is_absent(node):
    made = node()
    made.run()
    assert set(newest(made)) == {"node_id", "timestamp_seconds"}


def test_rates_need_two_looks_and_survive_a_counter_that_begins_anew(node):
    made = node()
    made.run(HOST)
    assert "network" not in newest(made)
    made.run(HOST.replace(" 1000", " 1600"), advance=10)
    assert newest(made)["network"] == {"receive_bytes_per_second": 60}
    made.run(HOST.replace(" 1000", " 5").replace(" 50\n", " 70\n"), advance=10)
    assert newest(made)["network"] == {"receive_bytes_per_second": 2}, "only the one that goes on counts"
    made.run(HOST.replace(" 1000", " 25").replace(" 50\n", " 70\n"), advance=10)
    assert newest(made)["network"] == {"receive_bytes_per_second": 2}


def test_snapshots_are_kept_as_long_as_they_should(node):
    made = node(retention=60)
    for _ in range(10):
        made.run(HOST, advance=15)
    times = [kept.time for kept in made.collector._state.snapshots]
    assert [time - times[-1] for time in times] == [-45, -30, -15, 0]
    assert "performance_history_snapshots 4.0" in made.harness.exposition()


@pytest.mark.parametrize("target", ["router", "router:0", "router:99999", "http://router:80", ":80", "::1:80", 5])
def test_a_target_is_host_and_port(target):
    with pytest.raises(ValueError, match="host:port|instance of Target"):
        Config(targets={"router": target})


def test_a_target_may_be_an_ipv6_address():
    assert Config(targets={"router": "[2001:db8::1]:443"}).targets["router"].host == "2001:db8::1"
