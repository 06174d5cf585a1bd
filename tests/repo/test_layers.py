"""Who may import what: read from the imports, so that nobody has to remember."""

import ast
import re
from functools import cache
from pathlib import Path

import collector_core
import collector_core.calibration
import collector_core.demo
import collector_core.demo.rack
import collector_core.devices
import collector_core.energy
import collector_core.http.trust
import collector_core.kafka
import collector_core.metering
import collector_core.procfs
import collector_core.prometheus_text
import collector_core.storage
import collector_core.wire
from collector_core.plugins.discovery import discover

ROOT = Path(__file__).parents[2]
CORE = sorted((ROOT / "collector_core").rglob("*.py"))
PAGES = [file for suffix in ("js", "html") for file in sorted((ROOT / "collector_core").rglob(f"*.{suffix}"))]
BUNDLED = {plugin.name: plugin for plugin in discover().all if plugin.distribution == "energy-collector"}
METRIC_NAMES = {metric.name for plugin in BUNDLED.values() for cls in plugin.types for metric in cls.metrics}
PLUGINS = sorted((ROOT / "plugins").rglob("*.py"))
PUBLIC = {
    module.__name__: module
    for module in (
        collector_core,
        collector_core.calibration,
        collector_core.demo,
        collector_core.devices,
        collector_core.energy,
        collector_core.kafka,
        collector_core.metering,
        collector_core.procfs,
        collector_core.prometheus_text,
        collector_core.storage,
        collector_core.wire,
    )
}
# What is promised to nobody, but shared by the plugins of this distribution.
OPEN = PUBLIC | {module.__name__: module for module in (collector_core.demo.rack, collector_core.http.trust)}

FLOORS = (  # from the ground up; a room may use those on lower floors, and none beside it
    {"_speed", "errors", "installed", "late_names"},
    {"model", "procfs", "storage", "forecasting", "wire"},
    {"options"},
    {"kafka", "metering", "polling", "prometheus_text"},
    {"http", "history"},
    {"collector"},
    {"output"},
    {"plugins"},
    {"config", "devices"},
    {"exposition"},
    {"outputs"},
    {"engine"},
    {"measure", "web"},
    {"calibration"},
    {"energy", "scaffold", "demo", "testing"},
    {"cli"},
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
MOST_TOP_LEVEL_MODULES = 12


@cache
def parsed(file):
    return ast.parse(file.read_text())


@cache
def imports(file):
    """Modules and the names taken from them, wherever in the file."""
    found = []
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.Import):
            found += ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found += ((node.module or "", alias.name) for alias in node.names)
    return found


def in_each(files, offences):
    """What all the files do wrong: one test for a rule, as there are hundreds of files."""
    return [f"{name(file)}: {offence}" for file in files for offence in offences(file)]


def name(file):
    return str(file.relative_to(ROOT))


def test_the_core_knows_no_plugin():
    def plugins(file):
        return [module for module, _ in imports(file) if module.split(".")[0] in ("collector_plugins", "plugins")]

    assert in_each(CORE, plugins) == []


def test_the_core_names_nothing_that_a_plugin_declares():
    """No metric and no route of a plugin in a text without blanks: what is found by meaning needs no list."""
    route = re.compile(rf"/api/v1/({'|'.join(BUNDLED)})\b")

    def named(file):
        return [t for t in texts(file) if not METRIC_NAMES.isdisjoint(re.findall(r"\w+", t)) or route.search(t)]

    assert in_each([*CORE, *PAGES], named) == []


def texts(file):
    """Strings of code that are no prose; of a page everything between blanks."""
    if file.suffix == ".py":
        nodes = ast.walk(parsed(file))
        found = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
        return [text for text in found if not re.search(r"\s", text)]
    return file.read_text().split()


def test_imports_lead_downstairs():
    """A room uses itself and rooms on lower floors; the core's `__init__.py` is the door, used by nobody inside."""
    assert in_each([file for file in CORE if own_room(file) != "__init__"], upstairs) == []


def upstairs(file):
    own = own_room(file)
    for module, taken in imports(file):
        parts = module.split(".")
        if parts[0] == "collector_core":
            other = room(parts if len(parts) > 1 else [*parts, taken or "__init__"])
            if other != own and not (other in FLOOR and FLOOR[other] < FLOOR[own]):
                yield f"{own} uses {other} on floor {FLOOR.get(other)}"


def test_every_room_has_a_floor():
    entries = (ROOT / "collector_core").iterdir()
    rooms = {each.stem for each in entries if each.suffix == ".py" or (each / "__init__.py").exists()}
    assert rooms == {*FLOOR, "__init__"}
    assert sum(each.suffix == ".py" for each in (ROOT / "collector_core").iterdir()) <= MOST_TOP_LEVEL_MODULES + 1


def room(parts):
    """The folder or the module directly below `collector_core` that a module belongs to."""
    return parts[1]


def own_room(file):
    return room(file.relative_to(ROOT).with_suffix("").parts)


def test_only_the_exposition_knows_prometheus_client():
    def takes(file):
        return [module for module, _ in imports(file) if module.split(".")[0] == "prometheus_client"]

    assert in_each([file for file in CORE if own_room(file) != "exposition"], takes) == []


def test_plugins_take_public_names_and_their_own_siblings():
    def strangers(file):
        own = f"collector_plugins.{file.relative_to(ROOT / 'plugins').parts[0]}"
        for module, taken in imports(file):
            if module.split(".")[0] == "collector_core" and not (module in OPEN and taken in OPEN[module].__all__):
                yield f"{module}: {taken} is not public"
            if module.split(".")[0] == "collector_plugins" and module != own and not module.startswith(f"{own}."):
                yield f"{module} is another plugin's"

    assert in_each(PLUGINS, strangers) == []


def test_plugins_have_no_state_of_their_module():
    """Constants are written in capitals; everything else at module level is a definition."""
    assert in_each(PLUGINS, variables) == []


def variables(file):
    for node in parsed(file).body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        for target in (each for found in targets for each in (found.elts if isinstance(found, ast.Tuple) else [found])):
            constant = isinstance(target, ast.Name) and (
                target.id.lstrip("_").isupper() or target.id[0].isupper() or target.id.startswith("_")
            )
            if not constant:
                yield ast.unparse(target)


def test_the_public_names_exist_and_are_sorted():
    assert [each for each in collector_core.__all__ if not hasattr(collector_core, each)] == []


def test_the_map_shows_every_room_on_its_floor():
    rows = re.findall(
        r"^\| ?(\d*) ?\| `(\w+)(?:/|\.py)`", (ROOT / "collector_core/README.md").read_text(), re.MULTILINE
    )
    shown, floor = {}, ""
    for number, each in rows:
        floor = number or floor
        shown[each] = int(floor)
    assert shown == FLOOR
