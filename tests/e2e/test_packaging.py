"""What people install works without the checkout, on every Python there is."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.venvs import INSTALL, install_into, new_venv

pytestmark = pytest.mark.xdist_group("environments")
ROOT = Path(__file__).parents[2]
VERSIONS = ("3.11", "3.12", "3.13")


@pytest.fixture(scope="session")
def source(tmp_path_factory):
    """A copy of the checkout, to build from and to change."""
    ignore = shutil.ignore_patterns(
        ".venv*", ".git", "build", "dist", "*.egg-info", "*.so", "__pycache__", ".*_cache", ".hypothesis"
    )
    return Path(shutil.copytree(ROOT, tmp_path_factory.mktemp("checkout") / "source", ignore=ignore, symlinks=True))


@pytest.fixture(scope="session")
def distributions(source, tmp_path_factory):
    """A wheel and an sdist."""
    folder = tmp_path_factory.mktemp("dist")
    build("--outdir", folder, source)
    return next(folder.glob("*.whl")), next(folder.glob("*.tar.gz"))


def build(*arguments, **environment):
    command = [sys.executable, "-m", "build", "--no-isolation", *arguments]
    env = os.environ | environment
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env=env)
    assert done.returncode == 0, done.stdout + done.stderr


def modules(folder, name):
    """The Python files below a folder, as they are called once it is installed as `name`."""
    return {f"{name}/{file.relative_to(folder).as_posix()}" for file in folder.rglob("*.py")}


def test_the_wheel_holds_every_module(distributions):
    wanted = modules(ROOT / "collector_core", "collector_core") | modules(ROOT / "plugins", "collector_plugins")
    assert wanted == {name for name in zipfile.ZipFile(distributions[0]).namelist() if name.endswith(".py")}


def test_the_wheel_holds_the_packages_and_nothing_else(distributions):
    names = zipfile.ZipFile(distributions[0]).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"collector_core", "collector_plugins"}
    pages = "collector_core/web/pages"
    shown = (f"{pages}/page.css", f"{pages}/dashboards/machine.json", f"{pages}/rules/energy.yaml")
    for wanted in (*shown, "collector_core/py.typed", "collector_plugins/rapl/README.md"):
        assert wanted in names
    assert not [name for name in names if name.startswith("tests")]


def test_the_wheel_holds_every_template_of_new_plugin(distributions):
    scaffold = ROOT / "collector_core/scaffold"
    templates = {file.relative_to(ROOT).as_posix() for file in scaffold.glob("templates/**/*") if file.is_file()}
    assert len(templates) > 10
    assert templates <= set(zipfile.ZipFile(distributions[0]).namelist())


def test_the_sdist_holds_the_licence_and_the_sources(distributions):
    with tarfile.open(distributions[1]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"LICENSE", "README.md", "pyproject.toml", "src/collector_plugins/rapl/__init__.py"} <= names
    speed = {f"src/collector_core/_speed/{file.name}" for file in (ROOT / "collector_core/_speed").glob("*.[ch]pp")}
    assert len(speed) > 5
    assert {"setup.py", *speed} <= names


def need_compiler():
    """What compiles the optional part; our own tests must have it, except for the headers of this Python."""
    if shutil.which("c++") is None:
        message = "c++ is not installed: python tests/services.py install"
        (pytest.fail if os.environ.get("REQUIRE_SERVICES") else pytest.skip)(message)
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        pytest.skip("this Python has no Python.h")


def test_the_wheel_holds_the_compiled_part_for_every_python(distributions):
    need_compiler()
    assert "-cp311-abi3-" in distributions[0].name
    names = {Path(name).name for name in zipfile.ZipFile(distributions[0]).namelist() if "/_speed/" in name}
    assert names == {"__init__.py", "native.abi3.so", "native.pyi"}


def test_a_wheel_without_the_compiled_part_is_for_every_platform(source, tmp_path):
    build("--wheel", "--outdir", tmp_path, source, ENERGY_COLLECTOR_SPEED="off")
    (wheel,) = tmp_path.iterdir()
    assert wheel.name.endswith("-py3-none-any.whl")
    assert not [name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".so")]


def interpreter(version):
    """A working Python of this version, from the path or from pyenv."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    kept = (
        sorted(pyenv.glob(f"{version}.*/bin/python")) if os.access(pyenv, os.X_OK) else []
    )  # another user's may be set
    candidates = [shutil.which(f"python{version}"), *map(str, kept)]
    for candidate in filter(None, candidates):
        done = subprocess.run([candidate, "--version"], capture_output=True, text=True, check=False)
        if re.match(rf"Python {re.escape(version)}\.", done.stdout):
            return candidate
    return None


@pytest.mark.timeout(400)
@pytest.mark.parametrize("version", VERSIONS)
def test_the_wheel_runs_in_a_clean_environment(distributions, tmp_path, version):
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} on this machine")
    own = new_venv(tmp_path / "venv", python)
    install_into(own, distributions[0])
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run(
        [own.with_name("energy-collector"), "once", "--gap", "0.1"],
        capture_output=True,
        text=True,
        check=False,
        env=env,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "system_memory_total_bytes" in done.stdout
    assert done.stderr == ""
    is_compiled = any(name.endswith(".so") for name in zipfile.ZipFile(distributions[0]).namelist())
    assert (speed_problem(own, tmp_path) == "") == is_compiled


def speed_problem(python, folder):
    """Why the compiled part does not run; empty where it does."""
    code = "from collector_core import _speed; print(_speed.problem)"
    return subprocess.run([python, "-c", code], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="session")
def editable(source, tmp_path_factory):
    """The Python of a new environment into which pip has installed the checkout as editable, without a compiler."""
    folder = tmp_path_factory.mktemp("editable")
    python = new_venv(folder)
    site = next(folder.glob("lib/python*/site-packages"))
    (site / "dependencies.pth").write_text(
        sysconfig.get_path("purelib")
    )  # a plain path: what is editable there stays out
    options = ("--ignore-installed", "--no-deps", "--no-build-isolation", "--editable", source)
    env = os.environ | dict.fromkeys(("CC", "CXX"), "/bin/false")
    done = subprocess.run(
        [python, *INSTALL, *options], capture_output=True, text=True, check=False, timeout=120, env=env
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return python


def test_without_a_compiler_python_does_all_the_work(editable, tmp_path):
    assert speed_problem(editable, tmp_path).startswith("no compiled part: ")


PLUGIN = """
from collector_core import Collector, CollectorConfig, Gauge, Readings

GAUGE: Gauge = Gauge("shelly_on", "Whether it is on.")


class Shelly(Collector[CollectorConfig]):
    name, metrics = "shelly", (GAUGE,)

    def collect(self, out: Readings) -> None:
        out.add(GAUGE, 1)
"""


def test_mypy_sees_an_editable_install(editable, tmp_path):
    (tmp_path / "plugin.py").write_text(PLUGIN)
    (tmp_path / "wrong.py").write_text("from collector_core import Gauge\n\nGauge(5)\n")
    command = [editable, "-m", "mypy", "--strict", "--cache-dir", tmp_path / "cache"]
    done = subprocess.run(
        [*command, "plugin.py"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    done = subprocess.run(
        [*command, "wrong.py"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
    )
    assert "[arg-type]" in done.stdout


def test_an_editable_install_sees_new_files_at_once_and_nothing_but_the_two_packages(editable, source, tmp_path):
    for folder in ("collector_core", "plugins"):
        (source / folder / "fresh.py").write_text("")
    code = "import collector_core.fresh, collector_plugins.fresh, importlib.util as u; print(*map(u.find_spec, NAMES))"
    code = code.replace("NAMES", repr(["plugins", "tests", "bench"]))
    done = subprocess.run([editable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout, done.stderr) == ("None None None\n", "")
