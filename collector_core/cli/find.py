"""`energy-collector find`: what is there to read, as a configuration to start with?"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import click
import yaml
from pydantic import ValidationError

from collector_core.cli.common import Common, common_options
from collector_core.collector import Collector, Context
from collector_core.devices.polled import PolledDevices
from collector_core.devices.probing import Entry, Found, probe_networks
from collector_core.errors import NotAvailable, Reason, describe, visible
from collector_core.model.clock import SystemClock
from collector_core.plugins.discovery import detect, discover

log = logging.getLogger(__name__)

HEAD = "# What energy-collector found on this machine. Try it: energy-collector doctor --config FILE"
NOTHING = "# Nothing was found. The reasons: energy-collector doctor"


@click.command()
@click.option("--network", "networks", multiple=True, metavar="CIDR", help="Also look in this network: 192.0.2.0/24.")
@common_options(default_level="error")
def command(common: Common, networks: tuple[str, ...]) -> None:
    """Look for everything that can be read on this machine, and print a configuration to start with.

    It names what runs with its defaults here, and what is there but may not be read, with the command that opens it.
    Serial ports by USB, which may lead to a smart meter, are written as comments to complete.
    Other machines are asked only with --network: NUT servers, SunSpec over Modbus, PDUs and UPS by SNMP, plugs and
    inverters over HTTP, P1 readers, MQTT brokers, and BMCs. What needs a login is written as a comment to complete.
    """
    types = discover().types.values()
    try:
        devices = probe_networks(types, map(ip_network, networks)) if networks else {}
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--network") from None
    found = _together(_candidates(types, common.root or Path("/")), devices)
    click.echo("\n".join(_configuration(common.root, types, found)))


def _candidates(types: Iterable[type[Collector[Any]]], root: Path) -> Found:
    """What of this machine may be a device, of the collectors that are told their devices."""
    found: dict[str, Sequence[Entry]] = {}
    clock = SystemClock()
    for cls in (cls for cls in types if issubclass(cls, PolledDevices)):
        try:
            found[cls.name] = list(cls.candidates(Context(name=cls.name, logger=log, clock=clock, root=root)))
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything
            log.error("%s cannot say what may be here: %s", cls.name, describe(error))  # noqa: TRY400 - one line
    return found


def _together(*found: Found) -> Found:
    plugins = dict.fromkeys(plugin for each in found for plugin, entries in each.items() if entries)
    return {plugin: [entry for each in found for entry in each.get(plugin, ())] for plugin in plugins}


def _configuration(root: Path | None, types: Iterable[type[Collector[Any]]], devices: Found) -> Iterator[str]:
    yield HEAD
    if root is not None:
        yield yaml.safe_dump({"root": str(root.absolute())}, width=1000).strip()
    found = [(cls, problem) for cls, problem in _detected(types, root or Path("/")) if _runs_with_defaults(cls)]
    if not found and not devices:
        yield NOTHING
        yield "collectors: {}"
        return
    yield "collectors:"
    for cls, problem in found:
        if problem is not None:
            yield f"  # {visible(problem.detail)}" + (f"; fix: {visible(problem.fix)}" if problem.fix else "")
        yield f"  {cls.name}: {{interval: {cls.default_interval:g}s}}"
    for plugin, entries in devices.items():
        yield from _answered(plugin, entries)


def _answered(plugin: str, entries: Sequence[Entry]) -> Iterator[str]:
    """What answered in a network: devices, or instances; what needs a login is written as a comment to complete."""
    devices = [entry for entry in entries if "name" in entry]
    if devices:
        mark = "" if any(map(_is_complete, devices)) else "# "
        yield f"  {mark}{plugin}:"
        yield f"  {mark}  options:"
        yield f"  {mark}    devices:"
        for entry in devices:
            yield f"  {mark}      {'' if mark or _is_complete(entry) else '# '}- {_flow(entry)}"
    for number, entry in enumerate((entry for entry in entries if "name" not in entry), 1):
        mark = "" if _is_complete(entry) else "# "
        name = plugin if number == 1 else f"{plugin}-{number}"
        yield f"  {mark}{name}: {_flow({'plugin': plugin, 'options': entry} if number > 1 else {'options': entry})}"


def _is_complete(entry: Entry) -> bool:
    return None not in entry.values()


def _flow(entry: Entry) -> str:
    return yaml.safe_dump(entry, default_flow_style=True, sort_keys=False, width=1000).strip()


def _detected(
    types: Iterable[type[Collector[Any]]], root: Path
) -> Iterator[tuple[type[Collector[Any]], NotAvailable | None]]:
    """The collectors whose source is there, and why it cannot be read where that is so."""
    clock = SystemClock()
    for cls in types:
        problem = detect(cls, root, clock)
        if problem is None or problem.reason is Reason.PERMISSION:
            yield cls, problem


def _runs_with_defaults(cls: type[Collector[Any]]) -> bool:
    try:
        cls.config_type()
    except ValidationError:
        return False
    return True
