"""`run --demo`: the whole program on a machine without anything, for trying dashboards."""

import re
import subprocess

import pytest

# promtool would have bytes; a strength of 128 bits is not a size. A forecast is no summary, and has quantiles.
LINTED = re.compile(
    r'quantum_security_level .*|(sites_)?forecast_\w+ non-summary metrics should not have "quantile" label'
)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("root")


@pytest.fixture
def demo(start_shared, eventually, root):
    program = start_shared("demo", "--demo", "--root", root)
    components = [("energy_power_watts", {"component": component}) for component in ("cpu", "dram", "gpu")]
    watched = (*components, ("qemu_vm_power_watts", {}), ("solix_output_power_watts", {"name": "Rack"}))
    for metric, labels in watched:
        eventually(lambda metric=metric, labels=labels: of(program.samples(), metric, **labels))
    return program


def of(samples, metric, /, **labels):
    wanted = [f'{key}="{value}"' for key, value in labels.items()]
    return {
        series: v
        for series, v in samples.items()
        if series.startswith(f"{metric}{{") and all(w in series for w in wanted)
    }


def test_every_series_says_that_it_is_simulated_and_promtool_has_nothing_to_say(demo, require):
    samples = demo.samples()
    assert len(samples) > 800
    assert [series for series in samples if 'demo="true"' not in series] == []

    promtool = require("promtool")
    text = demo.request("/metrics").body
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, check=False, timeout=30)
    found = [line for line in done.stderr.decode().splitlines() if not LINTED.fullmatch(line)]
    assert (found, done.stdout) == ([], b"")
    assert done.returncode in (0, 3), "3: promtool read all of it and has a remark"


def test_the_numbers_are_plausible_and_fit_together(demo):
    samples, watts = demo.samples(), {}
    for series, value in of(samples, "energy_power_watts").items():
        component = re.search(r'component="(\w+)"', series)[1]
        watts[component] = watts.get(component, 0.0) + value
    assert {"cpu", "dram", "gpu"} <= watts.keys() <= {"cpu", "dram", "gpu", "host"}
    assert 0 <= watts.get("host", 0) < 650, "what the power station feeds beside them, once its first watts are known"
    assert 40 < watts["cpu"] < 260
    assert 8 < watts["dram"] < 40
    assert 60 < watts["gpu"] <= 260

    guests = sum(of(samples, "qemu_vm_power_watts").values())
    machine = sum(of(samples, "energy_power_watts").values())
    assert guests < machine
    (rack,) = of(samples, "solix_output_power_watts", name="Rack").values()
    assert 180 < rack < 750  # the station's watts are those of up to five minutes ago
    (load,) = of(samples, "solix_home_load_power_watts").values()
    (from_grid,) = of(samples, "solix_input_power_watts", name="Rack").values()
    assert load > from_grid


def test_all_collectors_are_well_and_a_host_is_down(demo):
    samples = demo.samples()
    assert set(of(samples, "collector_up").values()) == {1}
    assert set(of(samples, "nvidia_host_up", host="gpu-c").values()) == {0}
    assert demo.request("/readyz").status == 200


def test_it_takes_no_configuration(command, tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("collectors: {system: {}}\n")
    done = command("run", "--demo", "--config", file)
    assert done.returncode == 2
    assert "--demo simulates everything" in done.stderr
