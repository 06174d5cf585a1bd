"""Files that people have written for the previous release work as they are; the files here are never changed."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from collector_core.cli.group import cli
from collector_core.engine.app import App

FILES = Path(__file__).parent / "previous_release"
ENVIRONMENT = {
    "HOOK_URL": "http://127.0.0.1:1/hook",
    "CHAT_TOKEN": "token-of-the-chat",
    "NODE_AUTH": "Bearer of-the-node",
    "PUSH_TOKEN": "token-of-the-push",
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The files where a user would keep them, with the secrets that they name."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    folder = shutil.copytree(FILES, tmp_path / "etc")
    (folder / "hook.secret").chmod(0o600)
    return folder


@pytest.mark.parametrize(("file", "collectors"), [("config.example.yaml", 14), ("site.yaml", 13)])
def test_a_file_of_the_previous_release_is_good(folder, logging_as_it_was, file, collectors):
    done = CliRunner().invoke(cli, ["check", "--config", str(folder / file)])
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, f"good: {collectors} collectors")


def test_every_collector_of_a_file_of_the_previous_release_is_built(folder):
    app = App(folder / "site.yaml")
    app.load()
    assert len(app.runners) == 13
    assert app.runners["backups"].instance.type.name == "textfile"
    assert (app.idle, app.plugins.broken) == ((), ())
    app.stop()
