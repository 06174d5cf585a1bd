"""`energy-collector new-plugin` writes a plugin that is good as it stands, and never over anything."""

import re
import subprocess

import pytest

from tests.venvs import environment_of, venv_beside

pytestmark = pytest.mark.xdist_group("environments")
LONGEST = "a_name_of_thirty_characters_12"


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """A new virtual environment with all that this one has, so that pip installs nothing but the new plugin."""
    folder = tmp_path_factory.mktemp("environment")
    python = venv_beside(folder / "venv", "energy-collector", "pytest", "ruff", "mypy", "pip")
    return environment_of(python) | {"MYPY_CACHE_DIR": str(folder / "mypy"), "PIP_NO_BUILD_ISOLATION": "0"}


@pytest.fixture
def shell(environment, tmp_path):
    """Runs a line of the shell in an empty folder, where it must succeed, and returns what it says."""

    def shell(line, folder=tmp_path):
        done = subprocess.run(
            line, shell=True, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=280
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout

    return shell


def test_in_an_empty_folder_a_new_plugin_installs_passes_its_tests_and_collects(shell, tmp_path):
    said = shell("energy-collector new-plugin demo && pip install ./collector-demo && (cd collector-demo && pytest)")
    assert "Successfully installed collector-demo-0.1.0" in said
    assert re.search(r"\d+ passed in", said)
    assert re.search(r"^demo +0\.1\.0 +collector-demo +2 metrics$", shell("energy-collector list"), re.MULTILINE)
    assert re.search(r'^demo_value\{source="uptime"\} [0-9.e+]+$', shell("energy-collector once demo"), re.MULTILINE)
    shell("energy-collector check --config /dev/null && energy-collector doctor | grep '^ready *demo: 4 series'")
    assert [path.name for path in tmp_path.iterdir()] == ["collector-demo"]


@pytest.mark.parametrize("arguments", ["mains", "mains --async", "mains --http"])
def test_what_is_written_keeps_to_the_rules_it_states(shell, tmp_path, arguments):
    said = shell(f"energy-collector new-plugin {arguments}")
    assert ("once mains --config FILE" in said) is ("--http" in arguments), "devices have no default"
    folder = tmp_path / "collector-mains"
    shell("ruff check --no-cache && ruff format --check --no-cache && mypy", folder)
    said = shell("pytest -p no:cacheprovider", folder)
    assert re.search(r"\b[1-9]\d* passed in", said)
    assert "async def collect" in (folder / "collector_mains/__init__.py").read_text() or "async" not in arguments
    assert not [file for file in folder.rglob("*") if "$" in file.name or file.suffix == ".in"]


@pytest.mark.parametrize("name", ["a", LONGEST])
@pytest.mark.parametrize("template", [(), ("--async",), ("--http",)])
def test_lines_fit_whatever_the_length_of_the_name(shell, command, tmp_path, name, template):
    assert command("new-plugin", name, *template, "--dir", tmp_path).returncode == 0
    shell("ruff check --no-cache && ruff format --check --no-cache", tmp_path / f"collector-{name}")


def test_a_plugin_for_devices_over_http_is_short(command, tmp_path):
    command("new-plugin", "mains", "--http", "--dir", tmp_path)
    (module,) = (tmp_path / "collector-mains/collector_mains").glob("*.py")
    assert len([line for line in module.read_text().splitlines() if line.strip()]) <= 90


@pytest.mark.parametrize("arguments", ["fresh", "fresh_http --http"])
def test_its_readme_is_as_docs_would_write_it(shell, tmp_path, arguments):
    name = arguments.split()[0]
    shell(f"energy-collector new-plugin {arguments} && pip install --no-deps --editable ./collector-{name}")
    readme = tmp_path / f"collector-{name}/README.md"
    assert str(readme) not in shell("energy-collector docs --check || true")
    readme.write_text(readme.read_text().replace("| gauge |", "| meter |"))
    assert f"{readme}: does not match the declarations" in shell("energy-collector docs --check || true")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("My-Plug", "try my_plug"),
        ("myPlug", "try my_plug"),
        ("9lives", "try lives"),
        ("a__b", "try a_b"),
        ("../x", "try x"),
        ("", "cannot be a plugin's name"),
        ("a" * 31, "30 at most"),
        ("class", "a keyword of Python"),
        ("rapl", "installed already"),
        ("core", "a module called collector_core"),
        ("process", "own metrics start with process_"),
    ],
)
def test_a_bad_or_taken_name_is_one_clear_line_and_nothing_is_written(command, tmp_path, name, message):
    done = command("new-plugin", name, "--dir", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert done.stderr.startswith("energy-collector: ")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_something_is_left_alone(command, tmp_path):
    target = tmp_path / "collector-mine"
    target.mkdir()
    (target / "README.md").write_text("mine")
    done = command("new-plugin", "mine", "--dir", tmp_path)
    assert done.returncode == 2
    assert f"{target} exists already" in done.stderr
    assert [file.name for file in tmp_path.rglob("*")] == ["collector-mine", "README.md"]
    assert (target / "README.md").read_text() == "mine"


def test_a_file_or_a_link_in_its_place_is_left_alone(command, tmp_path):
    (tmp_path / "collector-file").write_text("mine")
    (tmp_path / "collector-link").symlink_to(tmp_path / "nowhere")
    for name in ("file", "link"):
        assert command("new-plugin", name, "--dir", tmp_path).returncode == 2
    assert (tmp_path / "collector-file").read_text() == "mine"
    assert (tmp_path / "collector-link").is_symlink()


def test_an_empty_folder_is_filled(command, tmp_path):
    (tmp_path / "collector-mine").mkdir()
    assert command("new-plugin", "mine", "--dir", tmp_path).returncode == 0
    assert (tmp_path / "collector-mine/pyproject.toml").exists()


def test_where_nothing_can_be_written_it_says_so(command, tmp_path):
    done = command("new-plugin", "mine", "--dir", tmp_path / "missing")
    assert done.returncode == 2
    assert "missing/collector-mine: No such file or directory" in done.stderr


def test_a_write_that_fails_leaves_nothing_behind(command, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import pathlib\noriginal = pathlib.Path.write_text\n"
        "def write_text(self, text, **options):\n"
        "    if self.name == 'README.md':\n        raise OSError(28, 'No space left on device')\n"
        "    return original(self, text, **options)\n"
        "pathlib.Path.write_text = write_text\n"
    )
    (tmp_path / "work").mkdir()
    done = command("new-plugin", "mine", "--dir", tmp_path / "work", env={"PYTHONPATH": str(tmp_path)})
    assert done.returncode == 2
    assert "No space left on device" in done.stderr
    assert list((tmp_path / "work").iterdir()) == []
