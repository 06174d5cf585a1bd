"""Programs that use a GPU's memory: each once, and none where somebody cannot be seen."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core.testing import FakeClock
from collector_plugins.intelgpu.clients import RESCAN_SECONDS, GpuClients, parse_client

GPU = "0000:03:00.0"
XE = "drm-driver:\txe\ndrm-client-id:\t{number}\ndrm-pdev:\t0000:03:00.0\n{regions}"
VRAM = "drm-total-vram0:\t900 KiB\ndrm-resident-vram0:\t{kib} KiB\ndrm-total-system:\t7 MiB\n"


@pytest.fixture
def proc(tmp_path):
    """Opens a device in a program, as the kernel shows it."""

    def open_in(program, descriptor, *, number=1, kib=512, target="/dev/dri/renderD128", regions=VRAM):
        for folder in ("fd", "fdinfo"):
            (tmp_path / str(program) / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / str(program) / "fd" / str(descriptor)).symlink_to(target)
        text = XE.format(number=number, regions=regions.format(kib=kib))
        (tmp_path / str(program) / "fdinfo" / str(descriptor)).write_text(text)

    open_in.root = tmp_path
    return open_in


def test_each_use_counts_once_also_where_programs_share_it(proc):
    proc(10, 3, number=1, kib=512)
    proc(10, 4, number=1, kib=512)
    proc(11, 3, number=1, kib=512)
    proc(11, 5, number=2, kib=256)
    proc(12, 0, target="/dev/null")
    assert GpuClients(proc.root, FakeClock()).memory_used(GPU) == 768 << 10


def test_without_a_program_that_tells_it_nothing_is_known(proc):
    proc(10, 3, regions="drm-engine-render:\t5 ns\n")
    assert GpuClients(proc.root, FakeClock()).memory_used(GPU) is None


def test_programs_come_and_go(proc):
    clock = FakeClock()
    clients = GpuClients(proc.root, clock)
    proc(10, 3)
    assert clients.memory_used(GPU) == 512 << 10
    proc(11, 3, number=2)
    (proc.root / "10/fd/3").unlink()
    clock.advance(5)
    assert clients.memory_used(GPU) is None
    clock.advance(RESCAN_SECONDS)
    assert clients.memory_used(GPU) == 512 << 10


def test_where_a_program_may_not_be_looked_at_nothing_is_said(proc, monkeypatch):
    proc(10, 3)
    proc(11, 3, number=2)
    listed = os.listdir

    def denied(folder):
        if str(folder).endswith("11/fd"):
            raise PermissionError
        return listed(folder)

    monkeypatch.setattr(os, "listdir", denied)
    assert GpuClients(proc.root, FakeClock()).memory_used(GPU) is None


def test_i915_calls_its_memory_local_and_old_kernels_tell_no_resident_one():
    text = XE.format(number=4, regions="drm-total-local0:\t3 MiB\n")
    assert parse_client(text) == (GPU, "4", 3 << 20)


@given(st.text(alphabet="drm-pdevclient:residentvl0KiB 19\n\t", max_size=120) | st.text(max_size=50))
def test_whatever_a_descriptor_says_is_bytes_or_nothing(text):
    client = parse_client(XE.format(number=1, regions="") + text)
    assert client is None or client.used >= 0
