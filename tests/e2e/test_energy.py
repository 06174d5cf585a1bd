"""The ledger in the running program: its sum is the machine, in Prometheus' own eyes too."""

import json
import re
import time

import pytest

from tests.plugins.rapl.conftest import LIMITS, PowercapTree

CONFIG = "collectors: {rapl: {interval: 200ms}, energy: {interval: 200ms, options: {carbon_intensity: 360, pue: 2}}}"


@pytest.fixture
def tree(tmp_path):
    tree = PowercapTree(tmp_path / "tree")
    tree.add("intel-rapl:0", "package-0", 100.0, limits=LIMITS)
    tree.add("intel-rapl:0:0", "core", 70.0)
    tree.add("intel-rapl:0:1", "dram", 20.0)
    tree.add("intel-rapl:1", "psys", 300.0)
    return tree


def total(program, metric):
    return sum(value for series, value in program.samples().items() if re.fullmatch(rf"{metric}(\{{.*)?", series))


def let_pass(tree, seconds):
    """Move the counters on as the clock does."""
    last = start = time.monotonic()
    while last - start < seconds:
        time.sleep(0.005)
        now = time.monotonic()
        tree.advance(now - last)
        last = now


def test_the_sum_is_the_machine_while_counters_move_on(collector, tree, eventually):
    program = collector(CONFIG, "--root", tree.root)
    let_pass(tree, 2.5)

    def is_the_machine():
        let_pass(tree, 0.2)
        return total(program, "energy_power_watts") == pytest.approx(120, rel=0.1)

    assert eventually(is_the_machine)
    joules = total(program, "energy_joules_total")
    assert joules > 100
    grams = total(program, "energy_emissions_grams_total")
    assert grams == pytest.approx(total(program, "energy_joules_total") * 2 * 360 / 3.6e6, rel=0.2)
    let_pass(tree, 0.5)
    assert total(program, "energy_joules_total") > joules


def test_joules_stay_and_watts_vanish_when_the_counters_are_lost(collector, tree, eventually):
    program = collector(CONFIG, "--root", tree.root)
    let_pass(tree, 1.5)
    joules = total(program, "energy_joules_total")
    for path in list(tree.zones):
        (tree.zones[path].directory / "energy_uj").unlink(missing_ok=True)
    eventually(lambda: total(program, "energy_power_watts") == 0, seconds=25)
    assert total(program, "energy_joules_total") >= joules > 0


def test_once_prints_watts_although_it_looks_only_for_a_moment(command, collector, tree, tmp_path, spawn):
    """`once energy` runs what hands over meters too."""
    config = tmp_path / "once.yaml"
    config.write_text(json.dumps({"collectors": {"rapl": {}, "energy": {}}}))
    mover = spawn("sh", "-c", f"while :; do {_step(tree)}; sleep 0.1; done")
    done = command("once", "energy", "--config", config, "--root", tree.root, "--gap", "0.5")
    mover.stop()
    assert done.returncode == 0, done.stderr
    assert re.search(
        r'^energy_power_watts\{component="cpu",device="package-0",method="rapl"\} \d', done.stdout, re.MULTILINE
    )


def _step(tree):
    """A shell command that moves the package's counter on by 10 J."""
    file = tree.zones["intel-rapl:0"].directory / "energy_uj"
    return f"echo $(($(cat {file}) + 10000000)) > {file}.new && mv {file}.new {file}"
