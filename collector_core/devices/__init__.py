"""Meters on the network: what collectors that read many devices share."""

from collector_core.devices.energy import DeviceEnergy
from collector_core.devices.health import DeviceHealth
from collector_core.devices.meters import DeviceMeters, Measured
from collector_core.devices.options import Address, Device, DeviceName, HostPort, unique_names
from collector_core.devices.polled import PolledDevices, no_device

__all__ = [
    "Address",
    "Device",
    "DeviceEnergy",
    "DeviceHealth",
    "DeviceMeters",
    "DeviceName",
    "HostPort",
    "Measured",
    "PolledDevices",
    "no_device",
    "unique_names",
]
