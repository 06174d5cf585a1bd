"""aiohttp offers no way to limit connections, so we use private names of it: a new version must still have them.

A name that is gone turns one test red; then see what took its place, and move the version in pyproject.toml.
"""

import ast
import tomllib
from importlib import metadata, resources
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from aiohttp.web_protocol import RequestHandler
from packaging.requirements import Requirement
from packaging.version import Version

PYPROJECT = Path(__file__).parents[3] / "pyproject.toml"
NAMES = {
    RequestHandler: (
        "_current_request",
        "_force_close",
        "_keepalive_timeout",
        "_loop",
        "_manager",
        "_messages",
        "_next_keepalive_close_time",
        "_reading_paused",
        "_request_count",
        "_request_in_progress",
        "_task_handler",
        "_waiter",
    ),
    web.Server: ("_connections", "_kwargs", "_loop"),
    web.AppRunner: ("_make_server", "_server"),
    web.Request: ("_payload", "_payload_writer"),
}
PYTHONS = {"_exit"}  # os._exit is documented
ALL = [(cls, name) for cls, names in NAMES.items() for name in names]


@pytest.mark.parametrize(("cls", "name"), ALL, ids=[f"{cls.__name__}.{name}" for cls, name in ALL])
async def test_aiohttp_still_has_the_private_name(cls, name):
    made = {
        web.Server: lambda: web.Server(None),
        web.AppRunner: lambda: web.AppRunner(web.Application()),
        web.Request: lambda: make_mocked_request("GET", "/"),
    }
    assert hasattr(made.get(cls, lambda: cls)(), name), f"aiohttp's {cls.__name__} has no {name} any more"


def test_no_other_private_name_is_used():
    listed = {name for _, name in ALL}
    for module in resources.files("collector_core.web").iterdir():
        if module.name.endswith(".py"):
            assert private_names(ast.parse(module.read_text(encoding="utf-8"))) <= listed | PYTHONS, module.name


def test_the_version_is_pinned():
    project = tomllib.loads(PYPROJECT.read_text())["project"]
    (pinned,) = (each for each in map(Requirement, project["dependencies"]) if each.name == "aiohttp")
    installed = Version(metadata.version("aiohttp"))
    assert installed in pinned.specifier
    assert f"{installed.major}.{installed.minor + 1}.0" not in pinned.specifier


def private_names(tree):
    """Attributes with an underscore that a module reads and that no class or function of it makes."""
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and is_private(node.attr)}
    made = {
        node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    } | {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    return used - made


def is_private(name):
    return name.startswith("_") and not name.startswith("__")
