"""Energy counter and power of single GPUs, straight from NVML: for whoever measures a short piece of work."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

from collector_core import NotAvailable, Reason
from collector_plugins.nvidia import metrics, nvml
from collector_plugins.nvidia.gpu import Gpu, Series


class QuickNvml:
    """Reads on any thread; starts NVML when it is first asked, and anew after it failed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._nvml: Any = None
        self._handles: dict[str, Any] = {}

    def read(self, gpu: Gpu) -> Gpu:
        """The same GPU with nothing but its energy, power and limit of now; raises `NotAvailable`."""
        if not gpu.uuid:
            raise NotAvailable(Reason.NOT_SUPPORTED, f"GPU {gpu.index} has no UUID to ask NVML for")
        library, handle = self._handle(gpu.uuid)
        found: dict[Series, float] = {}
        try:
            for reader in nvml.ENERGY_READERS:
                found.update(nvml.tolerant(library, reader, handle, []))
        except library.NVMLError as error:
            self.close()
            raise nvml.explained(error) from error
        return Gpu(gpu.index, gpu.uuid, found, found.pop(Series(metrics.ENERGY), None))

    def close(self) -> None:
        """Shut NVML down, as far as this is its only user."""
        with self._lock:
            library, self._nvml, self._handles = self._nvml, None, {}
        if library:
            with suppress(library.NVMLError):
                library.nvmlShutdown()

    def _handle(self, uuid: str) -> tuple[Any, Any]:
        with self._lock:
            library = self._nvml or nvml.load()
            try:
                if self._nvml is None:
                    library.nvmlInit()
                    self._nvml = library
                if uuid not in self._handles:
                    self._handles[uuid] = library.nvmlDeviceGetHandleByUUID(uuid)
            except library.NVMLError as error:
                raise nvml.explained(error) from error
            return library, self._handles[uuid]
