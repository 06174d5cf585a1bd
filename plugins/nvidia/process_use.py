"""How long each process kept a GPU busy, added up from the samples that the driver keeps of the last seconds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from statistics import fmean
from typing import Any

_NONE_RAN = frozenset({0, 6})  # nvmlReturn_t where no process has used it since: NVML_SUCCESS, NVML_ERROR_NOT_FOUND
_PATIENCE_SECONDS = 600.0  # a process that has not used it for so long is forgotten


class ProcessUse:
    """Follows one GPU; `seconds` by pid, None where the driver does not tell."""

    def __init__(self) -> None:
        self.seconds: Mapping[int, float] | None = None
        self._seen: dict[int, float] = {}
        self._since = 0
        self._time: float | None = None

    def update(self, nvml: Any, handle: Any, now: float) -> None:
        """Ask for the samples since the last time, `now` in seconds (monotonic)."""
        try:
            samples = nvml.nvmlDeviceGetProcessUtilization(handle, self._since)
        except nvml.NVMLError as error:
            if error.value not in _NONE_RAN:
                self.seconds, self._time = None, None
                return
            samples = []
        elapsed = now - self._time if self._time is not None else 0.0
        self._time = now
        self.seconds = self._added(samples, elapsed, now)
        self._since = max((int(sample.timeStamp) for sample in samples), default=self._since)

    def _added(self, samples: Any, elapsed: float, now: float) -> Mapping[int, float]:
        ratios: dict[int, list[float]] = defaultdict(list)
        for sample in samples:
            if sample.timeStamp > self._since:
                ratios[int(sample.pid)].append(min(1.0, sample.smUtil / 100))
        self._seen |= dict.fromkeys(ratios, now)
        self._seen = {pid: at for pid, at in self._seen.items() if now - at < _PATIENCE_SECONDS}
        before = self.seconds or {}
        grown = {pid: elapsed * fmean(of_pid) for pid, of_pid in ratios.items()}
        return {pid: before.get(pid, 0.0) + grown.get(pid, 0.0) for pid in self._seen}
