"""Whether devices answer, as metrics that every collector of devices has."""

from __future__ import annotations

from collector_core.errors import reason_of
from collector_core.model.metrics import Gauge, Info
from collector_core.model.readings import Readings


class DeviceHealth:
    """Declares `PLUGIN_device_up` and `PLUGIN_device_unavailable_info`, and shows them."""

    def __init__(self, plugin: str) -> None:
        self.up = Gauge(
            f"{plugin}_device_up",
            "1 if the device can be read, 0 otherwise.",
            labels=("device",),
            topic="availability",
            of="device",
            title=f"Availability of a device of {plugin}",
        )
        self.unavailable = Info(
            f"{plugin}_device_unavailable_info",
            "Why the device cannot be read: permission, not_found, not_supported, unreachable, timeout, auth or "
            "bad_data.",
            ("device", "reason"),
        )

    @property
    def metrics(self) -> tuple[Gauge, Info]:
        """Both, for a collector's `metrics`."""
        return self.up, self.unavailable

    def add_up(self, out: Readings, device: str) -> None:
        """The device answers."""
        out.add(self.up, 1, device=device)

    def add_down(self, out: Readings, device: str, error: Exception) -> None:
        """The device does not answer: a failed part of the run."""
        out.add(self.up, 0, device=device)
        out.add(self.unavailable, device=device, reason=reason_of(error))
        with out.part(device=device):
            raise error.with_traceback(None)
