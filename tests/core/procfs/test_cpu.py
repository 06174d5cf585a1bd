"""What kernels of different architectures say of their processors."""

from __future__ import annotations

from contextlib import suppress
from math import isfinite
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector_core.procfs import CPU_FILE, CpuDescription, parse_cpus, read_cpus

MACHINES = Path(__file__).with_name("cpus")
EXPECTED = {  # model, sockets, cores, threads, virtual
    "alpha": ("EV67", 1, 2, 2, None),
    "arm-board": ("ARMv7 Processor rev 3 (v7l)", 1, 4, 4, None),
    "arm-board-with-one-cpu": ("Some Board", 1, 1, 1, None),
    "arm64-cpus-in-one-paragraph": ("Some Phone", 1, 3, 3, None),
    "arm64-server": ("ARM Neoverse-N1", 1, 2, 2, None),
    "ibm-z-with-topology": ("IBM z14", 3, 3, 4, None),
    "ibm-z-without-topology": ("IBM z14", 1, 3, 3, None),
    "loongarch": ("Loongson-3A5000", 1, 2, 2, None),
    "m68k": ("68040", 1, 1, 1, None),
    "power9": ("POWER9, altivec supported", 1, 4, 4, None),
    "riscv": ("sifive,u74-mc", 1, 2, 2, None),
    "riscv-virtual-machine": ("", 1, 2, 2, None),
    "sparc": ("UltraSparc T5 (Niagara5)", 1, 2, 2, None),
    "x86-two-sockets": ("Intel(R) Xeon(R) CPU E5-2620 v3 @ 2.40GHz", 2, 2, 4, False),
    "x86-virtual-machine": ("AMD EPYC", 1, 1, 2, True),
}


def read(machine: str) -> CpuDescription:
    return read_cpus(MACHINES / machine / "proc")


def test_every_machine_is_looked_at() -> None:
    assert {folder.name for folder in MACHINES.iterdir()} == EXPECTED.keys()


@pytest.mark.parametrize("machine", EXPECTED)
def test_the_processors_of_a_machine(machine: str) -> None:
    cpus = read(machine)
    assert (cpus.model, cpus.sockets, cpus.cores, cpus.threads, cpus.virtual) == EXPECTED[machine]


def topology(root, siblings, packages):
    """A machine whose sysfs says which CPUs share a core, and a socket."""
    for number, (shared, package) in enumerate(zip(siblings, packages, strict=True)):
        folder = root / f"sys/devices/system/cpu/cpu{number}/topology"
        folder.mkdir(parents=True)
        (folder / "thread_siblings_list").write_text(f"{shared}\n")
        (folder / "physical_package_id").write_text(f"{package}\n")
    (root / "sys/devices/system/cpu/cpufreq").mkdir()
    (root / "proc").mkdir()
    return root / "proc"


@pytest.mark.parametrize(
    "paragraph",
    [
        "processor\t: {}\ncpu\t\t: POWER9, altivec supported\nclock\t\t: 3800.000000MHz\n\n",
        "processor\t: {}\nBogoMIPS\t: 400.00\nCPU implementer\t: 0x43\nCPU part\t: 0x0af\n\n",
        "processor\t: {}\nhart\t\t: {}\nuarch\t\t: sifive,u74-mc\n\n",
    ],
    ids=["power", "arm", "riscv"],
)
def test_threads_are_no_cores_where_sysfs_tells_them_apart(tmp_path: Path, paragraph: str) -> None:
    proc = topology(tmp_path, ["0-3"] * 4 + ["4-7"] * 4, ["0"] * 4 + ["8"] * 4)
    (proc / "cpuinfo").write_text("".join(paragraph.format(number, number) for number in range(8)))
    cpus = read_cpus(proc)
    assert (cpus.sockets, cpus.cores, cpus.threads) == (2, 2, 8)


def test_only_the_cpus_that_are_listed_are_counted(tmp_path: Path) -> None:
    """As where every second thread is offline, which sysfs still lists."""
    proc = topology(tmp_path, ["0", "1", "2", "3"], ["0", "0", "1", "1"])
    (proc / "cpuinfo").write_text("processor : 0\n\nprocessor : 1\n\n")
    cpus = read_cpus(proc)
    assert (cpus.sockets, cpus.cores, cpus.threads) == (1, 2, 2)


def test_a_topology_of_another_number_of_cpus_is_not_used(tmp_path: Path) -> None:
    proc = topology(tmp_path, ["0-1", "0-1"], ["0", "0"])
    (proc / "cpuinfo").write_text("".join(f"processor : {number}\n\n" for number in range(4)))
    assert (read_cpus(proc).cores, read_cpus(proc).threads) == (4, 4)


def test_what_the_processor_says_of_its_cores_comes_before_sysfs(tmp_path: Path) -> None:
    proc = topology(tmp_path, ["0-1", "0-1"], ["0", "0"])
    (proc / "cpuinfo").write_text("".join(f"processor : {n}\nphysical id : 0\ncore id : {n}\n\n" for n in range(2)))
    assert read_cpus(proc).cores == 2


def test_a_board_goes_by_its_own_name_before_that_of_its_processor() -> None:
    board = ("Raspberry Pi 4 Model B Rev 1.1", "ARMv7 Processor rev 3 (v7l)", "BCM2711", "ARM Cortex-A72")
    assert read("arm-board").names == board


def test_the_clock_is_told_of_virtual_machines_only() -> None:
    assert read("x86-virtual-machine").fixed_hertz == {"0": 2445.426e6, "2": 2445.426e6}
    assert read("x86-two-sockets").fixed_hertz == {}


@pytest.mark.parametrize("clock", [b"", b"x", b"nan", b"inf", b"-1", b"0"])
def test_a_clock_that_is_none_is_left_out(clock: bytes) -> None:
    cpu = b"processor: %d\nflags: hypervisor\ncpu MHz: %b\n\n"
    assert parse_cpus(cpu % (0, clock) + cpu % (1, b"2")).fixed_hertz == {"1": 2e6}


@pytest.mark.parametrize("vendor", [b"IBM/S390", b"IBM/S390\nprocessor 0: machine = 9999\n"])
def test_a_machine_that_is_newer_than_the_table_has_a_name(vendor: bytes) -> None:
    cpus = parse_cpus(b"vendor_id: %b\n# processors: 2" % vendor)
    assert cpus.model == ("IBM Z 9999" if b"9999" in vendor else "IBM Z")


@pytest.mark.parametrize("content", [b"", b"garbage\n", b"model name: x\n", b"# processors: 0\n", b"ncpus active: x"])
def test_what_names_no_processor_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=CPU_FILE):
        parse_cpus(content)


LINES = [
    b"processor: 1",
    b"cpu number: 1",
    b"processor 0: machine = 1",
    b"core id: 2",
    b"physical id: x",
    b"cpu MHz: 9",
]


@settings(max_examples=300)
@given(st.lists(st.sampled_from([*LINES, b"", b"flags: hypervisor", b"CPU: 1"]) | st.binary(max_size=12)))
def test_whatever_stands_there_it_is_a_description_or_a_value_error(lines: list[bytes]) -> None:
    with suppress(ValueError):
        cpus = parse_cpus(b"\n".join(lines))
        assert 1 <= cpus.sockets <= cpus.cores <= cpus.threads
        assert all(map(isfinite, cpus.fixed_hertz.values()))
