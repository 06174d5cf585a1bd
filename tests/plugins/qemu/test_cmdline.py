"""Command lines are read as QEMU reads them, and whatever else they hold does no harm."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from collector_plugins.qemu import cmdline, cmdline_options
from collector_plugins.qemu.cmdline import Description, describe, is_emulator

TEXT = st.text(max_size=30)


def read(*arguments: str, **files: str) -> Description:
    return describe(["qemu-system-x86_64", *arguments], files.get)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["-name", "vm"], "vm"),
        (["--name", "vm"], "vm"),
        (["-name", "vm,process=x"], "vm"),
        (["-name", "guest=vm,debug-threads=on"], "vm"),
        (["-name", "process=x,guest=vm"], "vm"),
        (["-name", "debug-threads=on,process=x"], ""),
        (["-name", "a,,b"], "a,b"),
        (["-name", "guest=a,,b,process=c,,d"], "a,b"),
        (["-name", "a,,b=c,process=x"], "a,b=c"),
        (["-name", "guest=a=b"], "a=b"),
        (["-name", "with blanks and -smp 8"], "with blanks and -smp 8"),
        (["-name", "first", "-name", "process=x", "-name", "guest=last"], "last"),
        (["-name", ""], ""),
        (["-name"], ""),
        ([], ""),
        (["-append", "-name", "nothing.img", "-smp", "2"], ""),
        (["-kernel", "x", "-append", "root=/dev/vda -name fake -smp 64"], ""),
        (["-nographic", "-name", "vm"], "vm"),
        (["disk.qcow2", "-S", "-name", "vm"], "vm"),
        (["-", "-name", "vm"], "vm"),
        (["-readconfig", "a"], "from file"),
        (["-name", "before", "-readconfig", "a"], "from file"),
        (["-readconfig", "a", "-name", "after"], "after"),
        (["-readconfig", "missing", "-name", "vm"], "vm"),
    ],
)
def test_names(arguments: list[str], name: str) -> None:
    assert read(*arguments, a='# a comment\n[name]\n  guest = "from file"\n').name == name


@pytest.mark.parametrize(
    ("arguments", "vcpus"),
    [
        ([], 1),
        (["-smp", "4"], 4),
        (["-smp", "cpus=4"], 4),
        (["--smp", "4,sockets=2,cores=1,threads=2,maxcpus=8"], 4),
        (["-smp", "sockets=1,cores=4"], 4),
        (["-smp", "sockets=2,dies=2,cores=3,threads=2"], 24),
        (["-smp", "drawers=2,books=2,sockets=2,clusters=2,modules=2,cores=2"], 64),
        (["-smp", "maxcpus=6"], 6),
        (["-smp", "maxcpus=8,sockets=2,cores=2"], 8),
        (["-smp", "2", "-smp", "maxcpus=8"], 2),
        (["-smp", "0x10"], 16),
        (["-smp", "many"], 1),
        (["-smp", "-3"], 1),
        (["-smp", "0,cores=2"], 2),
        (["-smp", "9" * 400], cmdline.MAX_VCPUS),
        (["-smp", "9" * 5000], 1),
        (["-smp"], 1),
        (["-machine", "q35,smp.cpus=3"], 3),
        (["-M", "type=q35,smp.sockets=2,smp.cores=2"], 4),
        (["-machine", "q35,accel=kvm", "-smp", "2"], 2),
        (["-smp", "1,maxcpus=4", "-device", "host-x86_64-cpu,id=c1,socket-id=1"], 2),
        (["-smp", "1,maxcpus=4", "-device", '{"driver":"host-x86_64-cpu","id":"c1"}'], 2),
        (["-smp", "2", "-device", '{"driver":"virtio-net-pci"}', "-device", '{"driver', "-device", "{}"], 2),
        (["-readconfig", "b"], 6),
        (["-readconfig", "b", "-smp", "cpus=2"], 3),
        (["-append", "-smp", "-smp", "3"], 3),
    ],
)
def test_vcpus(arguments: list[str], vcpus: int) -> None:
    config = '[smp-opts]\n  cpus = "4"\n[device "c"]\n driver = "a-cpu"\n[machine]\n smp.cpus = "5"\n[name "n"]\n'
    assert read(*arguments, b=config).vcpus == vcpus


def test_uuid_and_proxmox_number() -> None:
    found = read("-id", "100", "-uuid", "0B7C3A52-11D4-4E0A-9C0E-52F1A0C7E801")
    assert (found.id, found.uuid) == ("100", "0b7c3a52-11d4-4e0a-9c0e-52f1a0c7e801")


@pytest.mark.parametrize(
    "arguments",
    [
        ["-S", "-nodefaults", "-machine", "none,accel=kvm:tcg", "-qmp", "unix:/run/q"],
        ["-M", "none"],
        ["--machine", "accel=tcg,type=none"],
        ["-machine", "q35", "-machine", "none"],
        ["-readconfig", "none"],
        ["-version"],
        ["--version"],
        ["-h"],
        ["-help"],
        ["-machine", "help"],
        ["-M", "?"],
        ["-cpu", "help"],
        ["-device", "virtio-net-pci,help"],
        ["-xen-domid", "0", "-xen-attach", "-name", "dom0", "-M", "xenpv"],
    ],
)
def test_an_emulator_that_runs_no_machine_is_no_guest(arguments: list[str]) -> None:
    assert not read(*arguments, none='[machine]\n type = "none"\n').is_guest


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["-name", "none"],
        ["-name", "help", "-uuid", "?"],
        ["-machine", "none", "-machine", "q35"],
        ["-machine", "q35,dump-guest-core=off"],
        ["-append", "-machine none", "-fw_cfg", "opt/help,string=help"],
        ["-xen-domid", "7", "-name", "hvm", "-M", "xenfv"],
        ["-S", "-incoming", "defer"],
    ],
)
def test_whatever_else_it_is_told_it_is_a_guest(arguments: list[str]) -> None:
    assert read(*arguments).is_guest


@pytest.mark.parametrize(
    ("executable", "expected"),
    [
        ("/usr/bin/qemu-system-x86_64", True),
        ("qemu-system-aarch64", True),
        ("/usr/libexec/qemu-kvm", True),
        ("/usr/bin/kvm", True),
        ("/usr/bin/qemu-system-x86_64 (deleted)", True),
        ("/nix/store/x-qemu/bin/.qemu-system-x86_64-wrapped", True),
        ("/usr/bin/qemu-lite-system-x86_64", True),
        ("/opt/kata/bin/qemu-system-x86_64-snp-experimental", True),
        ("/usr/bin/qemu-virtiofs-extra-system-aarch64", True),
        ("/usr/bin/kvm-spice", True),
        ("/usr/bin/qemu-kvm-spice", True),
        ("/usr/bin/qemu-storage-daemon", False),
        ("/usr/bin/qemu-system", False),
        ("/usr/sbin/kvm_stat", False),
        ("qemu-system-x86_64 -name x", False),
        ("/usr/bin/qemu-img", False),
        ("/usr/sbin/qemu-ga", False),
        ("/usr/bin/qemu-x86_64-static", False),
        ("/home/qemu-system-x86_64/bin/true", False),
        ("kvm-ok", False),
        ("virsh", False),
        ("", False),
    ],
)
def test_the_executable_decides(executable: str, expected: bool) -> None:
    assert is_emulator(executable) is expected


def test_arguments_are_split_at_nul_only() -> None:
    assert cmdline.split(b"a\0-name\0b c\n\td\0\0") == ["a", "-name", "b c\n\td", ""]
    assert cmdline.split(b"\xff\xc3\xa4\0") == ["\\xff\u00e4"]
    assert cmdline.split(b"a") == ["a"]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.text(max_size=200))
@example(b"kvm\0-name\0guest=\xed\xa0\x80\0", "")
@example(b'kvm\0-device\0{"driver":' + b"[" * 5000 + b"\0", "")
def test_any_bytes_give_a_description_that_can_be_published(data: bytes, file: str) -> None:
    for arguments in (cmdline.split(data), ["kvm", "-readconfig", "f", *cmdline.split(data)]):
        found = describe(arguments, lambda _: file)
        "".join((found.name, found.uuid, found.id)).encode()
        assert 1 <= found.vcpus <= cmdline.MAX_VCPUS


@settings(deadline=None)
@given(TEXT, TEXT)
def test_a_name_survives_the_escaping_of_commas(name: str, process: str) -> None:
    escaped, other = (text.replace(",", ",,") for text in (name, process))
    assert cmdline_options.parse(f"guest={escaped},process={other}", "guest") == {"guest": name, "process": process}
    if "=" not in name.partition(",")[0] and name:
        assert cmdline_options.parse(f"{escaped},process={other}", "guest") == {"guest": name, "process": process}


@settings(deadline=None)
@given(
    st.dictionaries(
        st.text("abcdefz-.", min_size=1, max_size=8),
        st.text(st.characters(blacklist_characters='"', blacklist_categories=("Cc", "Cs", "Zl", "Zp")), max_size=9),
    )
)
def test_a_config_file_survives(settings_: dict[str, str]) -> None:
    text = '[a "b"]\n' + "".join(f'  {key} = "{value}"\n' for key, value in settings_.items())
    assert list(cmdline_options.sections(text)) == [("", {}), ("a", settings_)]


@settings(max_examples=100, deadline=None)
@given(st.recursive(st.none() | st.integers() | TEXT, lambda each: st.lists(each) | st.dictionaries(TEXT, each)))
def test_any_json_may_be_a_device(value: object) -> None:
    assert read("-device", json.dumps(value)).vcpus in (1, 2)
    assert read("-device", json.dumps({"driver": value})).vcpus in (1, 2)
