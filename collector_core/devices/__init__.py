"""Meters on the network: what collectors that read many devices share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector_core.late_names import late_names

if TYPE_CHECKING:
    from collector_core.devices.documents import (
        Places,
        at_pointer,
        find_in_json,
        find_in_text,
        find_in_xml,
        is_pointer,
        is_xml_path,
        number,
        parse_json,
        read_places,
    )
    from collector_core.devices.energy import DeviceEnergy
    from collector_core.devices.followed_gpu import GpuReading
    from collector_core.devices.found import FoundDevices
    from collector_core.devices.gpu_cards import GpuCard
    from collector_core.devices.gpus import SysfsGpus
    from collector_core.devices.health import DeviceHealth
    from collector_core.devices.meters import DeviceMeters, Measured
    from collector_core.devices.options import (
        Address,
        Device,
        DeviceName,
        DevicesConfig,
        HostPort,
        known_name,
        unique_names,
    )
    from collector_core.devices.polled import PolledDevices
    from collector_core.devices.probing import Probes, place_of
    from collector_core.devices.programs import run_program
    from collector_core.devices.quantities import DeviceMetrics, DeviceReading, quantity_words
    from collector_core.devices.streams import open_stream

__all__ = [
    "Address",
    "Device",
    "DeviceEnergy",
    "DeviceHealth",
    "DeviceMeters",
    "DeviceMetrics",
    "DeviceName",
    "DeviceReading",
    "DevicesConfig",
    "FoundDevices",
    "GpuCard",
    "GpuReading",
    "HostPort",
    "Measured",
    "Places",
    "PolledDevices",
    "Probes",
    "SysfsGpus",
    "at_pointer",
    "find_in_json",
    "find_in_text",
    "find_in_xml",
    "is_pointer",
    "is_xml_path",
    "known_name",
    "number",
    "open_stream",
    "parse_json",
    "place_of",
    "quantity_words",
    "read_places",
    "run_program",
    "unique_names",
]

_HOMES = {
    "collector_core.devices.documents": (
        "Places at_pointer find_in_json find_in_text find_in_xml is_pointer is_xml_path number parse_json read_places"
    ),
    "collector_core.devices.energy": "DeviceEnergy",
    "collector_core.devices.followed_gpu": "GpuReading",
    "collector_core.devices.found": "FoundDevices",
    "collector_core.devices.gpu_cards": "GpuCard",
    "collector_core.devices.gpus": "SysfsGpus",
    "collector_core.devices.health": "DeviceHealth",
    "collector_core.devices.meters": "DeviceMeters Measured",
    "collector_core.devices.options": "Address Device DeviceName DevicesConfig HostPort known_name unique_names",
    "collector_core.devices.polled": "PolledDevices",
    "collector_core.devices.probing": "Probes place_of",
    "collector_core.devices.programs": "run_program",
    "collector_core.devices.quantities": "DeviceMetrics DeviceReading quantity_words",
    "collector_core.devices.streams": "open_stream",
}

__getattr__ = late_names(__name__, _HOMES)
