"""A plugin that is made for a newer energy-collector says so, instead of failing somewhere."""

import subprocess
import sys

import pytest

from collector_core import API_VERSION
from collector_core.plugins.discovery import discover

PLUGIN = """
{imports}
{requires}
from collector_core import Collector, Gauge, hookimpl

class Newer(Collector):
    name, metrics = "newer", (Gauge("newer_on", "On."),)
    def collect(self, out):
        out.add(self.metrics[0], 1)

@hookimpl
def collector_types():
    return [Newer]
"""


@pytest.fixture
def found(tmp_path, monkeypatch):
    """Installs a plugin called newer and returns what discovery makes of it."""
    monkeypatch.syspath_prepend(str(tmp_path))
    info = tmp_path / "collector_newer-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: collector-newer\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[collector_core]\nnewer = plugin_that_is_newer\n")

    def found(requires="", imports=""):
        (tmp_path / "plugin_that_is_newer.py").write_text(PLUGIN.format(requires=requires, imports=imports))
        (plugin,) = discover({"newer"}).all
        return plugin

    yield found
    sys.modules.pop("plugin_that_is_newer", None)


@pytest.mark.parametrize("requires", ["", "REQUIRES_API = 1", f"REQUIRES_API = {API_VERSION}"])
def test_a_plugin_for_this_api_or_an_older_one_loads(found, requires):
    assert found(requires).error == ""


@pytest.mark.parametrize("imports", ["", "from collector_core import NameOfTomorrow", "import collector_core.tomorrow"])
@pytest.mark.parametrize("requires", ["REQUIRES_API = 999", "REQUIRES_API: int = 999"])
def test_a_plugin_for_a_newer_api_names_both_versions_and_the_fix(found, requires, imports):
    plugin = found(requires, imports)
    assert plugin.error.startswith("needs version 999 of the plugin API, energy-collector 0.")
    assert plugin.error.endswith(f"has version {API_VERSION}: pip install --upgrade energy-collector")
    assert plugin.fix == "pip install --upgrade energy-collector"
    assert plugin.types == ()


def test_an_import_that_fails_for_another_reason_stays_itself(found):
    assert "No module named 'no_such_module'" in found("REQUIRES_API = 1", "import no_such_module").error


@pytest.mark.parametrize("requires", ["REQUIRES_API = '2'", "REQUIRES_API = True", "REQUIRES_API = 1.5"])
def test_a_requirement_that_is_no_whole_number_is_refused(found, requires):
    assert "REQUIRES_API must be a whole number" in found(requires).error


def test_doctor_prints_the_fix_for_the_framework_and_not_for_the_plugin(found, tmp_path):
    found("REQUIRES_API = 999")
    command = [sys.executable, "-c", "from collector_core.cli import main; main()", "doctor"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(tmp_path)})
    assert "broken  newer: needs version 999" in done.stdout
    assert "fix: pip install --upgrade energy-collector\n" in done.stdout
    assert "upgrade collector-newer" not in done.stdout
