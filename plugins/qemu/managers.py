"""What libvirt and Proxmox call their guests: for those whose command line does not say it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from collector_plugins.qemu.cmdline import Description, printable

LIBVIRT = ("run/libvirt/qemu", "run/libvirt/ch", "var/run/libvirt/qemu")
PROXMOX = "etc/pve/qemu-server"
MOST_BYTES = 1 << 20


class Domain(NamedTuple):
    """A guest as libvirt knows it."""

    name: str
    uuid: str


def find_domains(root: Path) -> dict[str, Domain]:
    """The running domains of libvirt by pid, from the states that it keeps of them."""
    return {pid: domain for folder in LIBVIRT for pid, domain in _domains(root / folder)}


def complete(description: Description, domain: Domain | None, root: Path) -> Description:
    """The description, with what its manager knows: libvirt's name goes before that of a socket."""
    if domain:
        name = domain.name if description.api else description.name or domain.name
        return replace(description, name=name, uuid=description.uuid or domain.uuid)
    if description.id.isdecimal() and not description.name:
        return replace(description, name=_proxmox_name(root / PROXMOX / f"{description.id}.conf"))
    return description


def _domains(folder: Path) -> Iterator[tuple[str, Domain]]:
    for file in sorted(folder.glob("*.xml")):
        try:
            status = ElementTree.fromstring(_read(file))  # noqa: S314 - root's own file, of bounded size
        except (OSError, ElementTree.ParseError, ValueError):
            continue
        pid, name, uuid = status.get("pid", ""), status.findtext("domain/name"), status.findtext("domain/uuid")
        if status.tag == "domstatus" and pid.isdecimal() and name:
            yield pid, Domain(printable(name), printable((uuid or "").lower()))


def _proxmox_name(file: Path) -> str:
    """The `name:` of a guest's configuration, before the sections of its snapshots."""
    try:
        text = _read(file).decode("utf-8", "backslashreplace")
    except OSError:
        return ""
    for line in text.splitlines():
        if line.startswith("["):
            break
        if line.startswith("name:"):
            return printable(line.removeprefix("name:").strip())
    return ""


def _read(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(MOST_BYTES)
