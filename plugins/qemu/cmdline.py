"""QEMU's command line → the guest's name, uuid and number of vCPUs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import prod

from collector_plugins.qemu import cmdline_options

MAX_VCPUS = 65535  # more than any machine type of QEMU takes

ConfigReader = Callable[[str], str | None]

# `.…-wrapped` is how NixOS calls the program behind its wrapper, `qemu-lite-system-…` how Kata Containers call theirs.
_EMULATOR = re.compile(r"\.?(?:qemu-(?:[\w.+]+-)*system-[\w.+-]+|(?:qemu-)?kvm(?:-spice)?)")
_TOPOLOGY = ("drawers", "books", "sockets", "dies", "clusters", "modules", "cores", "threads")
DELETED = " (deleted)"  # what the kernel adds to the name of a program that was upgraded while it runs

# Options without a value, of all versions; every other one takes the next argument, whatever that looks like.
_SWITCHES = frozenset(
    {
        "S", "alt-grab", "async-teardown", "audio-help", "ctrl-grab", "curses", "daemonize", "enable-fips",
        "enable-kvm", "enable-sync-profile", "full-screen", "h", "help", "localtime", "mem-prealloc", "no-acpi",
        "no-fd-bootchk", "no-frame", "no-hpet", "no-kvm", "no-kvm-irqchip", "no-kvm-pit", "no-kvm-pit-reinjection",
        "no-quit", "no-reboot", "no-shutdown", "no-user-config", "nodefaults", "nodefconfig", "nographic",
        "old-param", "only-migratable", "portrait", "preconfig", "rtc-td-hack", "s", "sdl", "semihosting",
        "show-cursor", "singlestep", "snapshot", "std-vga", "tdf", "usb", "version", "win2k-hack", "xen-attach",
        "xen-create", "xen-domid-restrict",
    }
)  # fmt: skip

# What QEMU only answers: `-version`, and a list of what an option takes.
_QUESTIONS = frozenset({"version", "help", "h", "audio-help", "dump-vmstate"})
_LISTING = frozenset(
    {
        *("accel", "audiodev", "chardev", "cpu", "d", "device", "display", "machine", "M", "netdev", "nic", "object"),
        *("soundhw", "tpmdev", "trace", "vga", "watchdog", "watchdog-action"),
    }
)
_HELP = frozenset({"help", "?"})

_NO_MACHINE = "none"  # of libvirt, which asks an emulator for its abilities
_XEN_DOMAIN_0 = "0"  # an emulator of Xen that serves disks to the host itself


@dataclass(frozen=True)
class Description:
    """What a command line says of its guest; texts are "" where it says nothing. `id` is Proxmox's number.

    `is_guest` is False where the program runs no virtual machine. `api` is the path of a socket that knows more, as the
    program sees it, and `api_paths` what to ask there.
    """

    name: str = ""
    uuid: str = ""
    id: str = ""
    vcpus: int = 1
    is_guest: bool = True
    api: str = ""
    api_paths: tuple[str, ...] = ()


def split(cmdline: bytes) -> list[str]:
    """The arguments in /proc/PID/cmdline: each ends with a NUL. Bytes that are no UTF-8 become `\\xff`."""
    return [argument.decode("utf-8", "backslashreplace") for argument in cmdline.removesuffix(b"\0").split(b"\0")]


def is_emulator(executable: str) -> bool:
    """Whether a path is that of QEMU's system emulator under one of its names."""
    return _EMULATOR.fullmatch(executable.removesuffix(DELETED).rpartition("/")[2]) is not None


def describe(arguments: Sequence[str], read_config: ConfigReader = lambda _: None) -> Description:
    """Read the arguments as QEMU does, the first of which is its own name.

    `read_config` gives the text of a `-readconfig` file, None where it cannot be read.
    """
    found = _Found()
    for option, value in _options(arguments):
        found.take(option, value, read_config)
    return Description(
        printable(found.name.get("guest", "")),
        printable(found.uuid),
        printable(found.id),
        found.vcpus(),
        found.is_guest(),
    )


def vcpus(smp: dict[str, str]) -> int:
    """The number of vCPUs that `-smp` starts with, as machine_parse_smp_config in QEMU's hw/core/machine-smp.c."""
    counts = {key: count for key, text in smp.items() if (count := _count(text))}
    topology = prod(counts.get(level, 1) for level in _TOPOLOGY)
    return min(counts.get("cpus") or counts.get("maxcpus") or topology, MAX_VCPUS)


def printable(text: str) -> str:
    """A text that is valid Unicode: JSON may hold halves of characters."""
    return text.encode("utf-8", "backslashreplace").decode()


@dataclass
class _Found:
    """What has been read so far; later options add to earlier ones and win over them."""

    name: dict[str, str] = field(default_factory=dict)
    smp: dict[str, str] = field(default_factory=dict)
    uuid: str = ""
    id: str = ""
    plugged: int = 0
    machine: str = ""
    xen_domain: str = ""
    is_question: bool = False

    def take(self, option: str, value: str, read_config: ConfigReader) -> None:
        self.is_question |= _is_question(option, value)
        if option == "name":
            self.name |= cmdline_options.parse(value, "guest")
        elif option == "smp":
            self.smp |= cmdline_options.parse(value, "cpus")
        elif option in ("machine", "M"):
            self._take_machine(cmdline_options.parse(value, "type"))
        elif option == "device":
            self.plugged += _driver(value).endswith("-cpu")
        elif option == "readconfig":
            self._take_config(read_config(value) or "")
        elif option == "uuid":
            self.uuid = value.lower()
        elif option == "id":
            self.id = value
        elif option == "xen-domid":
            self.xen_domain = value

    def is_guest(self) -> bool:
        return not self.is_question and self.machine != _NO_MACHINE and self.xen_domain != _XEN_DOMAIN_0

    def vcpus(self) -> int:
        return min(vcpus(self.smp) + self.plugged, MAX_VCPUS)

    def _take_machine(self, settings: dict[str, str]) -> None:
        self.machine = settings.get("type", self.machine)
        self.smp |= {key.removeprefix("smp."): value for key, value in settings.items() if key.startswith("smp.")}

    def _take_config(self, text: str) -> None:
        for group, settings in cmdline_options.sections(text):
            if group == "name":
                self.name |= settings
            elif group == "smp-opts":
                self.smp |= settings
            elif group == "machine":
                self._take_machine(settings)
            elif group == "device":
                self.plugged += settings.get("driver", "").endswith("-cpu")


def _options(arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Options, without their one or two dashes, and values; what stands alone is a disk image."""
    rest = iter(arguments[1:])
    for argument in rest:
        if argument.startswith("-") and argument != "-":
            option = argument[2:] if argument.startswith("--") else argument[1:]
            yield option, "" if option in _SWITCHES else next(rest, "")


def _is_question(option: str, value: str) -> bool:
    parts = value.split(",")
    return option in _QUESTIONS or (option in _LISTING and (parts[0] in _HELP or "help" in parts[1:]))


def _driver(device: str) -> str:
    """The driver of a `-device`, which is `driver,key=value` or a JSON object."""
    if not device.startswith("{"):
        return cmdline_options.parse(device, "driver").get("driver", "")
    try:
        return str(json.loads(device).get("driver", ""))
    except (ValueError, RecursionError):
        return ""


def _count(text: str) -> int:
    """A number as QEMU reads it, hexadecimal too; 0 for what is none."""
    try:
        return max(0, int(text, 0))
    except ValueError:
        return 0
