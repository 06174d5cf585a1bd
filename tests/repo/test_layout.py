"""The house is as its map says."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from collector_core.config import settings as configuration
from collector_core.config import yamlfile
from collector_core.config.outputs import OutputSettings
from collector_core.options import parse_duration
from collector_core.plugins import documentation
from collector_core.plugins.discovery import discover
from collector_core.testing import assert_plugin_contract

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
ENTRY_POINTS = sorted(PROJECT["project"]["entry-points"]["collector_core"])
PLUGINS = discover()
OUTPUTS = sorted({*ENTRY_POINTS} & {*PLUGINS.outputs})
BUNDLED = sorted({*ENTRY_POINTS} - {*OUTPUTS} | {*OUTPUTS} & {*PLUGINS.types})


def example_options(plugin):
    example = yamlfile.load(ROOT / "config.example.yaml").data["collectors"][plugin]
    return example.get("options", {})


def without_default(config_type):
    """Options that must be given: an example stands for their default."""
    try:
        config_type()
    except ValidationError as error:
        return {item["loc"][0] for item in error.errors()}
    return set()


def tracked():
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / line for line in done.stdout.splitlines() if (ROOT / line).is_file()]


@pytest.mark.parametrize("plugin", BUNDLED)
def test_a_plugin_has_one_name_everywhere(plugin):
    assert (ROOT / "plugins" / plugin / "__init__.py").exists()
    readme = (ROOT / "plugins" / plugin / "README.md").read_text()
    assert readme.startswith(f"# {plugin}\n")
    assert plugin in PROJECT["project"]["optional-dependencies"]
    (cls,) = (cls for name, cls in discover({plugin}).types.items() if name == plugin)
    assert all(metric.name.startswith(f"{plugin}_") for metric in cls.metrics if not metric.given_name)
    assert (ROOT / "tests/plugins" / plugin).is_dir()


@pytest.mark.parametrize("plugin", OUTPUTS)
def test_an_output_has_one_name_everywhere_and_a_readme(plugin):
    readme = (ROOT / "plugins" / plugin / "README.md").read_text()
    assert readme.startswith(f"# {plugin}\n")
    assert f"outputs:\n  {plugin}:" in readme
    assert "## Options" in readme
    assert "## When something is missing" in readme
    found = discover({plugin})
    tables = documentation.readme_tables(found.types.get(plugin), found.outputs[plugin])
    assert all(f"<!-- {table} -->" in readme for table in tables)
    assert documentation.fill(readme, tables) == readme
    assert plugin in PROJECT["project"]["optional-dependencies"]
    assert (ROOT / "tests/plugins" / plugin).is_dir()


@pytest.mark.parametrize("plugin", BUNDLED)
def test_bundled_plugins_keep_the_contract(plugin, tmp_path):
    assert_plugin_contract(discover({plugin}).types[plugin], tmp_path, options=example_options(plugin))


def test_what_is_shipped_is_the_framework_and_the_plugins():
    links = {link.name: link.readlink().as_posix() for link in (ROOT / "src").iterdir() if link.is_symlink()}
    assert links == {"collector_core": "../collector_core", "collector_plugins": "../plugins"}
    for file in [*(ROOT / "collector_core").rglob("*.py"), *(ROOT / "plugins").rglob("*.py")]:
        assert (file.parent / "__init__.py").exists(), f"setuptools would not find {file}"


def test_the_example_configuration_is_valid_and_shows_every_plugin():
    file = ROOT / "config.example.yaml"
    config = configuration.validate(configuration.read_document(file), discover())
    assert {instance.type.name for instance in config.instances} == set(BUNDLED)


def test_the_outputs_of_the_example_configuration_are_valid_once_uncommented(tmp_path, monkeypatch):
    monkeypatch.setenv("TIMELINE_URL", "postgresql://localhost/energy")
    _, found, section = (ROOT / "config.example.yaml").read_text().partition("# outputs:")
    (tmp_path / "config.yaml").write_text("\n".join(line.removeprefix("# ") for line in (found + section).splitlines()))
    config = configuration.validate(configuration.read_document(tmp_path / "config.yaml"), discover())
    assert sorted(each.type.name for each in config.outputs) == OUTPUTS
    data = yaml.safe_load((tmp_path / "config.yaml").read_text())["outputs"]
    assert set(data[config.outputs[0].name]) | {"plugin"} == set(OutputSettings.model_fields)  # once is enough
    for output in config.outputs:
        assert set(data[output.name]["options"]) == set(output.type.config_type.model_fields)
        assert output.interval == output.type.default_interval
        default = OutputSettings()
        assert (output.series, output.queue_max_bytes) == (None, default.queue_max_bytes)
        assert (output.queue_max_age, output.batch_wait) == (default.queue_max_age, output.type.default_batch_wait)


def test_the_example_configuration_shows_every_option_with_its_default():
    data = yaml.safe_load((ROOT / "config.example.yaml").read_text())
    for name, cls in discover().types.items():
        if name in BUNDLED:
            shown, fields = cls.config_type.model_validate(example_options(name)), cls.config_type.model_fields
            assert set(example_options(name)) == set(fields)
            for option in fields.keys() - without_default(cls.config_type):
                assert getattr(shown, option) == fields[option].get_default(call_default_factory=True), option
            assert parse_duration(data["collectors"][name]["interval"]) == cls.default_interval


def test_every_module_says_in_one_line_what_it_is():
    for file in [*(ROOT / "collector_core").rglob("*.py"), *(ROOT / "plugins").rglob("*.py")]:
        assert re.match(r'"""\S', file.read_text()), file


def test_files_stay_small_enough_to_read():
    for file in [*(ROOT / "collector_core").rglob("*.py"), *(ROOT / "plugins").rglob("*.py")]:
        assert len(file.read_text().splitlines()) <= 500, file


def test_no_file_names_a_machine():
    words = re.compile(
        r"(?<![\w}\"'])/(?:root|work)/|deb\.debian\.org|pypi\.org/simple|files\.pythonhosted", re.IGNORECASE
    )
    for file in tracked():
        if file != Path(__file__) and file.suffix in {".py", ".md", ".toml", ".yaml", ".yml", ".sh", ""}:
            found = words.search(file.read_text(errors="replace"))
            assert not found, f"{file}: {found[0]}"


IMPORT_EACH_ALONE = """
import importlib, os, pydantic, sys
for plugin in sys.argv[1:]:
    if os.fork() == 0:
        importlib.import_module(f"collector_plugins.{plugin}")
        print(plugin, *sorted({"aiohttp", "prometheus_client", "psycopg"} & {*sys.modules}), flush=True)
        os._exit(0)
    os.wait()
"""


def test_importing_a_plugin_imports_no_web_server():
    command = [sys.executable, "-c", IMPORT_EACH_ALONE, *ENTRY_POINTS]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ENTRY_POINTS, done.stderr


def test_the_service_serves_scrapes_without_a_web_framework():
    code = (
        "import sys, collector_core.cli.run, collector_plugins.system, collector_plugins.rapl; "
        "print(sorted({'aiohttp', 'prometheus_client', 'sqlite3'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "shape", ["ClientSession(", "sqlite3.connect", "fsync", 'sysconf("SC_CLK_TCK")', "cpuinfo", "2 ** failures"]
)
def test_each_shape_is_written_once(shape):
    sources = [path for folder in ("collector_core", "plugins") for path in (ROOT / folder).rglob("*.py")]
    places = [path for path in sources if shape in path.read_text()]
    assert len(places) <= 1, places


def test_no_plugin_makes_a_strict_model_of_its_own():
    assert [path for path in (ROOT / "plugins").rglob("*.py") if 'ConfigDict(extra="forbid")' in path.read_text()] == []
