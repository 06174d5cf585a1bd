"""Every file of the tree may hold anything."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_plugins.rapl import powercap
from collector_plugins.rapl.zones import Role, resolve

FILES = ("name", "max_energy_range_uj", "constraint_0_name", "constraint_0_power_limit_uw", "constraint_0_max_power_uw")

contents = st.one_of(st.binary(max_size=60), st.integers(-(2**70), 2**70).map(lambda number: str(number).encode()))


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    directory = tmp_path_factory.mktemp("powercap")
    (directory / "intel-rapl:0").mkdir()
    (directory / "intel-rapl:0" / "energy_uj").write_text("1\n")
    return directory


@given(content=contents)
def test_a_number_is_read_or_refused(directory, content):
    file = directory / "number"
    file.write_bytes(content)
    with contextlib.suppress(ValueError):
        number = powercap.read_number(file)
        assert 0 <= number < 10**20
        assert number == int(content)


@pytest.mark.parametrize("text", ["0", "0\n", "  42 \n", "18446744073709551615\n"])
def test_numbers_as_the_kernel_prints_them_are_read(tmp_path, text):
    file = tmp_path / "energy_uj"
    file.write_text(text)
    assert powercap.read_number(file) == int(text)


@given(content=contents)
def test_a_name_is_read_or_refused(directory, content):
    file = directory / "word"
    file.write_bytes(content)
    try:
        name = powercap.read_name(file)
    except ValueError:
        assert not content.decode(errors="replace").strip()
    else:
        assert name == name.strip() != ""
        name.encode()


@given(content=st.fixed_dictionaries(dict.fromkeys(FILES, contents)))
def test_a_zone_of_any_content_is_understood_or_broken(directory, content):
    for file, data in content.items():
        (directory / "intel-rapl:0" / file).write_bytes(data)
    tree = powercap.scan(directory, frozenset({"intel-rapl:0"}))
    assert len(tree.entries) + len(tree.broken) == 1
    for zone in resolve(tree.entries).values():
        assert zone.role in Role
        assert zone.maximum is None or zone.maximum > 0
        assert 5 <= zone.max_watts <= 2000
        assert all(watts > 0 for watts in zone.limits.values())


def test_zones_sort_by_number():
    paths = ["intel-rapl:0", "intel-rapl:0:1", "intel-rapl:2", "intel-rapl:10", "intel-rapl:10:0"]
    assert sorted(paths, key=powercap.natural_order) == paths
