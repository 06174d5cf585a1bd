"""Which program runs a virtual machine, and what its command line says: QEMU, Firecracker or Cloud Hypervisor."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from collector_plugins.qemu import cmdline, cmdline_options
from collector_plugins.qemu.cmdline import MAX_VCPUS, ConfigReader, Description, printable

Describe = Callable[[Sequence[str], ConfigReader], Description]

_FIRECRACKER = re.compile(r"firecracker(-v\d[\w.]*(-\w+)?)?")  # and not firecracker-containerd
_CLOUD_HYPERVISOR = re.compile(r"cloud-hypervisor(-static)?(-\w+)?")
_ANSWERS_ONLY = frozenset({"version", "help", "snapshot-version", "describe-snapshot"})
_SHORT_ANSWERS = frozenset({"-h", "-V"})
_FIRECRACKER_SOCKET = "/run/firecracker.socket"
_FIRECRACKER_PATHS = ("/", "/machine-config")
_CLOUD_HYPERVISOR_PATHS = ("/api/v1/vm.info",)
UNNAMED = "anonymous-instance"  # what Firecracker calls itself without `--id`
_GENERAL_NAMES = frozenset(
    {
        "api",
        "ch",
        "clh",
        "clh-api",
        "cloud-hypervisor",
        "fc",
        "firecracker",
        "run",
        "root",
        "socket",
        "tmp",
        "vm",
        "vmm",
    }
)


def find_describer(executable: str) -> Describe | None:
    """How to read the command line of a program at this path; None where it runs no virtual machine."""
    name = executable.removesuffix(cmdline.DELETED).rpartition("/")[2]
    if _FIRECRACKER.fullmatch(name):
        return describe_firecracker
    if _CLOUD_HYPERVISOR.fullmatch(name):
        return describe_cloud_hypervisor
    return cmdline.describe if cmdline.is_emulator(executable) else None


def describe_firecracker(arguments: Sequence[str], read_config: ConfigReader) -> Description:
    """By `--id`; a `--config-file` knows the vCPUs, else the API does."""
    options = _long_options(arguments)
    api = "" if "no-api" in options else options.get("api-sock", _FIRECRACKER_SOCKET)
    name = options.get("id", "")
    return Description(
        name=printable(name if name not in ("", UNNAMED) else _name_of_socket(api)),
        vcpus=_vcpus_of_config(read_config(options.get("config-file", "")) or ""),
        is_guest=_runs_a_machine(arguments, options),
        api=api,
        api_paths=_FIRECRACKER_PATHS,
    )


def describe_cloud_hypervisor(arguments: Sequence[str], _: ConfigReader) -> Description:
    """It has no name but its API socket's; where that made the machine, the API knows the rest."""
    options = _long_options(arguments)
    api = cmdline_options.parse(options.get("api-socket", ""), "path").get("path", "")
    cpus = cmdline_options.parse(options.get("cpus", ""), "boot")
    platform = cmdline_options.parse(options.get("platform", ""), "uuid")
    return Description(
        name=printable(_name_of_socket(api)),
        uuid=printable(platform.get("uuid", "").lower()),
        vcpus=as_vcpus(cpus.get("boot")),
        is_guest=_runs_a_machine(arguments, options),
        api=api,
        api_paths=_CLOUD_HYPERVISOR_PATHS,
    )


def as_vcpus(told: Any) -> int:
    """A number of vCPUs as a text or a number; 1 for what is none."""
    text = str(told)
    return min(max(1, int(text)), MAX_VCPUS) if text.isascii() and text.isdecimal() and len(text) < 10 else 1


def _long_options(arguments: Sequence[str]) -> Mapping[str, str]:
    """`--name value` and `--name=value`; one that no value follows is ""."""
    found: dict[str, str] = {}
    for argument, following in zip(arguments[1:], [*arguments[2:], ""], strict=False):
        if argument.startswith("--"):
            name, equals, value = argument.removeprefix("--").partition("=")
            found[name] = value if equals else "" if following.startswith("--") else following
    return found


def _runs_a_machine(arguments: Sequence[str], options: Mapping[str, str]) -> bool:
    return _ANSWERS_ONLY.isdisjoint(options) and _SHORT_ANSWERS.isdisjoint(arguments)


def _vcpus_of_config(text: str) -> int:
    try:
        return as_vcpus(json.loads(text)["machine-config"]["vcpu_count"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return 1


def _name_of_socket(path: str) -> str:
    """What tells a socket from those of other guests: its own name, or its folder's where every guest's is the same."""
    *folders, file = path.split("/")
    for name in (file.partition(".")[0], *reversed(folders)):
        if name.strip("_-") and name.lower() not in _GENERAL_NAMES:
            return name
    return ""
