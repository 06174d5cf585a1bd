"""A root with a /proc of files: many guests among many more processes, whose CPU time the caller moves on."""

from __future__ import annotations

import os
from pathlib import Path

FIRST_PID = 10_000

_STAT = "{pid} ({comm}) S 1 1 1 0 -1 0 9 8 7 6 {ticks} {system} 0 0 20 0 {threads} 0 {start} " + "0 " * 30
_GUEST = (
    "/usr/bin/qemu-system-x86_64 -name guest=vm-{pid},debug-threads=on -S -machine q35,usb=off,accel=kvm -m 4096"
    " -smp 4,sockets=4,cores=1,threads=1 -uuid 00000000-0000-4000-8000-{pid:012} -no-user-config -nodefaults "
    "-chardev socket,id=charmonitor,fd=31,server=on,wait=off -mon chardev=charmonitor,id=monitor,mode=control "
    "-rtc base=utc,driftfix=slew -no-shutdown -boot strict=on -msg timestamp=on"
)


class Crowd:
    """Writes the tree below an empty directory."""

    def __init__(self, root: Path, guests: int, others: int) -> None:
        self.proc = root / "proc"
        self.guests = [FIRST_PID + 3 * number for number in range(guests)]
        self.others = [FIRST_PID + 1 + number + number // 2 for number in range(others)]
        self._steps = 0
        (self.proc).mkdir()
        for pid in self.guests:
            self._process(pid, _GUEST.format(pid=pid))
        for pid in self.others:
            self._process(pid, f"/usr/bin/some-service --number {pid}")
        (self.proc / "cpuinfo").write_text("processor: 0\nphysical id: 0\ncore id: 0\n\n" * 16, encoding="ascii")
        self.advance()

    def advance(self) -> None:
        """Let every guest use some CPU time."""
        self._steps += 1
        for place, pid in enumerate(self.guests):
            self._write_stat(pid, "qemu-system-x86", self._steps * (10 + place % 60))
        ticks = self._steps * 40 * len(self.guests)
        (self.proc / "stat").write_text(f"cpu  {ticks} 0 0 9999 0 0 0 0 0 0\nbtime 1700000000\n", encoding="ascii")

    def _process(self, pid: int, command: str) -> None:
        (self.proc / str(pid)).mkdir()
        (self.proc / str(pid) / "cmdline").write_text(command.replace(" ", "\0") + "\0", encoding="ascii")
        self._write_stat(pid, "some-service", 77)

    def _write_stat(self, pid: int, comm: str, ticks: int) -> None:
        line = _STAT.format(pid=pid, comm=comm, ticks=ticks, system=ticks // 8, threads=9, start=pid * 7)
        # In place and at once, as no line gets shorter: who reads meanwhile never finds half of one.
        descriptor = os.open(self.proc / str(pid) / "stat", os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, f"{line}\n".encode("ascii"))
        finally:
            os.close(descriptor)
