"""nvidia-smi on another machine, over one ssh connection that stays; the only module that knows asyncssh."""

from __future__ import annotations

import logging
import os
import shlex
from collections.abc import Callable, Iterable
from dataclasses import replace
from math import ceil
from pathlib import Path

import asyncssh

from collector_core import NotAvailable, Reason
from collector_plugins.nvidia import pci_script
from collector_plugins.nvidia.config import Host
from collector_plugins.nvidia.smi import Output, read_all
from collector_plugins.nvidia.turns import Turns

KEEPALIVE_SECONDS = 15
SSH_PORT = 22


class SshProgram:
    """Runs nvidia-smi on `host`, where timeout(1) ends it `deadline` seconds after its start, whatever becomes of us.

    Host keys are always verified; only keys, of files and of the agent, are offered. The user's ~/.ssh/config is not
    read. With `let_gpus_sleep`, it is not run for GPUs that sleep. Hosts connect in `turns`.
    """

    name = "ssh"

    def __init__(self, host: Host, program: str, deadline: float, turns: Turns, *, let_gpus_sleep: bool = True) -> None:
        self.connections = 0
        self._turns = turns
        self.stage = "connecting"
        self._host = host
        limited = ("timeout", "-s", "KILL", str(max(1, ceil(deadline))), program)
        self._command = pci_script.command(*limited) if let_gpus_sleep else limited
        self._connection: asyncssh.SSHClientConnection | None = None

    async def run(self, arguments: Iterable[str]) -> Output:
        """Run it to its end, on the connection that there is or a new one; raises `NotAvailable`."""
        connection = self._connection or await self._connect_in_turn()
        self.stage = "running nvidia-smi"
        try:
            output = await _run(connection, shlex.join([*self._command, *arguments]))
        except (asyncssh.Error, OSError) as error:
            self._drop()
            raise NotAvailable(Reason.UNREACHABLE, f"the connection broke: {error}") from error
        except BaseException:
            self._drop()
            raise
        text, pci = pci_script.split(output.text)
        return replace(output, text=text, pci=pci)

    async def close(self) -> None:
        """Hang up."""
        self._drop()

    async def _connect_in_turn(self) -> asyncssh.SSHClientConnection:
        self.stage = "waiting for its turn to connect"
        async with self._turns.turn():
            return await self._connect()

    async def _connect(self) -> asyncssh.SSHClientConnection:
        host = self._host
        self.stage = "connecting"
        asyncssh.set_log_level(logging.WARNING)  # it tells of every connection and every command at level info
        client = _Client(self._note)
        try:
            self._connection = await asyncssh.connect(
                host.address,
                host.port,
                username=host.user or (),
                client_keys=[str(_expanded(host.identity_file))] if host.identity_file else (),
                ignore_encrypted=True,  # what the agent holds needs no passphrase from us
                known_hosts=_known_hosts(host),
                preferred_auth="publickey",
                disable_trivial_auth=True,
                gss_host=None,
                config=None,
                keepalive_interval=KEEPALIVE_SECONDS,
                client_factory=lambda: client,
            )
        except (asyncssh.Error, OSError, ValueError) as error:
            raise _translated(error, host, client.fingerprint) from error
        self.connections += 1
        return self._connection

    def _note(self, stage: str) -> None:
        self.stage = stage

    def _drop(self) -> None:
        if self._connection:
            self._connection.abort()
            self._connection = None


class _Client(asyncssh.SSHClient):
    """Tells how far a connection has come, and remembers the fingerprint of a host key that is not trusted."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self.fingerprint = ""
        self._note = note

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        del conn
        self._note("exchanging keys")

    def begin_auth(self, username: str) -> None:
        del username
        self._note("authenticating")

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        del host, addr, port
        self.fingerprint = key.get_fingerprint()
        return False


async def _run(connection: asyncssh.SSHClientConnection, command: str) -> Output:
    """Not in a `with` block: its end waits for the other side, which may never answer again."""
    process = await connection.create_process(command, stdin=asyncssh.DEVNULL, stderr=asyncssh.STDOUT, encoding=None)
    text = await read_all(process.stdout)
    await process.wait_closed()
    return Output(255 if process.returncode is None else process.returncode, text)


def _known_hosts(host: Host) -> asyncssh.SSHKnownHosts:
    file = _expanded(host.known_hosts)
    try:
        return asyncssh.read_known_hosts(str(file))
    except FileNotFoundError:
        return asyncssh.import_known_hosts("")
    except (OSError, ValueError) as error:
        raise NotAvailable(Reason.BAD_DATA, f"known_hosts {file} cannot be used: {error}") from error


def _translated(error: Exception, host: Host, fingerprint: str) -> NotAvailable:
    """Why there is no connection, and the command that helps."""
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return _untrusted(error, host, fingerprint)
    if isinstance(error, asyncssh.PermissionDenied):
        key = f"-i {shlex.quote(host.identity_file)} " if host.identity_file else ""
        fix = f"ssh-copy-id {key}{_destination(host)}"
        return NotAvailable(Reason.AUTH, f"{host.address} takes none of our keys: {error}", fix=fix)
    if isinstance(error, asyncssh.ConnectionLost | asyncssh.DisconnectError):
        return NotAvailable(Reason.UNREACHABLE, f"{host.address} ended the connection: {error}")
    if isinstance(error, OSError) and error.filename:
        return NotAvailable(Reason.NOT_FOUND, f"{error.filename} cannot be read: {error.strerror}")
    if isinstance(error, OSError):
        said = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        return NotAvailable(Reason.UNREACHABLE, f"{host.address} port {host.port}: {said}")
    return NotAvailable(Reason.BAD_DATA, f"identity_file {host.identity_file} cannot be used: {error}")


def _untrusted(error: Exception, host: Host, fingerprint: str) -> NotAvailable:
    file = shlex.quote(host.known_hosts)
    accept = f"ssh -o UserKnownHostsFile={file} {_destination(host)} true   # compare the fingerprint, then answer yes"
    if not _is_known(host):
        detail = f"the host key of {host.address} is not in {host.known_hosts}: {fingerprint or error}"
        return NotAvailable(Reason.AUTH, detail, fix=accept)
    name = host.address if host.port == SSH_PORT else f"[{host.address}]:{host.port}"
    detail = f"the host key of {host.address} is not the one in {host.known_hosts}, but {fingerprint or error}"
    fix = f"if the machine was set up anew: ssh-keygen -R {shlex.quote(name)} -f {file}; {accept}"
    return NotAvailable(Reason.AUTH, detail, fix=fix)


def _is_known(host: Host) -> bool:
    port = None if host.port == SSH_PORT else host.port
    keys, authorities, *_ = _known_hosts(host).match(host.address, "", port)
    return bool(keys or authorities)


def _destination(host: Host) -> str:
    port = "" if host.port == SSH_PORT else f"-p {host.port} "
    return port + shlex.quote(f"{host.user}@{host.address}" if host.user else host.address)


def _expanded(path: str) -> Path:
    return Path(path).expanduser()
