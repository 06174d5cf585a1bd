"""The Debian and npm packages that end-to-end tests start: `python tests/services.py install` gets those missing."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGES = {
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "amtool": "prometheus-alertmanager",
    "prometheus-node-exporter": "prometheus-node-exporter",
    "wrk": "wrk",
    "chromium": "chromium",
    "sshd": "openssh-server",
    "ssh-keygen": "openssh-client",
    "cc": "gcc libc6-dev",
    "mosquitto": "mosquitto",
    "upsd": "nut-server",
    "ipmitool": "ipmitool",
    "systemd-analyze": "systemd",
    "qemu-system-x86_64": "qemu-system-x86",
    "npm": "npm",
    "psql": "postgresql",
    "victoria-metrics": "victoria-metrics",
}

# An Ethereum node that mines by itself: the package for each platform has the program, and runs no script.
ANVIL = "@foundry-rs/anvil@1.7.1"
NPM_SECONDS = 300


def npm_folder() -> Path:
    """Where npm packages are kept, outside of the checkout."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "energy-collector-tests" / f"anvil-{ANVIL.rpartition('@')[2]}"


def anvil() -> Path | None:
    """The program, if it has been installed."""
    return next(npm_folder().glob("node_modules/@foundry-rs/anvil-*/bin/anvil"), None)


def missing() -> list[str]:
    """Packages whose program is not on the path."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"  # not on everybody's path, and sshd is there
    wanted = (packages for program, packages in PACKAGES.items() if not shutil.which(program, path=path))
    return sorted({package for packages in wanted for package in packages.split()})


def install() -> None:
    """Install what is missing where that is allowed; otherwise say what the tests will skip."""
    install_packages()
    install_anvil()


def install_anvil() -> None:
    """Let npm get the node; needs no rights."""
    npm = shutil.which("npm")
    if anvil():
        return
    if npm:
        folder = npm_folder()
        folder.mkdir(parents=True, exist_ok=True)
        command = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(folder), ANVIL]
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(command, check=False, stdout=subprocess.DEVNULL, timeout=NPM_SECONDS)
    if not anvil():
        print(f"could not be installed, tests that need it skip: {ANVIL}" + ("" if npm else ", because npm is missing"))


def install_packages() -> None:
    """Install the Debian packages."""
    packages = missing()
    apt = shutil.which("apt-get")
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if not packages:
        return
    if apt is None or (sudo and subprocess.run([*sudo, "true"], capture_output=True, check=False).returncode):
        print(f"not installed, tests that need them skip: {', '.join(packages)}")
        return
    environment = ["env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1"]
    subprocess.run([*sudo, *environment, apt, "-q", "update"], check=False, stdout=subprocess.DEVNULL)
    command = [*sudo, *environment, apt, "-q", "install", "--yes", "--no-install-recommends", *packages]
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
    if missing():
        print(f"could not be installed, tests that need them skip: {', '.join(missing())}")


if __name__ == "__main__":
    if sys.argv[1:] != ["install"]:
        sys.exit("usage: python tests/services.py install")
    install()
