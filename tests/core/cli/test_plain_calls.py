"""What is printed without a parser of options is what the commands print, and all else is left to them."""

import os
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from collector_core.cli.group import cli
from collector_core.cli.overview import OPTIONS
from collector_core.cli.plain_calls import plain_answer

CALLS = [["--help"], ["-h"], ["check"], ["list"]]

pytestmark = pytest.mark.usefixtures("logging_as_it_was")


@pytest.fixture(autouse=True)
def no_configuration(monkeypatch):
    monkeypatch.delenv("ENERGY_COLLECTOR_CONFIG", raising=False)


@pytest.mark.parametrize("words", CALLS, ids=" ".join)
def test_an_answer_is_that_of_the_command(words):
    done = CliRunner().invoke(cli, words)
    assert (done.exit_code, done.output) == (0, f"{plain_answer(words)}\n")


@pytest.mark.parametrize("words", [[], ["run"], ["check", "--help"], ["list", "-x"], ["once"], ["--version"]], ids=repr)
def test_all_other_calls_are_left_to_commands(words):
    assert plain_answer(words) is None


def test_a_configuration_in_the_environment_is_left_to_the_command(monkeypatch):
    monkeypatch.setenv("ENERGY_COLLECTOR_CONFIG", "config.yaml")
    assert plain_answer(["check"]) is None
    assert plain_answer(["list"])


@pytest.mark.parametrize("words", [["check"], ["list"]], ids=" ".join)
def test_plugins_that_must_be_loaded_are_left_to_the_command(install, words):
    install("bell", "")
    assert plain_answer(words) is None


@pytest.mark.parametrize("words", [["check"], ["list"]], ids=" ".join)
def test_a_damaged_distribution_is_left_to_the_command(monkeypatch, tmp_path, words):
    info = tmp_path / "damaged-1.0.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text("[collector_core]\nno equals sign\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert plain_answer(words) is None
    assert CliRunner().invoke(cli, words).exit_code == 0


@pytest.mark.parametrize("columns", [20, 50, 80, 109, 300])
def test_help_is_as_wide_as_the_terminal_within_reason(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = plain_answer(["--help"]).splitlines()
    most = max(50, min(columns - 2, 108))
    assert most - 20 < max(map(len, lines)) <= most


def test_help_names_every_option_of_the_program():
    own = cli.get_params(click.Context(cli, help_option_names=["-h", "--help"]))
    assert {", ".join(option.opts) for option in own} == set(OPTIONS)


def test_a_reader_that_has_seen_enough_is_no_error():
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-c", "from collector_core.cli import main; main()", "--help"]
    with os.fdopen(writing, "w") as pipe:
        done = subprocess.run(command, stdout=pipe, stderr=subprocess.PIPE, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (1, b"")
