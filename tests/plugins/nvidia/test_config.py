"""Options of the plugin: what is refused before anything is touched, and what simulation is marked with."""

from __future__ import annotations

import re

import pytest
from pydantic import ValidationError

from collector_plugins.nvidia import Nvidia, metrics

HOST = {"address": "bluefin.lan"}


def config(**options):
    return Nvidia.config_type.model_validate(options)


@pytest.mark.parametrize("key", ["name", "address", "user"])
@pytest.mark.parametrize("word", ["-oProxyCommand=touch x", "-", "two words", "line\nbreak", "tab\t", "\x1b[31m", ""])
def test_words_that_a_program_would_take_for_something_else_are_refused(key, word):
    with pytest.raises(ValidationError, match=rf"hosts\.0\.{key}"):
        config(hosts=[HOST | {key: word}])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"local": "off"}, "nothing to read"),
        ({"local": "demo", "hosts": [HOST]}, "cannot be had together"),
        ({"hosts": [HOST, HOST]}, "two machines are called 'bluefin.lan'"),
        ({"hosts": [HOST], "local_name": "bluefin.lan"}, "two machines are called"),
        ({"hosts": [HOST | {"port": 0}]}, "greater than or equal to 1"),
        ({"hosts": [HOST | {"power_limit_watts": 0}]}, "greater than 0"),
        ({"hosts": [HOST | {"pasword": "x"}]}, "pasword"),
        ({"hosts": [{"name": "bluefin"}]}, "address"),
        ({"nvidia_smi": "-L"}, "must not begin with -"),
        ({"local": "cuda"}, "'auto', 'nvml', 'nvidia-smi', 'off' or 'demo'"),
    ],
)
def test_what_makes_no_sense_is_refused(options, message):
    with pytest.raises(ValidationError, match=re.escape(message)):
        config(**options)


def test_a_host_is_called_by_its_name_else_by_its_address():
    found = config(hosts=[HOST, {"name": "whale", "address": "192.0.2.7"}])
    assert [host.label for host in found.hosts] == ["bluefin.lan", "whale"]


def test_simulated_gpus_are_marked_as_such_and_agree_with_themselves(collector_harness):
    harness = collector_harness(Nvidia, local="demo", local_name="box")
    for _ in range(20):
        harness.run(advance=5)
    assert len(harness.series(metrics.POWER)) == 4
    assert all(40 <= watts <= 350 for watts in harness.series(metrics.POWER).values())
    assert all(abs(ratio) < 0.01 for ratio in harness.series(metrics.ENERGY_DISAGREEMENT).values())
    lines = [line for line in harness.exposition().splitlines() if line[0] != "#"]
    assert lines
    assert [line for line in lines if 'demo="true"' not in line] == []


def test_what_is_real_is_not_marked(local):
    harness = local()
    harness.run()
    assert "demo" not in harness.exposition()
