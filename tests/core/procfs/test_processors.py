"""The tables of processors: names as kernels print them, and what is typical of those that have no row."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core.procfs import CpuDescription, find_tdp
from collector_core.procfs.processors import (
    FAMILIES,
    PROCESSORS,
    Processor,
    ProcessorFamily,
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
        ("Intel(R) Core(TM) i7-8998U CPU @ 1.80GHz", "intel core i?-*u"),
        ("Intel(R) Core(TM) i5-9999T CPU @ 1.80GHz", "intel core i?-*t"),
        ("AMD Ryzen 7 9999U with Radeon Graphics", "amd ryzen *u"),
        ("AMD Ryzen 9 9999X 12-Core Processor", "amd ryzen *x"),
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


def test_families_are_within_the_stated_error_of_the_processors_that_are_known() -> None:
    """By their family alone, as a name that is not in the table is."""
    off = []
    for each in parse_processors(TABLE):
        family = find_family((each.name,), FAMILY_TABLE)
        ratio = family.tdp_watts(each.cores) / each.tdp_watts
        if family.known and not 0.5 <= ratio <= 1.6:
            off.append((each.name, ratio))
    assert off == []


# As their makers specify them: cores and watts. None of them is in the table of processors.
NEWER = {
    "Intel(R) Core(TM) i3-N300": (8, 7),
    "Intel(R) Core(TM) 3 N350": (8, 7),
    "Intel(R) Core(TM) 3 N355": (8, 15),
    "Intel(R) N250": (4, 6),
    "Intel(R) Core(TM) 3 100U": (6, 15),
    "Intel(R) Core(TM) 5 120U": (10, 15),
    "Intel(R) Core(TM) 5 210H": (8, 45),
    "Intel(R) Core(TM) 7 240H": (10, 45),
    "Intel(R) Core(TM) 9 270H": (14, 45),
    "Intel(R) Core(TM) Ultra 7 164U": (12, 9),
    "Intel(R) Core(TM) Ultra 5 226V": (8, 17),
    "Intel(R) Core(TM) Ultra 9 285H": (16, 45),
    "Intel(R) Core(TM) Ultra 9 275HX": (24, 55),
    "Intel(R) Core(TM) Ultra 5 225F": (10, 65),
    "Intel(R) Core(TM) Ultra 7 265T": (20, 35),
    "Intel(R) Core(TM) Ultra 7 265KF": (20, 125),
    "Intel(R) Core(TM) Ultra X7 358H": (16, 25),
    "13th Gen Intel(R) Core(TM) i7-1370PE": (14, 28),
    "13th Gen Intel(R) Core(TM) i5-13600HE": (12, 45),
    "13th Gen Intel(R) Core(TM) i3-1315UE": (6, 15),
    "12th Gen Intel(R) Core(TM) i7-12700TE": (12, 35),
    "Intel(R) Celeron(R) N4505 @ 2.00GHz": (2, 10),
    "Intel(R) Atom(TM) x7425E": (4, 12),
    "Intel(R) Atom(TM) CPU C3508 @ 1.60GHz": (4, 11.5),
    "Intel(R) Xeon(R) 6740E": (96, 250),
    "Intel(R) Xeon(R) 6972P": (96, 500),
    "Intel(R) Xeon(R) 6747P": (48, 330),
    "Intel(R) Xeon(R) 6521P": (24, 225),
    "Intel(R) Xeon(R) 6325P": (4, 55),
    "Intel(R) Xeon(R) w5-3435X": (16, 270),
    "INTEL(R) XEON(R) GOLD 6538Y+": (32, 225),
    "INTEL(R) XEON(R) PLATINUM 8592V": (64, 330),
    "Intel(R) Xeon(R) D-2738 CPU @ 2.00GHz": (8, 88),
    "AMD Ryzen AI 7 350 w/ Radeon 860M": (8, 28),
    "AMD Ryzen AI 9 HX PRO 370 w/ Radeon 890M": (12, 28),
    "AMD RYZEN AI MAX+ PRO 395 w/ Radeon 8060S": (16, 55),
    "AMD Ryzen 7 260 w/ Radeon 780M Graphics": (8, 45),
    "AMD Ryzen 5 8640HS w/ Radeon 760M Graphics": (6, 28),
    "AMD Ryzen 9 8945HS w/ Radeon 780M Graphics": (8, 45),
    "AMD Ryzen 5 7535U with Radeon Graphics": (6, 28),
    "AMD Ryzen 9 9955HX3D 16-Core Processor": (16, 55),
    "AMD Ryzen 5 9600 6-Core Processor": (6, 65),
    "AMD Ryzen 9 9900X3D 12-Core Processor": (12, 120),
    "AMD Ryzen 5 PRO 5655GE with Radeon Graphics": (6, 35),
    "AMD Ryzen Z1 Extreme": (8, 28),
    "AMD Ryzen Embedded V3C48": (8, 45),
    "AMD Ryzen Embedded R1505G with Radeon Vega Gfx": (2, 15),
    "AMD Ryzen Threadripper 9980X 64-Cores": (64, 350),
    "AMD EPYC 4345P 8-Core Processor": (8, 65),
    "AMD EPYC 8434PN 48-Core Processor": (48, 155),
    "AMD EPYC 9375F 32-Core Processor": (32, 320),
    "AMD EPYC 9535 64-Core Processor": (64, 300),
    "AMD EPYC 9845 160-Core Processor": (160, 390),
    "AMD GX-416RA SOC": (4, 15),
    "AMD GX-424CC SOC with Radeon(TM) R5E Graphics": (4, 25),
    "AMD Athlon Silver 7120U with Radeon Graphics": (2, 15),
    "AMD 3015e with Radeon Graphics": (2, 6),
}


@pytest.mark.parametrize("name", NEWER)
def test_a_newer_processor_gets_about_the_tdp_that_its_maker_specifies(name: str) -> None:
    cores, watts = NEWER[name]
    assert find_processor((name,), TABLE) is None
    family = find_family((name,), FAMILY_TABLE)
    assert family.known
    assert 0.5 <= family.tdp_watts(cores) / watts <= 1.6


@given(st.text())
def test_whatever_a_processor_is_called_it_gets_a_family(name: str) -> None:
    assert isinstance(find_family((name,), FAMILY_TABLE), ProcessorFamily)
    assert normalized(normalized(name)) == normalized(normalized(normalized(name)))


@given(st.text(alphabet='abc,0123456789.-\n#"x') | st.text())
def test_a_table_is_read_or_refused(table: str) -> None:
    for parse in (parse_processors, parse_families):
        try:
            rows = list(parse(table))
        except ValueError:
            continue
        assert all(isinstance(row, Processor | ProcessorFamily) for row in rows)


@pytest.mark.parametrize("row", ["a,0,1,1,server", "a,nan,1,1,server", "a,1,0,1,server", "a,1,1,1,toaster", "a,1,1,1"])
def test_a_wrong_row_is_refused(row: str) -> None:
    with pytest.raises(ValueError, match=r"a|toaster"):
        list(parse_processors(f"model,tdp_watts,cores,threads,kind\n{row}\n"))


@pytest.mark.parametrize(
    ("name", "watts"),
    [
        ("Intel(R) Xeon(R) CPU E5-2620 v3 @ 2.40GHz", 85),
        ("AMD Ryzen 7 7840HS w/ Radeon 780M Graphics", pytest.approx(45, rel=0.3)),
        ("AMD Ryzen AI 9 HX 375 w/ Radeon 890M", 28),
        ("Acme X1", None),
    ],
)
def test_the_tdp_of_a_socket_is_by_its_name_or_unknown(name: str, watts: float | None) -> None:
    assert find_tdp(CpuDescription(name, (name,), 2, 16, 32, False, {})) == watts
