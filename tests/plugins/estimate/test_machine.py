"""What a machine is taken for: its names, its row or family in the tables, its sockets or its share of one."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core import Context
from collector_core.procfs import CpuDescription
from collector_plugins.estimate.machine import Machine, mem_total, read_machine
from collector_plugins.estimate.sizing import Source, size
from collector_plugins.estimate.table import (
    FAMILIES,
    PROCESSORS,
    Family,
    Kind,
    Processor,
    find_family,
    find_processor,
    normalized,
    parse_families,
    parse_processors,
)

TABLE, FAMILY_TABLE = PROCESSORS.read_text(), FAMILIES.read_text()

NAMES = {
    "Intel(R) Xeon(R) CPU E5-2620 v3 @ 2.40GHz": (85, 6, 12),
    "Intel(R) Xeon(R) CPU E3-1240 V2 @ 3.40GHz": (69, 4, 8),
    "Intel(R) Xeon(R) Platinum 8259CL CPU @ 2.50GHz": (210, 24, 48),
    "INTEL(R) XEON(R) GOLD 6430": (270, 32, 64),
    "Intel(R) Core(TM) i7-8565U CPU @ 1.80GHz": (15, 4, 8),
    "11th Gen Intel(R) Core(TM) i7-1165G7 @ 2.80GHz": (28, 4, 8),
    "12th Gen Intel(R) Core(TM) i9-12900K": (125, 16, 24),
    "Intel(R) Core(TM) Ultra 7 155H": (28, 16, 22),
    "Intel(R) N100": (6, 4, 4),
    "Intel(R) Celeron(R) CPU J1900 @ 1.99GHz": (10, 4, 4),
    "AMD EPYC 8024P 8-Core Processor": (90, 8, 16),
    "AMD EPYC 7R32": (280, 48, 96),
    "AMD Ryzen Threadripper 1950X 16-Core Processor": (180, 16, 32),
    "AMD Ryzen Threadripper PRO 5975WX 32-Cores": (280, 32, 64),
    "AMD Ryzen 9 5950X 16-Core Processor": (105, 16, 32),
    "AMD Ryzen 7 PRO 4750U with Radeon Graphics": (15, 8, 16),
    "AMD Ryzen 7 7840U w/ Radeon  780M Graphics": (28, 8, 16),
    "AMD FX(tm)-8350 Eight-Core Processor           ": (125, 8, 8),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_processor_is_found_by_the_name_that_the_kernel_gives(name: str) -> None:
    found = find_processor((name,), TABLE)
    assert found
    assert (found.tdp_watts, found.cores, found.threads) == NAMES[name]


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("AMD EPYC-Rome Processor", "amd epyc*"),
        ("Intel Xeon Processor (Skylake, IBRS)", "intel xeon*"),
        ("Intel(R) Core(TM) i7-8999U CPU @ 1.80GHz", "intel core i?-????u"),
        ("Intel(R) Core(TM) i5-9999T CPU @ 1.80GHz", "intel core i?-*t"),
        ("AMD Ryzen 7 9999U with Radeon Graphics", "amd ryzen *u"),
        ("AMD Ryzen 9 9999X 12-Core Processor", "amd ryzen *"),
        ("QEMU Virtual CPU version 2.5+", "*"),
        ("Raspberry Pi 5 Model B Rev 1.0", "raspberry pi 5*"),
        ("Something else entirely", "*"),
    ],
)
def test_an_unknown_processor_is_taken_for_one_of_its_family(name: str, pattern: str) -> None:
    assert find_processor((name,), TABLE) is None
    assert find_family((name,), FAMILY_TABLE).pattern == pattern


def test_the_tables_are_sound() -> None:
    processors, families = list(parse_processors(TABLE)), list(parse_families(FAMILY_TABLE))
    names = [normalized(each.name) for each in processors]
    assert len(set(names)) == len(names) > 500
    for each in processors:
        assert each.cores <= each.threads <= 2 * each.cores, each
        assert 0.5 <= each.tdp_watts / each.cores <= 45, each
    assert families[-1].pattern == "*"
    patterns = [each.pattern for each in families]
    assert len(set(patterns)) == len(patterns)
    assert [pattern for pattern in patterns if normalized(pattern) != pattern] == [], "never found"


@pytest.mark.parametrize("prefix", ["AMD EPYC", "Intel Xeon Gold", "Intel Xeon Platinum", "AMD Ryzen"])
def test_a_family_is_typical_of_its_members(prefix: str) -> None:
    """Within a factor of three of most of them: that is what its uncertainty is about."""
    members = [each for each in parse_processors(TABLE) if each.name.startswith(prefix)]
    ratios = [find_family((each.name,), FAMILY_TABLE).watts_per_core * each.cores / each.tdp_watts for each in members]
    assert sum(1 / 3 <= ratio <= 3 for ratio in ratios) > 0.8 * len(ratios)


@given(st.text())
def test_whatever_a_processor_is_called_it_gets_a_family(name: str) -> None:
    assert isinstance(find_family((name,), FAMILY_TABLE), Family)
    assert normalized(normalized(name)) == normalized(normalized(normalized(name)))


@given(st.text(alphabet='abc,0123456789.-\n#"x') | st.text())
def test_a_table_is_read_or_refused(table: str) -> None:
    for parse in (parse_processors, parse_families):
        try:
            rows = list(parse(table))
        except ValueError:
            continue
        assert all(isinstance(row, Processor | Family) for row in rows)


@pytest.mark.parametrize("row", ["a,0,1,1,server", "a,nan,1,1,server", "a,1,0,1,server", "a,1,1,1,toaster", "a,1,1,1"])
def test_a_wrong_row_is_refused(row: str) -> None:
    with pytest.raises(ValueError, match=r"a|toaster"):
        list(parse_processors(f"model,tdp_watts,cores,threads,kind\n{row}\n"))


@given(st.binary())
def test_memory_is_read_or_unknown(contents: bytes) -> None:
    assert mem_total(contents) is None or mem_total(contents) >= 0  # type: ignore[operator]


def machine(name: str, *, threads: int, cores: int, sockets: int = 1, virtual: bool = False) -> Machine:
    return Machine(CpuDescription(name, (name,), sockets, cores, threads, virtual, {}), None, virtual)


XEON = "Intel(R) Xeon(R) CPU E5-2620 v3 @ 2.40GHz"


def test_sockets_are_counted() -> None:
    sizing = size(machine(XEON, threads=24, cores=12, sockets=2), None)
    assert (sizing.tdp_watts, sizing.factor, sizing.threads_per_core, sizing.source) == (85, 2, 2, Source.TABLE)


def test_without_hyperthreads_a_core_has_one_thread() -> None:
    assert size(machine(XEON, threads=6, cores=6), None).threads_per_core == 1


def test_a_guest_has_the_share_of_its_vcpus() -> None:
    sizing = size(machine(XEON, threads=3, cores=3, sockets=3, virtual=True), None)
    assert (sizing.tdp_watts, sizing.factor, sizing.share) == (85, 0.25, "3/12")


def test_a_guest_on_an_unnamed_processor_has_its_vcpus_worth_of_cores() -> None:
    sizing = size(machine("AMD EPYC", threads=8, cores=4, virtual=True), None)
    assert (sizing.tdp_watts, sizing.factor, sizing.share, sizing.source) == (16, 1, "unknown", Source.FAMILY)


def test_a_configured_tdp_replaces_that_of_the_table_and_is_of_one_processor() -> None:
    two = size(machine(XEON, threads=24, cores=12, sockets=2), 100)
    assert (two.tdp_watts, two.factor, two.source, two.kind) == (100, 2, Source.CONFIGURED, Kind.SERVER)
    guest = size(machine(XEON, threads=3, cores=3, virtual=True), 100)
    assert (guest.tdp_watts, guest.factor) == (100, 0.25)


def test_an_unknown_machine_is_sized_by_its_cores() -> None:
    sizing = size(machine("Brand new", threads=32, cores=16, sockets=2), None)
    assert (sizing.tdp_watts, sizing.factor, sizing.source) == (48, 2, Source.FAMILY)


def test_a_machine_that_says_nothing_still_is_one(tmp_path: Path) -> None:
    found = read_machine(Context(name="estimate", logger=logging.getLogger("test"), root=tmp_path).path)
    assert (found.name, found.cpu.threads, found.memory_bytes, found.virtual) == ("unknown", 1, None, False)
    assert size(found, None).source == Source.FAMILY


@pytest.mark.parametrize(
    ("vendor", "product", "virtual"),
    [
        ("Amazon EC2", "m6g.large", True),
        ("Amazon EC2", "m6g.metal", False),
        ("QEMU", "QEMU Virtual Machine", True),
        ("Microsoft Corporation", "Virtual Machine", True),
        ("Dell Inc.", "PowerEdge R6615", False),
    ],
)
def test_where_the_processor_does_not_say_the_board_tells_a_virtual_machine(
    tmp_path: Path, vendor: str, product: str, virtual: bool
) -> None:
    for file, text in (
        ("proc/cpuinfo", "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n"),
        ("sys/class/dmi/id/sys_vendor", f"{vendor}\n"),
        ("sys/class/dmi/id/product_name", f"{product}\n"),
    ):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)
    found = read_machine(Context(name="estimate", logger=logging.getLogger("test"), root=tmp_path).path)
    assert (found.virtual, found.name) == (virtual, "ARM Neoverse-N1")
