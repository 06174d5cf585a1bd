"""A broken plugin is recorded with its reason and harms no other."""

import sys
import zipfile
from importlib import metadata

import pytest

from collector_core.installed import entry_points, installed_version
from collector_core.plugins.discovery import discover
from collector_core.plugins.entry_points import GROUP, OURS, entry_point_names

GOOD = """
from collector_core import Collector, Gauge, hookimpl

class Good(Collector):
    name = "{name}"
    metrics = (Gauge("{name}_on", "On."),)
    def collect(self, out):
        out.add(self.metrics[0], 1)

@hookimpl
def collector_types():
    return [Good]
"""


def found(name):
    return next(plugin for plugin in discover().all if plugin.name == name)


def test_a_good_plugin_is_found_through_its_entry_point(install):
    install("shelly", GOOD.format(name="shelly"))
    plugin = found("shelly")
    assert (plugin.distribution, plugin.version, plugin.error) == ("collector-shelly", "1.0", "")
    assert discover().types["shelly"].name == "shelly"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import no_such_module_anywhere", "No module named 'no_such_module_anywhere'"),
        ("raise SystemExit(7)", "SystemExit: 7"),
        ("def f(:", "SyntaxError"),
        (GOOD.format(name="other"), "must be 'broken' like the entry point"),
        (GOOD.format(name="broken").replace("broken_on", "Broken_On"), "snake_case"),
        (GOOD.format(name="broken").replace('"broken_on"', '"shelly_on"'), "must start with broken_"),
        (GOOD.format(name="broken").replace("collector_types", "collector_typos"), "no hook called collector_typos"),
        (GOOD.format(name="broken").replace("collector_types()", "collector_types(wrong)"), "wrong"),
        (GOOD.format(name="broken").replace("def collect(", "def collekt("), "lacks collect"),
        (GOOD.format(name="broken").replace("return [Good]", "return 5"), "not iterable"),
        (GOOD.format(name="broken").replace("return [Good]", "return ['Good']"), "must return Collector classes"),
        (GOOD.format(name="broken").replace("return [Good]", "raise KeyError('x')"), "KeyError"),
        (
            GOOD.format(name="broken").replace("metrics =", "config_type = dict\n    metrics ="),
            "subclass of CollectorConfig",
        ),
        (GOOD.format(name="broken").replace("(Gauge(", "[Gauge(").replace('"On."),)', '"On.")]'), "must be a tuple"),
    ],
)
def test_a_broken_plugin_says_why_and_the_others_load(install, code, message):
    install("broken", code)
    install("shelly", GOOD.format(name="shelly"))
    assert message in found("broken").error
    assert not found("shelly").error
    assert "rapl" in discover().types
    assert [plugin.name for plugin in discover().broken] == ["broken"]


def test_of_two_distributions_that_claim_one_name_neither_runs_and_both_are_named(install):
    install("shelly", GOOD.format(name="shelly"), distribution="collector-a", module="plugin_under_test_a")
    install("shelly", GOOD.format(name="shelly"), distribution="collector-b", module="plugin_under_test_b")
    plugins = discover()
    assert "shelly" not in plugins.types
    assert [(plugin.distribution, plugin.fix) for plugin in plugins.broken] == [
        ("collector-a", "pip uninstall collector-a"),
        ("collector-b", "pip uninstall collector-b"),
    ]
    assert all("claimed by collector-a and by collector-b" in plugin.error for plugin in plugins.broken)
    assert list(plugins.unloaded) == ["shelly"]


@pytest.mark.parametrize("distribution", ["a-rapl", "zz-rapl"])
def test_a_bundled_plugin_keeps_its_name_and_the_other_distribution_is_refused(install, distribution):
    install("rapl", "raise RuntimeError('imported')", distribution=distribution)
    plugins = discover()
    assert plugins.types["rapl"].__module__ == "collector_plugins.rapl"
    [refused] = plugins.broken
    assert (refused.name, refused.distribution, refused.fix) == ("rapl", distribution, f"pip uninstall {distribution}")
    assert "bundled with energy-collector" in refused.error
    assert plugins.unloaded == {}
    assert plugins.named("rapl").distribution == "energy-collector"


def test_only_what_is_asked_for_is_imported(install):
    install("shelly", "raise RuntimeError('imported')")
    assert "shelly" not in discover({"rapl"}).types
    assert [plugin.name for plugin in discover({"rapl"}).all] == ["rapl"]


def test_a_distribution_whose_entry_points_are_damaged_costs_no_other(install, tmp_path, caplog):
    install("lamp", "")
    for name, content in {"one": b"[collector_core]\nno equals sign\n", "two": b"[collector_core]\n\xff = x\n"}.items():
        folder = tmp_path / f"damaged_{name}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: damaged-{name}\nVersion: 1.0\n")
        (folder / "entry_points.txt").write_bytes(content)
    assert {"lamp", "rapl"} <= set(entry_point_names())
    assert {"lamp", "rapl"} <= {plugin.name for plugin in discover({"lamp", "rapl"}).all}
    assert "damaged_one-1.0.dist-info" in caplog.text


def test_a_distribution_without_a_name_and_a_version_has_its_plugin(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    folder = tmp_path / "nameless-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\n")
    (folder / "entry_points.txt").write_text("[collector_core]\nnameless = nameless_module\n")
    (tmp_path / "nameless_module.py").write_text("")
    (plugin,) = discover({"nameless"}).all
    assert (plugin.error, plugin.version) == ("", "")
    assert plugin.distribution


def test_what_is_installed_is_what_importlib_metadata_finds():
    found = sorted(
        (entry.name, entry.value, entry.module, entry.dist.name, entry.dist.version)
        for entry in metadata.entry_points(group=GROUP)
    )
    assert (
        sorted((each.name, each.value, each.module, each.distribution, each.version) for each in entry_points(GROUP))
        == found
    )
    assert OURS in {distribution for *_, distribution, _ in found}


def test_of_two_installations_of_a_distribution_the_first_on_the_path_counts(install, tmp_path, monkeypatch):
    install("lamp", GOOD.format(name="lamp"))
    other = tmp_path / "other" / "collector_lamp-2.0.dist-info"
    other.mkdir(parents=True)
    (other / "entry_points.txt").write_text("[collector_core]\nlamp = elsewhere\n")
    sys.path.append(str(other.parent))
    assert [each.version for each in discover({"lamp"}).all] == ["1.0"]
    monkeypatch.syspath_prepend(str(other.parent))
    assert [each.module for each in entry_points(GROUP) if each.name == "lamp"] == ["elsewhere"]


def test_a_plugin_in_a_zip_file_is_found(tmp_path, monkeypatch):
    archive = tmp_path / "zipped.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("zipped_lamp.py", GOOD.format(name="zipped"))
        file.writestr(
            "collector_zipped-3.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: collector-zipped\nVersion: 3.0\n"
        )
        file.writestr("collector_zipped-3.0.dist-info/entry_points.txt", "[collector_core]\nzipped = zipped_lamp\n")
    monkeypatch.syspath_prepend(str(archive))
    [plugin] = discover({"zipped"}).all
    assert (plugin.error, plugin.distribution, plugin.version) == ("", "collector-zipped", "3.0")


def test_the_version_of_what_is_not_installed_is_an_error():
    assert installed_version(OURS) == metadata.version(OURS)
    with pytest.raises(LookupError, match="no-such-thing is not installed"):
        installed_version("no-such-thing")
