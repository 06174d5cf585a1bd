"""What a machine is taken for: its names, its row or family in the tables, its sockets or its share of one."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core import Component, Context
from collector_core.procfs import CpuDescription, ProcessorKind
from collector_plugins.estimate.components import estimated_components
from collector_plugins.estimate.machine import Machine, mem_total, read_machine
from collector_plugins.estimate.sizing import Origin, size


@pytest.mark.parametrize("name", ["Intel(R) Core(TM) Mega 9 999Z", "AMD Zephyr 12", "Acme X1", "", "IBM z16"])
def test_what_a_name_does_not_tell_is_unknown_and_not_a_confident_guess(name: str) -> None:
    sizing = size(machine(name, threads=8, cores=8), None)
    assert sizing.source is Origin.UNKNOWN
    model = estimated_components(machine(name, threads=8, cores=8), sizing, None)[Component.CPU]
    assert model.uncertainty == 1.0


def test_a_configured_tdp_makes_an_unknown_processor_known() -> None:
    assert size(machine("Acme X1", threads=8, cores=8), 65.0).source is Origin.CONFIGURED


@given(st.binary())
def test_memory_is_read_or_unknown(contents: bytes) -> None:
    assert mem_total(contents) is None or mem_total(contents) >= 0  # type: ignore[operator]


def machine(name: str, *, threads: int, cores: int, sockets: int = 1, virtual: bool = False) -> Machine:
    return Machine(CpuDescription(name, (name,), sockets, cores, threads, virtual, {}), None, virtual)


XEON = "Intel(R) Xeon(R) CPU E5-2620 v3 @ 2.40GHz"


def test_sockets_are_counted() -> None:
    sizing = size(machine(XEON, threads=24, cores=12, sockets=2), None)
    assert (sizing.tdp_watts, sizing.factor, sizing.threads_per_core, sizing.source) == (85, 2, 2, Origin.TABLE)


def test_without_hyperthreads_a_core_has_one_thread() -> None:
    assert size(machine(XEON, threads=6, cores=6), None).threads_per_core == 1


def test_a_guest_has_the_share_of_its_vcpus() -> None:
    sizing = size(machine(XEON, threads=3, cores=3, sockets=3, virtual=True), None)
    assert (sizing.tdp_watts, sizing.factor, sizing.share) == (85, 0.25, "3/12")


def test_a_guest_on_an_unnamed_processor_has_its_vcpus_worth_of_cores() -> None:
    sizing = size(machine("AMD EPYC", threads=8, cores=4, virtual=True), None)
    assert (sizing.tdp_watts, sizing.factor, sizing.share, sizing.source) == (16, 1, "unknown", Origin.FAMILY)


def test_a_configured_tdp_replaces_that_of_the_table_and_is_of_one_processor() -> None:
    two = size(machine(XEON, threads=24, cores=12, sockets=2), 100)
    assert (two.tdp_watts, two.factor, two.source, two.kind) == (100, 2, Origin.CONFIGURED, ProcessorKind.SERVER)
    guest = size(machine(XEON, threads=3, cores=3, virtual=True), 100)
    assert (guest.tdp_watts, guest.factor) == (100, 0.25)


def test_an_unknown_machine_is_sized_by_its_cores() -> None:
    sizing = size(machine("Brand new", threads=32, cores=16, sockets=2), None)
    assert (sizing.tdp_watts, sizing.factor, sizing.source) == (48, 2, Origin.UNKNOWN)


def test_a_machine_that_says_nothing_still_is_one(tmp_path: Path) -> None:
    found = read_machine(Context(name="estimate", logger=logging.getLogger("test"), root=tmp_path).path)
    assert (found.name, found.cpu.threads, found.memory_bytes, found.virtual) == ("unknown", 1, None, False)
    assert size(found, None).source == Origin.UNKNOWN


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
