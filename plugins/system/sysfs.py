"""Numbers that /sys keeps one to a file: temperatures and CPU frequencies."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar

from collector_core.procfs import KeptFile
from collector_plugins.system.hwmon import Key, SensorFiles, device_names, find_sensors

LOOK_RUNS = 10  # after so many it is seen that a chip was added; one that was removed is missed at once
SEARCH_RUNS = 60  # after so many the sensors are looked for again: a chip may have got files, or another one its name
HIGHEST_HERTZ = 20e9  # above any processor's; a driver that fails may return the largest number it has

ASLEEP = b"suspended"  # Documentation/ABI/testing/sysfs-devices-power: runtime_status
FAULTY = b"1"

KeyT = TypeVar("KeyT", bound=Hashable)

_GONE = (FileNotFoundError, NotADirectoryError)


class Temperatures:
    """Degrees Celsius of every sensor."""

    def __init__(self, sys: Path, *, is_kernels: bool) -> None:
        self._hwmon, self._thermal = sys / "class/hwmon", sys / "class/thermal"
        self._is_kernels = is_kernels
        self._devices: list[str] | None = None
        self._sensors: dict[Key, _Sensor] = {}
        self._runs = 0

    def read(self) -> dict[Key, float]:
        """By chip and sensor. One that has nothing to say at present, as that of a sleeping device, is left out.

        Raises `PermissionError` where none may be read.
        """
        self._refresh()
        found, errors = _read_each({key: sensor.read for key, sensor in self._sensors.items()})
        if any(isinstance(error, _GONE) for error in errors):
            self._devices = None  # a device was removed: look again next time
        return found

    def close(self) -> None:
        """Let go of the descriptors; the next reading looks for sensors again."""
        for sensor in self._sensors.values():
            sensor.close()
        self._devices = None

    def _refresh(self) -> None:
        self._runs += 1
        if self._devices is not None and self._runs % LOOK_RUNS:
            return
        devices = device_names(self._hwmon) + device_names(self._thermal)
        if devices == self._devices and self._runs % SEARCH_RUNS:
            return
        self.close()
        sensors = find_sensors(self._hwmon, self._thermal)
        self._sensors = {key: _Sensor(files, is_kernels=self._is_kernels) for key, files in sensors.items()}
        self._devices = devices


class _Sensor:
    """One temperature, believed as far as its chip and physics allow."""

    def __init__(self, files: SensorFiles, *, is_kernels: bool) -> None:
        self._value = _file(files.value, is_kernels=is_kernels)
        self._refusals = [
            (_file(path, is_kernels=is_kernels), word)
            for path, word in ((files.power, ASLEEP), (files.fault, FAULTY))
            if path is not None
        ]
        self._range = files.range

    def read(self) -> float | None:
        """None where it cannot be meant; raises `OSError`, and `ValueError` where it is not a number.

        One of a sleeping device is not read: that would wake it and keep it awake.
        """
        if any(file.read().strip() == word for file, word in self._refusals):
            return None
        celsius = float(self._value.read()) / 1000
        return celsius if celsius in self._range else None

    def close(self) -> None:
        self._value.close()
        for file, _ in self._refusals:
            file.close()


class CpuFrequencies:
    """Hertz of each CPU: scaling_cur_freq, in kHz (Documentation/admin-guide/pm/cpufreq.rst)."""

    def __init__(self, sys: Path, *, is_kernels: bool) -> None:
        self._directory = sys / "devices/system/cpu"
        self._is_kernels = is_kernels
        self._online = _file(self._directory / "online", is_kernels=is_kernels)
        self._found_online: bytes | None = None
        self._files: dict[str, KeptFile] = {}
        self._runs = 0

    def read(self) -> dict[str, float]:
        """By CPU; those that are offline, or say nothing that is a frequency, are left out.

        Raises `PermissionError` where none may be read.
        """
        self._refresh()
        found, _ = _read_each({cpu: partial(_hertz, file) for cpu, file in self._files.items()})
        return found

    def close(self) -> None:
        """Let go of the descriptors."""
        for file in (self._online, *self._files.values()):
            file.close()

    def _refresh(self) -> None:
        self._runs += 1
        online = self._online_cpus()
        is_due = not self._files and self._runs % SEARCH_RUNS == 0  # the driver may have been loaded meanwhile
        if online != self._found_online or is_due:
            self.close()
            self._found_online, self._files = online, self._find()

    def _online_cpus(self) -> bytes:
        try:
            return self._online.read()
        except OSError:
            return b""

    def _find(self) -> dict[str, KeptFile]:
        names = (path.name[3:] for path in self._directory.glob("cpu[0-9]*"))
        numbers = sorted(int(name) for name in names if name.isascii() and name.isdecimal())
        paths = {str(number): self._directory / f"cpu{number}/cpufreq/scaling_cur_freq" for number in numbers}
        return {cpu: _file(path, is_kernels=self._is_kernels) for cpu, path in paths.items() if path.exists()}


def _hertz(file: KeptFile) -> float | None:
    hertz = float(file.read()) * 1000
    return hertz if 0 < hertz < HIGHEST_HERTZ else None


def _read_each(
    readers: Mapping[KeyT, Callable[[], float | None]],
) -> tuple[dict[KeyT, float], list[OSError]]:
    """What each says; one that has nothing to say, or no number, is left out, and costs the others nothing.

    Raises `PermissionError` where nothing is left because it may not be read.
    """
    found, errors = {}, []
    for key, read in readers.items():
        try:
            value = read()
        except OSError as error:
            errors.append(error)
        except ValueError:
            continue
        else:
            if value is not None:
                found[key] = value
    refused = next((error for error in errors if isinstance(error, PermissionError)), None)
    if refused and not found:
        raise refused
    return found, errors


def _file(path: Path, *, is_kernels: bool) -> KeptFile:
    return KeptFile(path, is_kernels=is_kernels, keep_open=is_kernels)
