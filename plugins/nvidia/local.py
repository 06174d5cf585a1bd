"""nvidia-smi on this machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from collector_core import NotAvailable, Reason
from collector_plugins.nvidia.smi import INSTALL, STUCK, Output, read_all

if TYPE_CHECKING:
    from asyncio.subprocess import Process

KILL_SECONDS = 1.0


class LocalProgram:
    """Runs a program of this machine; one that hangs is killed, and no second one is started beside it."""

    name = "nvidia-smi"
    stage = "running nvidia-smi"
    connections = None

    def __init__(self, path: str) -> None:
        self._path = path
        self._process: Process | None = None

    async def run(self, arguments: Iterable[str]) -> Output:
        """Run it to its end; raises `NotAvailable` when it cannot be run, or one before it cannot even be killed."""
        if self._process and self._process.returncode is None:
            detail = f"nvidia-smi (process {self._process.pid}) hangs and cannot be killed"
            raise NotAvailable(Reason.TIMEOUT, detail, fix=STUCK)
        self._process = await self._start(arguments)
        stdout = self._process.stdout
        assert stdout is not None  # noqa: S101 - it was asked for
        try:
            return Output(text=await read_all(stdout), exit_code=await self._process.wait())
        finally:
            await self._end()

    async def close(self) -> None:
        """End what runs."""
        await self._end()

    async def _start(self, arguments: Iterable[str]) -> Process:
        from asyncio.subprocess import DEVNULL, PIPE, STDOUT, create_subprocess_exec  # noqa: PLC0415 - who only imports the plugin does without

        try:
            return await create_subprocess_exec(
                self._path,
                *arguments,
                stdin=DEVNULL,
                stdout=PIPE,
                stderr=STDOUT,
            )
        except OSError as error:
            if shutil.which(self._path, os.F_OK) is None:  # a folder of $PATH that is not for us refuses, too
                raise NotAvailable(Reason.NOT_FOUND, f"{self._path} does not exist", fix=INSTALL) from error
            raise NotAvailable(Reason.PERMISSION, f"{self._path} cannot be run: {error}", fix=INSTALL) from error

    async def _end(self) -> None:
        """Kill what still runs, and see it off: only a process that hangs in the driver outlives that."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        from asyncio import timeout  # noqa: PLC0415

        with suppress(ProcessLookupError):
            process.kill()
        with suppress(TimeoutError):
            async with timeout(KILL_SECONDS):
                await process.communicate()
