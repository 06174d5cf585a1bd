"""Chooses where GPUs are read: the sources of this machine and of each host."""

from __future__ import annotations

import ctypes
import importlib.util
import shutil
from collections.abc import Iterator, Sequence

from collector_core import Clock, NotAvailable, Reason
from collector_plugins.nvidia.config import Config, Host, Local
from collector_plugins.nvidia.gpu import Awake, GpuSource, HostReading
from collector_plugins.nvidia.local import LocalProgram
from collector_plugins.nvidia.nvml import INSTALL_PACKAGE, Nvml
from collector_plugins.nvidia.pci import Look, none_known
from collector_plugins.nvidia.remedies import LIBRARY
from collector_plugins.nvidia.sleep import LetSleep
from collector_plugins.nvidia.smi import Smi
from collector_plugins.nvidia.threads import InThread
from collector_plugins.nvidia.turns import Turns

INSTALL_DRIVER = (
    "install the NVIDIA driver; on a machine without NVIDIA GPUs name others in `hosts`, or set `local: off`"
)


class FirstThatAnswers:
    """Several sources of the same GPUs: stays with the first that answers, and looks again when that one fails."""

    connections = None

    def __init__(self, sources: Sequence[GpuSource]) -> None:
        self._sources = sources
        self._current: GpuSource = sources[0]

    @property
    def name(self) -> str:
        """The label `source` of the one in use."""
        return self._current.name

    @property
    def stage(self) -> str:
        """What the one in use is doing now."""
        return self._current.stage

    async def read(self, awake: Awake | None = None) -> HostReading:
        """All GPUs; raises the most telling `NotAvailable` when none answers."""
        errors: list[NotAvailable] = []
        for source in self._in_order():
            self._current = source
            try:
                return await source.read(awake)
            except NotAvailable as error:
                errors.append(error)
        self._current = self._sources[0]
        raise next((error for error in errors if error.reason is not Reason.NOT_FOUND), errors[0])

    async def close(self) -> None:
        """Let go of all."""
        for source in self._sources:
            await source.close()

    def _in_order(self) -> Iterator[GpuSource]:
        yield self._current
        yield from (source for source in self._sources if source is not self._current)


class Missing:
    """A source that cannot be had, and why."""

    stage = "looking for what is missing"
    connections = None

    def __init__(self, name: str, error: NotAvailable) -> None:
        self.name = name
        self._error = error

    async def read(self, awake: Awake | None = None) -> HostReading:
        """Raises why."""
        del awake
        raise self._error.with_traceback(None)

    async def close(self) -> None:
        """There is nothing to let go of."""


def local_source(config: Config, clock: Clock, look: Look) -> GpuSource:
    """The source of this machine's GPUs, which `look` finds; `config.local` is not off."""
    if config.local is Local.DEMO:
        from collector_plugins.nvidia.demo import Demo, own_gpus  # noqa: PLC0415 - no other source needs it

        return Demo(clock, own_gpus())
    nvml = InThread(Nvml(clock, processes=config.processes))
    smi = Smi(LocalProgram(config.nvidia_smi), processes=config.processes)
    sources: dict[Local, GpuSource] = {Local.NVML: nvml, Local.NVIDIA_SMI: smi}
    source = sources.get(config.local) or FirstThatAnswers((nvml, smi))
    return LetSleep(source, look, clock) if config.let_gpus_sleep else source


def ssh_source(host: Host, config: Config, deadline: float, clock: Clock, turns: Turns) -> GpuSource:
    """The source of one host's GPUs; says what to install where asyncssh is missing."""
    try:
        from collector_plugins.nvidia.ssh import SshProgram  # noqa: PLC0415 - heavy, and needed for hosts only
    except ModuleNotFoundError as error:
        missing = NotAvailable(Reason.NOT_FOUND, f"asyncssh is not installed: {error}", fix=INSTALL_PACKAGE)
        return Missing("ssh", missing)
    program = SshProgram(host, config.nvidia_smi, deadline, turns, let_gpus_sleep=config.let_gpus_sleep)
    smi = Smi(program, processes=config.processes)
    return LetSleep(smi, none_known, clock) if config.let_gpus_sleep else smi


def probe(program: str) -> NotAvailable | None:
    """None where this machine seems to have NVIDIA GPUs, else what is missing; touches no GPU."""
    if shutil.which(program):
        return None
    try:
        ctypes.CDLL(LIBRARY)
    except OSError:
        detail = f"neither {LIBRARY} nor {program} is here: no NVIDIA driver is installed"
        return NotAvailable(Reason.NOT_FOUND, detail, fix=INSTALL_DRIVER)
    if importlib.util.find_spec("pynvml") is None:
        return NotAvailable(Reason.NOT_FOUND, f"{LIBRARY} is here, nvidia-ml-py is not installed", fix=INSTALL_PACKAGE)
    return None
