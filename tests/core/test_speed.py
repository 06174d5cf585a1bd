"""Which path runs is decided at the import, and nothing that is wrong with the compiled part ends the program."""

import os
import subprocess
import sys
import types

import pytest

from collector_core import _speed

NATIVE = "collector_core._speed.native"


def test_the_switch_leaves_the_compiled_part_aside():
    code = "from collector_core import _speed as s; print(s.problem, *[getattr(s, name) for name in s.FUNCTIONS])"
    environment = {**os.environ, _speed.SWITCH: "Off"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split() == ["switched", "off", "by", _speed.SWITCH, *["None"] * len(_speed.FUNCTIONS)]


def test_a_compiled_part_of_another_version_is_left_aside(monkeypatch):
    monkeypatch.delenv(_speed.SWITCH, raising=False)
    stale = types.ModuleType(NATIVE)
    stale.VERSION = _speed.VERSION - 1
    monkeypatch.setitem(sys.modules, NATIVE, stale)
    monkeypatch.setattr(_speed, "native", stale, raising=False)
    problem, fix = _speed._problem()
    assert problem == f"the compiled part is of version {_speed.VERSION - 1}, version {_speed.VERSION} is needed"
    assert "install energy-collector again" in fix


def test_a_compiled_part_that_is_missing_or_cannot_be_loaded_is_left_aside(monkeypatch):
    monkeypatch.delenv(_speed.SWITCH, raising=False)
    monkeypatch.setitem(sys.modules, NATIVE, None)
    monkeypatch.delattr(_speed, "native", raising=False)
    problem, fix = _speed._problem()
    assert problem.startswith("no compiled part: ")
    assert "g++" in fix


def test_the_compiled_part_has_all_functions():
    if _speed.problem:
        pytest.skip(f"the compiled part does not run: {_speed.problem}")
    from collector_core._speed import native

    offered = {name for name in dir(native) if not name.startswith("_")}
    assert offered == {*_speed.FUNCTIONS, "VERSION"}
    assert [getattr(_speed, name) for name in _speed.FUNCTIONS] == [getattr(native, name) for name in _speed.FUNCTIONS]
