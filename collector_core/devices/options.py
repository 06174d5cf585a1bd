"""Options that every device has, whatever it speaks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Annotated, Generic, NamedTuple, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field

from collector_core.collector import CollectorConfig
from collector_core.metering.meters import Supply
from collector_core.options import Options

FEEDS = "What the device feeds: `host` is this machine, others are meters such as `mqtt/desk`. The outermost counts."


def _plain(name: str) -> str:
    if not name.isprintable() or name != name.strip():
        raise ValueError("must be printable characters without blanks around them")
    return name


DeviceName = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_plain)]
"""The type of an option that names a device: the value of the label `device`."""


class Device(Options):
    """One device on the network."""

    name: DeviceName = Field(description="The label `device`.")
    feeds: tuple[DeviceName, ...] = Field((), description=FEEDS)

    @property
    def supply(self) -> Supply | None:
        """Where it stands in the supply of a machine; None where all devices of its plugin stand."""
        return None


DeviceT = TypeVar("DeviceT", bound=Device)


def unique_names(devices: tuple[DeviceT, ...]) -> tuple[DeviceT, ...]:
    """The devices; raises `ValueError` where two have the same name. For an `AfterValidator`."""
    for name, times in Counter(device.name for device in devices).items():
        if times > 1:
            raise ValueError(f"two devices are called {name!r}; give them different names")
    return devices


def known_name(name: str, known: Iterable[str]) -> str:
    """The name, where it is one of those that are known; raises `ValueError` with the nearest and all of them."""
    names = list(known)
    if name in names:
        return name
    import difflib  # noqa: PLC0415 - only for what is wrong

    near = difflib.get_close_matches(name, names, n=1, cutoff=0.0)[0]
    raise ValueError(f"unknown; the nearest is {near!r}, and all are {', '.join(names)}")


class DevicesConfig(CollectorConfig, Generic[DeviceT]):
    """The `options` of a collector of devices, such as `DevicesConfig[Server]`; a subclass may add others."""

    devices: Annotated[tuple[DeviceT, ...], AfterValidator(unique_names)] = Field((), description="Devices; see below.")

    def device_feeds(self) -> Mapping[str, tuple[str, ...]]:
        """What the devices feed, by their names."""
        return {device.name: device.feeds for device in self.devices}


class HostPort(NamedTuple):
    """Where a device listens; `port` is None where the protocol's own is meant."""

    host: str
    port: int | None


def _host_port(text: object) -> HostPort:
    if isinstance(text, HostPort):
        return text
    if not isinstance(text, str) or not text.isprintable() or any(map(str.isspace, text)) or "/" in text:
        raise ValueError("write it as host:port, e.g. 192.0.2.7:3493 or [2001:db8::7]:3493")
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text, ""
    is_bracketed = host.startswith("[") and host.endswith("]")
    if not host.strip("[]") or (":" in host and not is_bracketed) or (colon and not port and not is_bracketed):
        raise ValueError("write it as host:port, e.g. 192.0.2.7:3493 or [2001:db8::7]:3493")
    if port and not (port.isascii() and port.isdecimal() and 0 < int(port) <= 65535):
        raise ValueError("the port must be a number from 1 to 65535")
    return HostPort(host.strip("[]"), int(port) if port else None)


Address = Annotated[HostPort, BeforeValidator(_host_port)]
"""The type of an option that is `host:port`, or a host alone: a `HostPort`."""
