"""How the host tells: files in a folder that it shares, lines on a port of virtio-serial, or pushes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pydantic import ValidationError

from collector_core import Context, NotAvailable, PushInbox, PushOptions, Reason
from collector_core.storage import read_bounded
from collector_plugins.guest.config import Config
from collector_plugins.guest.message import MOST_BYTES, HostReading

if TYPE_CHECKING:
    from aiohttp import web

READING = "reading.json"
DEFAULT_PORT = "/dev/virtio-ports/energy-collector"
SENDER = "host"
_ZONES = "intel-rapl:*"
_NUMBER_BYTES = 64
_MICROJOULES = 1e6
FIX = "let the host share the power of this machine: plugins/guest/README.md; then give folder, port or push"


class PowerSource(Protocol):
    """One way; `way` is what it is called."""

    way: str

    def read(self) -> HostReading | None:
        """The newest reading, None where there is none yet; raises `NotAvailable`."""

    def routes(self) -> Sequence[web.RouteDef]:
        """What it needs the web server for."""

    def close(self) -> None:
        """Let go of everything."""


class Folder:
    """Reads `reading.json`, or the zones of a powercap tree such as Scaphandre shares."""

    way = "folder"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self) -> HostReading | None:
        """As `PowerSource`."""
        try:
            return parse(read_bounded(self._folder / READING, MOST_BYTES))
        except FileNotFoundError:
            return self._read_zones()
        except OSError as error:
            raise NotAvailable(Reason.PERMISSION, f"{self._folder / READING}: {error.strerror}", fix=FIX) from None
        except ValueError as error:
            raise NotAvailable(Reason.BAD_DATA, f"{self._folder / READING}: {error}") from None

    def routes(self) -> Sequence[web.RouteDef]:
        """None."""
        return ()

    def close(self) -> None:
        """Nothing is kept open."""

    def _read_zones(self) -> HostReading:
        try:
            joules = dict(self._zones())
        except (OSError, ValueError) as error:
            raise NotAvailable(Reason.BAD_DATA, f"{self._folder}: {error}") from None
        if not joules:
            raise NotAvailable(Reason.NOT_FOUND, f"{self._folder} has no reading of the host", fix=FIX)
        return HostReading(joules=joules)

    def _zones(self) -> Iterator[tuple[str, float]]:
        """Packages together as `cpu`, and memory."""
        sums: dict[str, int] = {}
        for zone in sorted(self._folder.glob(_ZONES)):
            name = "package"
            with suppress(FileNotFoundError):
                name = read_bounded(zone / "name", _NUMBER_BYTES).decode("utf-8", "replace").strip()
            component = "dram" if name == "dram" else "cpu" if name.startswith("package") else ""
            if component:
                sums[component] = sums.get(component, 0) + int(read_bounded(zone / "energy_uj", _NUMBER_BYTES))
        for component, microjoules in sums.items():
            yield component, microjoules / _MICROJOULES


class Port:
    """Reads lines from a port of virtio-serial; nothing blocks."""

    way = "port"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._rest = b""
        self._last: HostReading | None = None

    def read(self) -> HostReading | None:
        """As `PowerSource`."""
        lines = (self._rest + self._read_all()).split(b"\n")
        self._rest = lines.pop()[-MOST_BYTES:]
        for line in filter(None, lines):
            with suppress(ValueError):  # the first line may be the end of one that was sent before
                self._last = parse(line)
        return self._last

    def routes(self) -> Sequence[web.RouteDef]:
        """None."""
        return ()

    def close(self) -> None:
        """Let go of the port."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor, self._rest = None, b""

    def _read_all(self) -> bytes:
        """What is there, and no more than some of it at once: a host may send faster than we read."""
        content = b""
        try:
            descriptor = self._open()
            while len(content) < 4 * MOST_BYTES and (piece := os.read(descriptor, MOST_BYTES)):
                content += piece
        except BlockingIOError:
            pass
        except OSError as error:
            self.close()
            reason = Reason.PERMISSION if isinstance(error, PermissionError) else Reason.NOT_FOUND
            raise NotAvailable(reason, f"{self._path}: {error.strerror}", fix=FIX) from None
        return content

    def _open(self) -> int:
        if self._descriptor is None:
            self._descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        return self._descriptor


class Pushed:
    """What the host posts."""

    way = "push"

    def __init__(self, options: PushOptions, ctx: Context) -> None:
        self._inbox = PushInbox("guest", HostReading, options, ctx.clock, names=lambda: (SENDER,), wake=ctx.wake)

    def read(self) -> HostReading | None:
        """As `PowerSource`."""
        return self._inbox.current().get(SENDER)

    def routes(self) -> Sequence[web.RouteDef]:
        """Where the host posts."""
        return self._inbox.routes()

    def close(self) -> None:
        """Nothing is kept open."""


def new_source(config: Config, ctx: Context) -> PowerSource:
    """The way that the options name, else the port."""
    if config.push is not None:
        return Pushed(config.push, ctx)
    if config.folder is not None:
        return Folder(ctx.path(config.folder))
    return Port(ctx.path(config.port or DEFAULT_PORT))


def parse(content: bytes) -> HostReading:
    """One reading; raises `ValueError` for what is none."""
    try:
        return HostReading.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "reading"
        raise ValueError(f"{place}: {first['msg']}") from None
