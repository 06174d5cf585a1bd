"""The power management chip of a Raspberry Pi 5, which only the firmware can ask: `vcgencmd pmic_read_adc`."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from collector_core import NotAvailable, Reason
from collector_core.procfs import read_line
from collector_plugins.hwmon.rail import Rail

CHIP = "pmic"
PROGRAM = "vcgencmd"
SECONDS = 4.0

_MODEL = re.compile(r"Raspberry Pi (5|500|Compute Module 5)\b")
_READING = re.compile(r"(?P<rail>\w+)_(?P<kind>[AV])\s+(?:current|volt)\(\d+\)=(?P<value>[0-9.]{1,20})[AV]")


def has_pmic(root_of_models: Path) -> bool:
    """Whether this machine is a Raspberry Pi with such a chip, by its device tree."""
    return bool(_MODEL.search(read_line(root_of_models / "model")))


def read_pmic() -> list[Rail]:
    """Every rail; raises `NotAvailable`."""
    try:
        done = subprocess.run([PROGRAM, "pmic_read_adc"], capture_output=True, timeout=SECONDS, check=False)  # noqa: S603
    except FileNotFoundError:
        raise NotAvailable(
            Reason.NOT_FOUND, "vcgencmd is not installed", fix="sudo apt install raspi-utils-core"
        ) from None
    except subprocess.TimeoutExpired:
        raise NotAvailable(Reason.TIMEOUT, "the firmware does not answer", fix="sudo rpi-eeprom-update -a") from None
    rails = parse_adc(done.stdout.decode(errors="replace"))
    if not rails:
        raise NotAvailable(
            Reason.PERMISSION, "the firmware says no power", fix="sudo usermod -aG video energy-collector"
        )
    return rails


def parse_adc(output: str) -> list[Rail]:
    """The rails in what `vcgencmd pmic_read_adc` prints; lines that are not readings are left out."""
    found: dict[str, Rail] = {}
    for match in _READING.finditer(output):
        try:
            value = float(match["value"])
        except ValueError:
            continue
        rail = found.get(match["rail"], Rail(CHIP, match["rail"]))
        found[match["rail"]] = rail._replace(amperes=value) if match["kind"] == "A" else rail._replace(volts=value)
    return [rail.with_watts() for rail in found.values()]
