"""The Debian packages that end-to-end tests start: `python tests/services.py install` gets those that are missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

PACKAGES = {
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "prometheus-node-exporter": "prometheus-node-exporter",
    "wrk": "wrk",
    "chromium": "chromium",
    "sshd": "openssh-server",
    "ssh-keygen": "openssh-client",
    "cc": "gcc libc6-dev",
    "mosquitto": "mosquitto",
    "systemd-analyze": "systemd",
    "qemu-system-x86_64": "qemu-system-x86",
}


def missing() -> list[str]:
    """Packages whose program is not on the path."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"  # not on everybody's path, and sshd is there
    wanted = (packages for program, packages in PACKAGES.items() if not shutil.which(program, path=path))
    return sorted({package for packages in wanted for package in packages.split()})


def install() -> None:
    """Install what is missing where that is allowed; otherwise say what the tests will skip."""
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
