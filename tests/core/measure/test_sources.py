"""Meters found as the collector finds them: by the plugins that are installed."""

import os
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from collector_core import NotAvailable
from collector_core.energy import EnergyMonitor
from collector_core.errors import ConfigError
from collector_core.measure.sources import Sources
from collector_core.model.clock import SystemClock
from collector_core.plugins.offers import MetersOffered, names_with_meters
from tests.powercap import PowercapTree, readable_by_everybody, without_privileges


@contextmanager
def driven(tree):
    """While this lasts, every zone uses energy."""
    stopped = threading.Event()

    def drive():
        while not stopped.wait(0.005):
            tree.advance(0.005)

    thread = threading.Thread(target=drive)
    thread.start()
    try:
        yield tree
    finally:
        stopped.set()
        thread.join()


@pytest.fixture
def tree(tmp_path):
    """Two sockets that draw 100 and 10 W each, all the time."""
    tree = PowercapTree(tmp_path / "root")
    for socket in range(2):
        tree.add(f"intel-rapl:{socket}", f"package-{socket}", 100.0, start=7_000_000 * socket)
        tree.add(f"intel-rapl:{socket}:0", "dram", 10.0)
        tree.add(f"intel-rapl:{socket}:1", "core", 60.0)
    tree.add("intel-rapl:2", "psys", 300.0)
    with driven(tree):
        yield tree


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Installs a plugin for this process, as pip would."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)

    def install(name, code):
        (site / f"plugin_{name}.py").write_text(textwrap.dedent(code))
        info = site / f"collector_{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: collector-{name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[collector_core]\n{name} = plugin_{name}\n")

    yield install
    for name in [name for name in sys.modules if name.startswith("plugin_")]:
        del sys.modules[name]


def kept_open():
    """Counters that are open for reading; the thread that drives the tree opens them for writing all the time."""
    return [link for link in Path("/proc/self/fd").iterdir() if is_counter(link) and not is_written(link)]


def is_counter(link):
    try:
        target = str(link.readlink())
    except FileNotFoundError:  # closed meanwhile
        return False
    return "powercap" in target and target.removesuffix(" (deleted)").endswith("energy_uj")  # the tree replaces files


def is_written(link):
    try:
        flags = Path(f"/proc/self/fdinfo/{link.name}").read_text().partition("flags:")[2].split()[0]
    except OSError:  # closed meanwhile
        return True
    return int(flags, 8) & os.O_ACCMODE != os.O_RDONLY


@pytest.mark.real_time  # the counters move beside it
def test_the_counters_of_the_processors_are_found_and_read(tree):
    monitor = EnergyMonitor("hardware", root=tree.root)
    assert {meter.name for meter in monitor.meters} == {
        f"{component} package-{socket} (rapl)" for component in ("cpu", "dram") for socket in range(2)
    }
    with monitor.measure() as m:
        time.sleep(0.3)
    assert m.problems == ()
    assert m.energy_joules > 0
    assert m.components["cpu"] / m.components["dram"] == pytest.approx(10, rel=0.2)
    assert kept_open()
    monitor.close()
    assert not kept_open()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("meters-", "energy-"))]


def test_no_bundled_plugin_is_loaded_that_has_no_meters():
    names = names_with_meters()
    assert {names[name] for name in ("rapl", "nvidia", "estimate")} == {MetersOffered.YES}
    assert {names[name] for name in ("qemu", "mqtt", "snmp")} == {MetersOffered.CONFIGURED}
    assert not {"alerts", "anomaly", "sites", "system", "csv"} & names.keys()


def test_what_must_be_configured_is_named_and_not_loaded(tree):
    sources = Sources(SystemClock(), tree.root, None)
    sources.close()
    assert {"qemu", "mqtt", "snmp"} <= sources.problems.keys()
    assert "configuration" in sources.problems["snmp"].detail


def test_looking_for_meters_imports_no_event_loop_and_no_plugin_that_must_be_configured():
    code = (
        "import sys\nfrom collector_core.measure import sources\n"
        "names = [name for name, meters in sources.names_with_meters().items() if meters == 'yes']\n"
        "sources.load(None, otherwise=names)\nprint(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = set(done.stdout.split())
    assert "collector_plugins.rapl" in modules
    assert not {"asyncio", "aiohttp", "collector_plugins.snmp", "collector_plugins.mqtt"} & modules


@pytest.mark.real_time  # the counters move beside it
def test_dies_are_told_apart_before_they_count(tmp_path):
    tree = PowercapTree(tmp_path)
    for die in range(2):
        tree.add(f"intel-rapl:{die}", f"package-0-die-{die}", 50.0 + die)
    with driven(tree):
        sources = Sources(SystemClock(), tree.root, None)
        names = [meter.name for meter in sources.meters()]
        sources.close()
    assert names == ["cpu package-0-die-0 (rapl)", "cpu package-0-die-1 (rapl)"]


def test_the_platform_is_the_system(tree):
    monitor = EnergyMonitor("system", root=tree.root)
    assert [meter.name for meter in monitor.meters] == ["host psys (rapl)"]
    monitor.close()


def test_a_counter_that_may_not_be_read_is_named_with_what_opens_it():
    with readable_by_everybody() as root:
        tree = PowercapTree(root)
        tree.add("intel-rapl:0", "package-0", 100.0)
        tree.deny("intel-rapl:0")
        with without_privileges(), pytest.raises(NotAvailable, match="rapl: energy_uj is readable by root") as caught:
            EnergyMonitor("hardware", root=root)
    assert caught.value.reason == "permission"
    assert "sudo chmod a+r" in caught.value.fix


METER = """
import time
from collector_core import (
    Collector, CollectorConfig, Component, EnergyMeter, EnergyMethod, EnergyReading, hookimpl
)

class Config(CollectorConfig):
    watts: float = 50.0

class Plug(Collector):
    '''A plug that counts.'''
    name, metrics, config_type = "plug", (), Config

    @classmethod
    def detect(cls, ctx):
        return None

    {form} collect(self, out):
        {body}

    @hookimpl
    def collector_energy_meters(self):
        {hook}
        return [EnergyMeter(Component.HOST, self.ctx.name, EnergyMethod.METER, 0.01, 0.0, self.read, self.read)]

    def read(self):
        now = self.ctx.clock.monotonic()
        return EnergyReading(self.config.watts * now, now)

@hookimpl
def collector_types():
    return [Plug]
"""


def code(form="def", body="pass", hook="pass"):
    return METER.format(form=form, body=body, hook=hook)


@pytest.mark.parametrize("form", ["def", "async def"])
def test_a_plugin_of_somebody_else_hands_over_its_meter(plugin, tmp_path, form):
    plugin("plug", code(form))
    monitor = EnergyMonitor("system", root=tmp_path)
    with monitor.measure() as m:
        time.sleep(0.05)
    monitor.close()
    assert m.method == "meter"
    assert m.energy_joules / m.duration_seconds == pytest.approx(50.0, rel=0.2)
    assert m.idle_joules == pytest.approx(50.0 * m.duration_seconds)


def test_collectors_of_a_configuration_are_asked_instead(plugin, tmp_path):
    plugin("plug", code())
    file = tmp_path / "config.yaml"
    file.write_text("collectors: {garage: {plugin: plug, options: {watts: 400}}, system: {}}")
    monitor = EnergyMonitor(config=file)
    assert [meter.device for meter in monitor.meters] == ["garage"]
    assert monitor.meters[0].read().joules > 0
    monitor.close()
    file.write_text("collectors: {garage: {plugin: plug, options: {wats: 400}}}")
    with pytest.raises(ConfigError, match="did you mean 'watts'"):
        EnergyMonitor(config=file)


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        (code(body="raise ValueError('torn')"), "ValueError: torn"),
        (code("async def", "raise ValueError('torn')"), "ValueError: torn"),
        (code(hook="raise ValueError('torn')"), "ValueError: torn"),
        (code() + "\nPlug.__init__ = lambda *_: 1 / 0", "ZeroDivisionError"),
        (code(body="time.sleep(2)") + "\nPlug.default_timeout = 0.1", "no answer after 0.1 s"),
        ("import no_such_module", "no_such_module"),
        (code(hook="raise SystemExit('enough')"), "SystemExit: enough"),
        (code(hook="time.sleep(2)") + "\nPlug.default_timeout = 0.1", "no answer after 0.1 s"),
        (code() + "\nPlug.__init__ = lambda *_: exit('enough')", "SystemExit: enough"),
        (code() + "\nPlug.detect = lambda *_: exit('enough')", "SystemExit: enough"),
        ("raise BaseException('panic')", "BaseException: panic"),
    ],
)
def test_a_plugin_that_fails_or_hangs_is_named_and_costs_no_other(plugin, tree, broken, problem):
    plugin("plug", broken)
    sources = Sources(SystemClock(), tree.root, None)
    meters = sources.meters()
    sources.close()
    assert problem in sources.problems["plug"].detail
    assert "cpu package-0 (rapl)" in {meter.name for meter in meters}


def test_the_options_of_energy_say_what_a_measurement_emits_and_costs(tree, tmp_path):
    config = tmp_path / "config.yaml"
    options = "{carbon_intensity: 360, pue: 2, price_per_kwh: 0.36, currency: CHF}"
    config.write_text(f"collectors: {{rapl: {{}}, energy: {{options: {options}}}}}\n")
    with closing(EnergyMonitor(root=tree.root, config=config)) as monitor, monitor.measure() as m:
        time.sleep(0.1)
    assert m.emissions_grams == pytest.approx(m.energy_joules * 2 / 3.6e6 * 360)
    assert (m.cost, m.currency) == (pytest.approx(m.energy_joules * 2 / 3.6e6 * 0.36), "CHF")
    told = m.to_dict()
    assert (told["emissions_grams"], told["cost"], told["currency"]) == (m.emissions_grams, m.cost, "CHF")


def test_what_nothing_says_is_not_told(machine, tmp_path):
    machine.add("cpu", "package-0", 100.0)
    config = tmp_path / "config.yaml"
    config.write_text("collectors: {energy: {options: {country: FR}}}\n")
    with machine.monitor(config=config).measure() as m:
        machine.advance(1.0)
    assert 0 < m.emissions_grams < 0.1, "the mean of France"
    assert not {"cost", "currency"} & m.to_dict().keys()
    with machine.monitor().measure() as m:
        machine.advance(1.0)
    assert not {"emissions_grams", "cost", "currency"} & m.to_dict().keys()
