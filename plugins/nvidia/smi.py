"""The program nvidia-smi as a source, wherever it runs: asks what its driver knows, then for that."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from collector_core import NotAvailable, Reason
from collector_plugins.nvidia import csvtable, fields
from collector_plugins.nvidia.gpu import Awake, Endpoint, Gpu, HostReading, Series
from collector_plugins.nvidia.metrics import PROCESS_MEMORY
from collector_plugins.nvidia.pci import PciGpu, all_asleep
from collector_plugins.nvidia.possible import possible
from collector_plugins.nvidia.remedies import HIDDEN_DEVICES, RESET

MAX_OUTPUT_BYTES = 4 << 20  # a table of sixteen GPUs has 8 KiB, a list of processes seldom more than a few times that

HELP = ("--help-query-gpu",)
CSV = "--format=csv,nounits"
PROCESSES = ("--query-compute-apps=gpu_uuid,pid,process_name,used_gpu_memory", CSV)

TIMED_OUT = frozenset({124, 137})  # how timeout(1) ends when it had to stop or to kill the program
NOT_FOUND = frozenset({126, 127})  # how a shell ends when there is no such program or it may not be run

INSTALL = "install the NVIDIA driver, which brings nvidia-smi, or set `nvidia_smi` to its path"
STUCK = "sudo dmesg | grep -i nvrm   # says what the driver is stuck at; a reboot may be needed"

# What nvidia-smi writes instead of a table or into it, what that means and what helps.
_COMPLAINTS = (
    ("driver/library version mismatch", Reason.NOT_SUPPORTED, "reboot, or unload and load the nvidia kernel modules"),
    (
        "couldn't communicate with the nvidia driver",
        Reason.NOT_FOUND,
        "sudo modprobe nvidia   # dmesg says why it fails",
    ),
    ("failed to initialize nvml: unknown error", Reason.PERMISSION, HIDDEN_DEVICES),
    ("no devices were found", Reason.NOT_FOUND, "lspci -d 10de:   # shows whether the machine sees a GPU"),
    ("insufficient permissions", Reason.PERMISSION, "sudo chmod a+rw /dev/nvidia*"),
    ("gpu is lost", Reason.NOT_FOUND, RESET),
)

_HELP_LINE = re.compile(r'^"[\w.]+".*$', re.MULTILINE)
_FIELD = re.compile(r'"([\w.]+)"')
_REFUSED = re.compile(r'Field "([\w.]+)" is not a valid field to query')


@dataclass(frozen=True, slots=True)
class Output:
    """What a program wrote, standard error too, and how it ended; and the GPUs there, where they were looked for.

    Where all of these sleep the program was not run.
    """

    exit_code: int
    text: str
    pci: tuple[PciGpu, ...] = ()


class _AllAsleep(Exception):
    def __init__(self, pci: tuple[PciGpu, ...]) -> None:
        super().__init__()
        self.pci = pci


class Program(Endpoint, Protocol):
    """nvidia-smi on some machine."""

    async def run(self, arguments: Iterable[str]) -> Output:
        """Run it to its end; raises `NotAvailable` when it cannot be run or does not end."""


class Stream(Protocol):
    """The output of a program that runs."""

    async def read(self, n: int, /) -> bytes:
        """Up to `n` bytes, none at the end."""


async def read_all(stream: Stream) -> str:
    """A program's whole output; raises `NotAvailable` when it writes more than any nvidia-smi does."""
    data = bytearray()
    while chunk := await stream.read(1 << 16):
        data += chunk
        if len(data) > MAX_OUTPUT_BYTES:
            raise NotAvailable(Reason.BAD_DATA, f"nvidia-smi wrote more than {MAX_OUTPUT_BYTES >> 20} MiB")
    return data.decode(errors="replace")


class Smi:
    """Reads GPUs with a program nvidia-smi; with `processes` the memory of each process, too."""

    def __init__(self, program: Program, *, processes: bool = False) -> None:
        self._program = program
        self._processes = processes
        self._known: frozenset[str] | None = None
        self._refused: set[str] = set()
        self._fields: list[str] = []

    @property
    def name(self) -> str:
        """The label `source`."""
        return self._program.name

    @property
    def stage(self) -> str:
        """What it is doing now."""
        return self._program.stage

    @property
    def connections(self) -> int | None:
        """How many connections were opened so far."""
        return self._program.connections

    async def read(self, awake: Awake | None = None) -> HostReading:
        """All GPUs, or only those that are `awake`; raises `NotAvailable` when nvidia-smi is not there, does not end or
        answers with something else."""
        only = [f"--id={','.join(awake)}"] if awake else []
        try:
            return await self._read(only)
        except _AllAsleep as found:
            return HostReading((), {}, found.pci)
        except NotAvailable:
            self._fields = []  # what answers next may be another driver
            raise

    async def close(self) -> None:
        """Let go of the machine."""
        await self._program.close()

    async def _run(self, arguments: Iterable[str]) -> Output:
        output = await self._program.run(arguments)
        if all_asleep(output.pci):
            raise _AllAsleep(output.pci)
        return output

    async def _read(self, only: Sequence[str]) -> HostReading:
        if not self._fields:
            await self._probe()
        output = await self._query(only)
        table = csvtable.parse(output.text, fields.INDEX[0], fields.NAME[0])
        if table is None:
            raise complaint(output)
        gpus, failures = fields.gpus(table)
        failures |= {f"line {number}": explained(line) for number, line in enumerate(table.strays, 1)}
        if not failures and (output.exit_code or not gpus):
            failures["nvidia-smi"] = complaint(output)
        if not gpus:
            raise _first(failures)
        if self._processes:
            gpus = await self._with_processes(gpus, failures, only)
        return HostReading(tuple(gpus), failures, output.pci)

    async def _probe(self) -> None:
        output = await self._run(HELP)
        if output.exit_code in TIMED_OUT | NOT_FOUND:
            raise complaint(output)
        self._known = known_fields(output.text)
        self._refused.clear()
        self._fields = fields.choose(self._known)

    async def _query(self, only: Sequence[str]) -> Output:
        """Ask for the fields; one that is refused is not asked for again."""
        while True:
            output = await self._run((f"--query-gpu={','.join(self._fields)}", CSV, *only))
            refused = _REFUSED.search(output.text)
            if refused is None or refused[1] not in self._fields:
                return output
            self._refused.add(refused[1])
            self._fields = fields.choose(self._known, self._refused)

    async def _with_processes(self, gpus: list[Gpu], failures: dict[str, Exception], only: Sequence[str]) -> list[Gpu]:
        output = await self._run((*PROCESSES, *only))
        table = csvtable.parse(output.text, "gpu_uuid", "process_name")
        try:
            if table is None:
                raise complaint(output)
        except NotAvailable as error:
            failures["processes"] = error
            return gpus
        return [
            replace(gpu, series={**gpu.series, **possible(dict(_processes(table, gpu.uuid, failures)))}) for gpu in gpus
        ]


def known_fields(text: str) -> frozenset[str] | None:
    """The fields that `nvidia-smi --help-query-gpu` names, each at the start of a line; None where it names none."""
    names = [name for line in _HELP_LINE.findall(text) for name in _FIELD.findall(line)]
    return frozenset(names) or None


def explained(line: str) -> NotAvailable:
    """What a line means that nvidia-smi wrote instead of a table or into it."""
    for phrase, reason, fix in _COMPLAINTS:
        if phrase in line.lower():
            return NotAvailable(reason, f"nvidia-smi says {csvtable.quoted(line)}", fix=fix)
    return NotAvailable(Reason.BAD_DATA, f"nvidia-smi says {csvtable.quoted(line)}")


def complaint(output: Output) -> NotAvailable:
    """What an output means that has no table, or ended badly all the same."""
    if output.exit_code in TIMED_OUT:
        return NotAvailable(Reason.TIMEOUT, "nvidia-smi did not end in time and was stopped", fix=STUCK)
    lines = [line.strip() for line in output.text.splitlines() if line.strip()]
    for error in map(explained, lines):
        if error.reason is not Reason.BAD_DATA:
            return error
    said = csvtable.quoted(lines[-1]) if lines else "nothing"
    if output.exit_code in NOT_FOUND:
        return NotAvailable(Reason.NOT_FOUND, f"nvidia-smi cannot be run: {said}", fix=INSTALL)
    return NotAvailable(
        Reason.BAD_DATA, f"nvidia-smi ended with {output.exit_code} and said {said}, which is not a table"
    )


def _first(failures: dict[str, Exception]) -> NotAvailable:
    error = next(iter(failures.values()))
    return error if isinstance(error, NotAvailable) else NotAvailable(Reason.BAD_DATA, str(error))


def _processes(table: csvtable.Table, uuid: str, failures: dict[str, Exception]) -> Iterator[tuple[Series, float]]:
    """The memory of a GPU's processes; rows without a number (other users', graphics) are left out."""
    unit = table.units["used_gpu_memory"] or "MiB"
    for row in table.rows:
        if row["gpu_uuid"] == uuid and row["pid"].isdecimal() and not csvtable.is_absent(row["used_gpu_memory"]):
            try:
                memory = csvtable.number(row["used_gpu_memory"], unit) * (1 << 20)
            except ValueError as error:
                failures[f"process {row['pid']}"] = error
            else:
                yield Series(PROCESS_MEMORY, (row["pid"], row["process_name"])), memory
