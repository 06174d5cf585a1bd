"""A real sshd of this test's own: on loopback, with its own keys, stopped by its pid."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, Self

import psutil

ADDRESS = "127.0.0.1"
PATH = "/usr/local/bin:/usr/bin:/bin"
START_SECONDS = 10
PRIVILEGE_SEPARATION = Path("/run/sshd")  # compiled into Debian's sshd, made by its service


class Sshd:
    """An ssh server in `folder`, where the programs of `programs` are found first; leaving the `with` block ends it.

    `known_hosts` trusts it and `identity` opens it.
    """

    def __init__(self, folder: Path, programs: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = _free_port()
        self.user = getpass.getuser()
        self.identity = folder / "identity"
        self.known_hosts = folder / "known_hosts"
        self._programs = programs
        self._process: subprocess.Popen[bytes] | None = None
        _generate_key(self.identity)
        self.change_host_key()
        self.trust()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def options(self) -> dict[str, Any]:
        """How it is written in the plugin's configuration."""
        return {
            "address": ADDRESS,
            "port": self.port,
            "user": self.user,
            "identity_file": str(self.identity),
            "known_hosts": str(self.known_hosts),
        }

    def change_host_key(self) -> None:
        """Give it another identity, as a machine that was set up anew has."""
        _generate_key(self.folder / "host_key")

    def trust(self) -> None:
        """Write its host key into `known_hosts`."""
        key = " ".join((self.folder / "host_key.pub").read_text().split()[:2])
        self.known_hosts.write_text(f"[{ADDRESS}]:{self.port} {key}\n")

    def start(self) -> None:
        """Start it and wait until it listens."""
        program = shutil.which("sshd", path=f"/usr/sbin:{PATH}")
        assert program, "no sshd"
        if os.geteuid() == 0:
            PRIVILEGE_SEPARATION.mkdir(exist_ok=True)
        config = self.folder / "sshd_config"
        config.write_text("".join(f"{line}\n" for line in self._settings()))
        log = (self.folder / "log").open("ab")
        with log:
            self._process = subprocess.Popen([program, "-D", "-e", "-f", config], stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while not _listens(self.port):
            assert self._process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, "sshd does not listen"
            time.sleep(0.01)

    def stop(self) -> None:
        """End it and every session of it."""
        if self._process is None:
            return
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._process = None

    def freeze(self) -> None:
        """Let it and its sessions take part in nothing any more, while the kernel goes on to accept connections."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def sessions(self) -> int:
        """How many processes work for its clients."""
        return len(self._family()) - 1

    def _signal(self, number: int) -> None:
        """To the parent first, so that it starts no further child."""
        for process in self._family():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def _family(self) -> list[psutil.Process]:
        assert self._process
        parent = psutil.Process(self._process.pid)
        return [parent, *parent.children(recursive=True)]

    def _settings(self) -> list[str]:
        return [
            f"ListenAddress {ADDRESS}:{self.port}",
            f"HostKey {self.folder}/host_key",
            f"AuthorizedKeysFile {self.identity}.pub",
            f"SetEnv HOME={self.folder} PATH={self._programs}:{PATH}",  # no start-up files of whoever runs the test
            "AuthenticationMethods publickey",
            "PermitRootLogin yes",
            "StrictModes no",
            "UsePAM no",
            "PidFile none",
            "MaxStartups 200",
            "PrintMotd no",
        ]


def _generate_key(file: Path) -> None:
    file.unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file], check=True, stdin=subprocess.DEVNULL)


def _free_port() -> int:
    with socket.create_server((ADDRESS, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((ADDRESS, port)) == 0
