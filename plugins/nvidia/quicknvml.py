"""Energy counter and power of single GPUs, straight from NVML: for whoever measures a short piece of work."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

from collector_core import NotAvailable, Reason
from collector_plugins.nvidia import metrics, nvml
from collector_plugins.nvidia.gpu import Gpu, Series
from collector_plugins.nvidia.nvml_values import ENERGY, Device
from collector_plugins.nvidia.pci import Look, all_asleep, none_known
from collector_plugins.nvidia.possible import possible, possible_joules


class QuickNvml:
    """Reads on any thread; starts NVML when it is first asked, and anew after it failed.

    `look` finds the GPUs that sleep: they are not woken, and where one may sleep nothing is held between two readings.
    """

    def __init__(self, look: Look = none_known) -> None:
        self._look = look
        self._lock = threading.Lock()
        self._nvml: Any = None
        self._handles: dict[str, Any] = {}

    def read(self, gpu: Gpu) -> Gpu:
        """The same GPU with nothing but its energy, power and limit of now; raises `NotAvailable` also if it sleeps."""
        if not (gpu.uuid or gpu.address):
            raise NotAvailable(Reason.NOT_SUPPORTED, f"GPU {gpu.index} has no UUID to ask NVML for")
        there = self._look()
        if all_asleep(there) or gpu.address in {each.address for each in there if each.asleep}:
            self.close()
            raise NotAvailable(Reason.NOT_FOUND, f"GPU {gpu.index} sleeps, and what it draws is not known")
        library, handle = self._handle(gpu)
        device = Device(library, handle)
        try:
            found = device.values(ENERGY)
        except library.NVMLError as error:
            self.close()
            raise nvml.explained(error) from error
        if any(each.may_sleep for each in there):
            self.close()
        return Gpu(gpu.index, gpu.uuid, possible(found), possible_joules(found.pop(Series(metrics.ENERGY), None)))

    def close(self) -> None:
        """Shut NVML down, as far as this is its only user."""
        with self._lock:
            library, self._nvml, self._handles = self._nvml, None, {}
        if library:
            with suppress(library.NVMLError):
                library.nvmlShutdown()

    def _handle(self, gpu: Gpu) -> tuple[Any, Any]:
        """By address where it is known: by UUID NVML would wake other GPUs on its search."""
        key = gpu.address or gpu.uuid
        with self._lock:
            library = self._nvml or nvml.load()
            find = library.nvmlDeviceGetHandleByPciBusId if gpu.address else library.nvmlDeviceGetHandleByUUID
            try:
                if self._nvml is None:
                    library.nvmlInit()
                    self._nvml = library
                if key not in self._handles:
                    self._handles[key] = find(key)
            except library.NVMLError as error:
                raise nvml.explained(error) from error
            return library, self._handles[key]
