"""What is promised to plugins, with its signatures: a change of it is seen in review, as one of public_api.txt.

`pytest --update-golden` writes that file anew; CONTRIBUTING.md says when a change also raises API_VERSION.
"""

import ast
import inspect
import os
import subprocess
import sys
from enum import Enum
from pathlib import Path

import pytest

import collector_core
import collector_core.calibration
import collector_core.demo
import collector_core.devices
import collector_core.energy
import collector_core.kafka
import collector_core.metering
import collector_core.procfs
import collector_core.prometheus_text
import collector_core.storage
import collector_core.testing
import collector_core.wire
from collector_core.plugins import hookspecs
from collector_core.testing import FakeClock

MODULES = (
    collector_core,
    collector_core.calibration,
    collector_core.demo,
    collector_core.devices,
    collector_core.energy,
    collector_core.kafka,
    collector_core.procfs,
    collector_core.prometheus_text,
    collector_core.storage,
    collector_core.testing,
    collector_core.wire,
)
PUBLIC = {getattr(collector_core, name) for name in collector_core.__all__ if name[0].isupper()}


class Plain(str):
    """A text whose repr is itself."""

    __slots__ = ()
    __repr__ = str.__str__


def package(thing):
    return getattr(thing, "__module__", "").partition(".")[0]


def is_ours(thing):
    return package(thing) == "collector_core"


def describe(name, thing):
    """The lines of one public name."""
    if not is_ours(thing):
        yield f"{name}, as in {package(thing) or package(type(thing))}" if callable(thing) else f"{name} = {thing!r}"
    elif isinstance(thing, type):
        yield f"class {name}{constructor(thing)}"
        yield from (f"    {line}" for line in members(thing))
    else:
        yield f"def {name}{signature(thing)}"


def constructor(cls):
    """The signature of the nearest constructor that we wrote; none for an enum, a protocol or pydantic's."""
    made = next((vars(base)["__init__"] for base in cls.__mro__ if is_ours(base) and "__init__" in vars(base)), None)
    bases = ", ".join(base.__name__ for base in cls.__bases__ if base is not object)
    return (f"({bases})" if bases else "") + (f": {signature(made)}" if is_ours(made) else "")


def signature(function):
    """Types as they are written; a default that is no plain value as an ellipsis, because its repr may change."""
    whole = inspect.signature(function)
    parameters = [
        each.replace(annotation=plain(each.annotation), default=shown(each.default))
        for each in whole.parameters.values()
    ]
    return str(whole.replace(parameters=parameters, return_annotation=plain(whole.return_annotation)))


def plain(annotation):
    return Plain(annotation) if isinstance(annotation, str) else annotation


def shown(default):
    return default if isinstance(default, (type(None), bool, float, int, str, tuple, type)) else Plain("…")


def members(cls):
    """The public attributes that a class defines, or a base that is not public itself."""
    if issubclass(cls, Enum):
        return [f"{member.name} = {member.value!r}" for member in cls]
    found = {}
    for base in reversed(cls.__mro__):
        if is_ours(base) and (base is cls or base not in PUBLIC):
            found |= {name: f"{name}: {text}" for name, text in vars(base).get("__annotations__", {}).items()}
            found |= {name: line for name, value in [*vars(base).items()] if (line := member(name, value))}
    return [line for name, line in sorted(found.items()) if not name.startswith("_")]


def member(name, value):
    if isinstance(value, (classmethod, staticmethod)):
        return f"{type(value).__name__} {name}{signature(value.__func__)}"
    if inspect.isfunction(value):
        return f"def {name}{signature(value)}"
    getter = getattr(value, "fget", None) or getattr(value, "func", None)
    return f"property {name} -> {inspect.signature(getter).return_annotation}" if getter else ""


def section(title, module, names):
    lines = [line for name in sorted(names) for line in describe(name, getattr(module, name))]
    return "\n".join([f"# {title}", "", *lines, ""])


def test_the_public_names_and_their_signatures_are_those_promised(collector_golden):
    hooks = [name for name, hook in vars(hookspecs).items() if hasattr(hook, f"{hookspecs.PROJECT}_spec")]
    text = "\n".join(
        [
            *(section(module.__name__, module, module.__all__) for module in MODULES),
            section("hooks", hookspecs, hooks),
        ]
    )
    collector_golden.check(text, Path(__file__).with_name("public_api.txt"))


def test_a_change_of_a_signature_is_seen():
    def lines(method):
        class Probe(FakeClock):
            __module__ = "collector_core.probe"
            advance = method

        return list(describe("Probe", Probe))

    def advance(self, seconds: float) -> None: ...
    def changed(self, seconds: float, *, twice: bool = False) -> None: ...

    assert lines(advance) != lines(changed)


@pytest.mark.parametrize("module", MODULES)
def test_public_names_are_sorted_and_documented(module):
    assert list(module.__all__) == sorted(module.__all__)
    for name in module.__all__:
        if is_ours(thing := getattr(module, name)):
            assert inspect.getdoc(thing), name


LATE = [collector_core, collector_core.devices, collector_core.metering, collector_core.procfs]


@pytest.mark.parametrize("package", LATE)
def test_public_names_are_imported_when_they_are_asked_for(package):
    """Those that type checkers see, those that are promised and those that are found are the same."""
    tree = ast.parse(Path(package.__file__).read_text())
    checked = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.asname or alias.name: node.module for node in checked.body for alias in node.names}
    assert seen == {name: home for home, names in package._HOMES.items() for name in names.split()}
    assert set(package.__all__) == set(seen)


@pytest.mark.parametrize("words", ["--help", "list", "check"])
def test_what_uses_no_plugin_imports_no_large_library(words):
    large = {"aiohttp", "pydantic", "prometheus_client", "asyncio", "sqlite3", "yaml", "importlib.metadata"}
    assert not large & modules_of(words)


def test_run_imports_nothing_to_look_for_what_nobody_asks_for():
    found = modules_of("run", "--help")
    assert "pydantic" in found
    assert not {"aiohttp", "prometheus_client", "importlib.metadata", "email", "collector_core.metering.ledger"} & found


def test_check_imports_no_server_for_paths_that_cannot_clash(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("collectors: {energy: {}, system: {}}")
    found = modules_of("check", "--config", str(file))
    assert "collector_plugins.energy" in found
    assert not {"aiohttp", "asyncio", "tempfile", "collector_core.engine.app"} & found


def test_the_garbage_collector_leaves_alone_what_a_command_has_imported():
    code = (
        "import gc, collector_core.cli.group as cli; before = len(gc.get_objects()); "
        "cli._imported('collector_core.cli.run'); "
        "print(gc.isenabled(), gc.get_freeze_count() > before)"
    )
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert found.stdout.split() == ["True", "True"]


def modules_of(*words):
    """What a command has imported when it ends."""
    watch = "import atexit, sys; atexit.register(lambda: print(*sys.modules))"
    command = [sys.executable, "-c", f"{watch}; from collector_core.cli import main; main()", *words]
    environment = {**os.environ, "ENERGY_COLLECTOR_CONFIG": ""}
    found = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60, env=environment)
    return set(found.stdout.splitlines()[-1].split())
