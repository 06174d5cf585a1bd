"""The Debian, npm and Maven packages that tests start: `python tests/services.py install` gets those missing."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
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
    "c++": "g++",
    "mosquitto": "mosquitto",
    "upsd": "nut-server",
    "ipmitool": "ipmitool",
    "snmpd": "snmpd",
    "systemd-analyze": "systemd",
    "qemu-system-x86_64": "qemu-system-x86",
    "dockerd": "docker.io",
    "npm": "npm",
    "psql": "postgresql",
    "victoria-metrics": "victoria-metrics",
    "carbon-cache": "graphite-carbon",
    "influxd": "influxdb",
    "java": "default-jre-headless",
    "mvn": "maven",
}

# An Ethereum node that mines by itself: the package for each platform has the program, and runs no script.
ANVIL = "@foundry-rs/anvil@1.7.1"
# A broker, with all that it needs.
KAFKA = "org.apache.kafka:kafka_2.13:4.3.1"
# A graph database: 128 MB, half a minute of CPU, so only where `LARGE_SERVICES` is set.
NEO4J = "org.neo4j:neo4j:5.26.0"
POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion><groupId>tests</groupId><artifactId>server</artifactId><version>1</version>
<dependencies><dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency></dependencies>
</project>"""
REGISTRY_SECONDS = 300


def cache_folder(package: str) -> Path:
    """Where what is no Debian package is kept, outside of the checkout."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "energy-collector-tests" / package


def npm_folder() -> Path:
    """Where the Ethereum node is."""
    return cache_folder(f"anvil-{ANVIL.rpartition('@')[2]}")


def anvil() -> Path | None:
    """The program, if it has been installed."""
    return next(npm_folder().glob("node_modules/@foundry-rs/anvil-*/bin/anvil"), None)


def jars(package: str) -> Path | None:
    """The folder of a Maven package with all that it needs, if it has been fetched."""
    folder = _jars_folder(package)
    return folder if folder.is_dir() else None


def _jars_folder(package: str) -> Path:
    group, _, version = package.split(":")
    return cache_folder(f"{group.rpartition('.')[2]}-{version}")


def wants_large() -> bool:
    """Whether what is large and slow is tested, too."""
    return bool(os.environ.get("LARGE_SERVICES"))


def missing() -> list[str]:
    """Packages whose program is not on the path."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"  # not on everybody's path, and sshd is there
    wanted = (packages for program, packages in PACKAGES.items() if not shutil.which(program, path=path))
    return sorted({package for packages in wanted for package in packages.split()})


def install() -> None:
    """Install what is missing where that is allowed; otherwise say what the tests will skip."""
    install_packages()
    packages = [KAFKA, NEO4J] if wants_large() else [KAFKA]
    with ThreadPoolExecutor() as pool:  # all wait for the network
        for each in [pool.submit(install_anvil), *(pool.submit(install_jars, package) for package in packages)]:
            each.result()


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
            subprocess.run(command, check=False, stdout=subprocess.DEVNULL, timeout=REGISTRY_SECONDS)
    if not anvil():
        print(f"could not be installed, tests that need it skip: {ANVIL}" + ("" if npm else ", because npm is missing"))


def install_jars(package: str) -> None:
    """Let Maven get a package with all that it needs; needs no rights."""
    maven = shutil.which("mvn")
    if jars(package):
        return
    if maven:
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "pom.xml").write_text(POM.format(*package.split(":")), encoding="utf-8")
            command = [maven, "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=jars"]
            command += ["-DincludeScope=runtime"]
            with contextlib.suppress(subprocess.SubprocessError):
                subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, timeout=REGISTRY_SECONDS)
                _keep(Path(folder, "jars"), _jars_folder(package))
    if not jars(package):
        print(
            f"could not be fetched, tests that need it skip: {package}" + ("" if maven else ", because mvn is missing")
        )


def _keep(folder: Path, place: Path) -> None:
    """Copy a folder so that all of it is there, or nothing."""
    partial = place.with_name(f"{place.name}-{os.getpid()}")
    shutil.copytree(folder, partial)
    with contextlib.suppress(OSError):  # somebody else was faster
        partial.rename(place)
    shutil.rmtree(partial, ignore_errors=True)


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
