"""Installed plugins."""

import sys
import textwrap

import pytest


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Installs distributions the way pip leaves them: a module and a dist-info folder."""
    monkeypatch.syspath_prepend(str(tmp_path))
    modules = []

    def install(name, code, *, distribution=None, module=None, commands=()):
        module = module or f"plugin_under_test_{name}"
        distribution = distribution or f"collector-{name}"
        (tmp_path / f"{module}.py").write_text(textwrap.dedent(code))
        info = tmp_path / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        added = "".join(f"{command} = {module}:{command}\n" for command in commands)
        (info / "entry_points.txt").write_text(
            f"[collector_core]\n{name} = {module}\n\n[collector_core.commands]\n{added}"
        )
        modules.append(module)

    yield install
    for module in modules:
        sys.modules.pop(module, None)
