"""Numbers that /sys keeps one to a file: temperatures and CPU frequencies."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from collector_core.procfs import KeptFile
from collector_plugins.system.filters import text


class Temperatures:
    """Degrees Celsius of every sensor (Documentation/hwmon/sysfs-interface.rst; files are in millidegrees).

    Without any sensor in hwmon, the thermal zones (Documentation/driver-api/thermal/sysfs-api.rst).
    """

    def __init__(self, sys: Path, *, is_kernels: bool) -> None:
        self._hwmon, self._thermal = sys / "class/hwmon", sys / "class/thermal"
        self._is_kernels = is_kernels
        self._devices: list[str] | None = None
        self._sensors: dict[tuple[str, str], KeptFile] = {}

    def read(self) -> dict[tuple[str, str], float]:
        """By chip and sensor; a sensor that has nothing to say at present, as of a sleeping device, is left out."""
        self._refresh()
        found = {}
        for key, file in self._sensors.items():
            try:
                found[key] = float(file.read()) / 1000
            except (FileNotFoundError, NotADirectoryError):
                self._devices = None  # its device was removed: look again next time
            except PermissionError:
                raise
            except OSError:
                continue
        return found

    def close(self) -> None:
        """Let go of the descriptors; the next reading looks for sensors again."""
        for file in self._sensors.values():
            file.close()
        self._devices = None

    def _refresh(self) -> None:
        devices = _names(self._hwmon)
        if devices == self._devices:
            return
        self.close()
        sensors = _hwmon_sensors(self._hwmon, devices) or _thermal_zones(self._thermal)
        self._sensors = {key: _file(path, is_kernels=self._is_kernels) for key, path in sensors.items()}
        self._devices = devices


class CpuFrequencies:
    """Hertz of each CPU: scaling_cur_freq, in kHz (Documentation/admin-guide/pm/cpufreq.rst)."""

    def __init__(self, sys: Path, *, is_kernels: bool) -> None:
        directory = sys / "devices/system/cpu"
        numbers = sorted(int(path.name[3:]) for path in directory.glob("cpu[0-9]*") if path.name[3:].isdecimal())
        paths = {str(number): directory / f"cpu{number}/cpufreq/scaling_cur_freq" for number in numbers}
        self._files = {cpu: _file(path, is_kernels=is_kernels) for cpu, path in paths.items() if path.exists()}

    def __bool__(self) -> bool:
        return bool(self._files)

    def read(self) -> dict[str, float]:
        """By CPU; those that are offline are left out."""
        found = {}
        for cpu, file in self._files.items():
            try:
                contents = file.read()
            except PermissionError:
                raise
            except OSError:
                continue
            if not contents.startswith(b"<unknown>"):
                found[cpu] = float(contents) * 1000
        return found

    def close(self) -> None:
        """Let go of the descriptors."""
        for file in self._files.values():
            file.close()


def _file(path: Path, *, is_kernels: bool) -> KeptFile:
    return KeptFile(path, is_kernels=is_kernels, keep_open=is_kernels)


def _hwmon_sensors(hwmon: Path, devices: list[str]) -> dict[tuple[str, str], Path]:
    names = {device: _line(hwmon / device / "name") or device for device in devices}
    how_many = Counter(names.values())
    sensors = {}
    for device, name in names.items():
        chip = name if how_many[name] == 1 else f"{name}-{_address(hwmon / device)}"
        for path in sorted((hwmon / device).glob("temp*_input"), key=_number):
            sensor = path.name.removesuffix("_input")
            label = _line(path.with_name(f"{sensor}_label")) or sensor
            sensors[chip, sensor if (chip, label) in sensors else label] = path
    return sensors


def _thermal_zones(thermal: Path) -> dict[tuple[str, str], Path]:
    zones = {zone: thermal / zone for zone in _names(thermal) if zone.startswith("thermal_zone")}
    return {(_line(path / "type") or zone, zone): path / "temp" for zone, path in zones.items()}


def _address(device: Path) -> str:
    """What tells two chips of one kind apart from boot to boot: the name of the device below, e.g. `nvme0`."""
    below = device / "device"
    return below.resolve().name if below.exists() else device.name


def _line(path: Path) -> str:
    try:
        return text(path.read_bytes()).strip()
    except OSError:
        return ""


def _names(directory: Path) -> list[str]:
    """Sorted by their number: hwmon10 comes after hwmon2."""
    try:
        return sorted((path.name for path in directory.iterdir()), key=lambda name: (len(name), name))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _number(path: Path) -> tuple[int, str]:
    return len(path.name), path.name
