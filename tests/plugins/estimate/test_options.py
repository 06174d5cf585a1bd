"""Options that cannot be meant are refused with their key; a model file of another machine is too."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from collector_core import Component, NotAvailable
from collector_plugins.estimate import MODEL
from collector_plugins.estimate.config import Config
from collector_plugins.estimate.modelfile import Model, parse

XEON = "Intel(R) Xeon(R) CPU E5-2620 v3 @ 2.40GHz"
POINTS = [
    {"utilization": 0.0, "cpu_watts": 20.0},
    {"utilization": 0.5, "cpu_watts": 50.0},
    {"utilization": 1.0, "cpu_watts": 70.0},
]


@pytest.mark.parametrize(
    ("options", "key", "reason"),
    [
        ({"tdp_watts": -65}, "tdp_watts", "greater than 0"),
        ({"tdp_watts": 0}, "tdp_watts", "greater than 0"),
        ({"tdp_watts": "nan"}, "tdp_watts", "less than or equal"),
        ({"tdp_watts": 1e6}, "tdp_watts", "less than or equal to 10000"),
        ({"idle_watts": -1}, "idle_watts", "greater than or equal to 0"),
        ({"tdp_watts": 65, "idle_watts": 70}, "idle_watts", "cannot draw more than its tdp_watts, 65 W"),
        ({"model_file": "no/such.json"}, "model_file", "no/such.json: No such file or directory"),
        ({"model_file": "/"}, "model_file", "/: Is a directory"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_key(options: dict[str, Any], key: str, reason: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Config.model_validate(options)
    (error,) = caught.value.errors()
    assert error["loc"] == (key,)
    assert reason in error["msg"]


@pytest.mark.parametrize("options", [{}, {"tdp_watts": 65}, {"tdp_watts": 65, "idle_watts": 65}, {"idle_watts": 0}])
def test_what_can_be_meant_is_taken(options: dict[str, Any]) -> None:
    assert Config.model_validate(options).model is None


def pair(*numbers: object) -> str:
    low, watts, high, more = numbers
    points = f'{{"utilization": {low}, "cpu_watts": {watts}}}, {{"utilization": {high}, "cpu_watts": {more}}}'
    return f'{{"points": [{points}]}}'


@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        ("", "Invalid JSON"),
        ("[]", "object"),
        ("{}", "points: Field required"),
        (pair(0, 1, 0, 2), "two different"),
        (pair(0, 1, 2, 2), "points.1.utilization"),
        (pair(0, -1, 1, 2), "points.0.cpu_watts"),
        (pair(0, "1e999", 1, 2), "points.0.cpu_watts"),
        ('{"points": [{"utilization": 0, "cpu_watts": 1}]}', "points: List should have at least 2"),
        (
            '{"points": [{"utilization": 0, "cpu_watts": 1, "dram_watts": 1}, {"utilization": 1, "cpu_watts": 2}]}',
            "dram_watts must be given in all or in none",
        ),
    ],
)
def test_an_unusable_model_file_is_refused_with_its_key_and_place(tmp_path: Path, contents: str, reason: str) -> None:
    file = tmp_path / "model.json"
    file.write_text(contents)
    with pytest.raises(ValidationError) as caught:
        Config.model_validate({"model_file": file})
    (error,) = caught.value.errors()
    assert error["loc"] == ("model_file",)
    assert f"{file}: " in error["msg"]
    assert reason in error["msg"]


@given(st.binary() | st.recursive(st.none() | st.floats() | st.text(), st.lists).map(lambda x: json.dumps(x).encode()))
def test_a_model_file_is_read_or_refused(contents: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(parse(contents), Model)


@given(st.lists(st.fixed_dictionaries({"utilization": st.floats(), "cpu_watts": st.floats() | st.none()})))
def test_points_are_read_or_refused(points: list[dict[str, Any]]) -> None:
    try:
        model = parse(json.dumps({"points": points}).encode())
    except ValueError:
        return
    assert all(0 <= point.utilization <= 1 and point.cpu_watts >= 0 for point in model.points)


@pytest.fixture
def model_file(tmp_path: Path) -> Callable[..., Path]:
    def write(**content: Any) -> Path:
        file = tmp_path / "model.json"
        file.write_text(json.dumps({"points": POINTS} | content))
        return file

    return write


@pytest.mark.parametrize("profile", [{}, {"cpu": XEON, "threads": 12}])
def test_with_a_model_file_the_watts_are_the_measured_ones_and_it_says_calibrated(
    make_machine: Callable[..., Any], model_file: Callable[..., Path], profile: dict[str, Any]
) -> None:
    machine = make_machine(model_file=model_file(**profile))
    machine.run()
    machine.run(10.0, 0.5)
    assert machine.joules() == pytest.approx(500)
    machine.run(10.0, 1.0)
    assert machine.joules() == pytest.approx(1200)
    assert machine.meter().uncertainty == 0.1
    ((_, _, _, _, source, calibrated),) = machine.harness.series(MODEL)
    assert (source, calibrated) == ("model_file", "true")
    assert machine.meter(Component.DRAM).uncertainty == 0.5


def test_memory_that_was_measured_is_taken_from_the_file_too(
    make_machine: Callable[..., Any], model_file: Callable[..., Path]
) -> None:
    machine = make_machine(model_file=model_file(points=[point | {"dram_watts": 4.0} for point in POINTS]))
    machine.run()
    machine.run(10.0, 0.5)
    assert machine.joules(Component.DRAM) == pytest.approx(40)
    assert machine.meter(Component.DRAM).uncertainty == 0.1


@pytest.mark.parametrize(
    ("profile", "difference"),
    [
        ({"cpu": "AMD EPYC 8024P 8-Core Processor"}, f"on AMD EPYC 8024P 8-Core Processor, this is {XEON}"),
        ({"cpu": XEON, "threads": 24}, "with 24 threads, this machine has 12"),
    ],
)
def test_a_model_file_of_another_machine_is_refused_with_what_to_do(
    make_machine: Callable[..., Any], model_file: Callable[..., Path], profile: dict[str, Any], difference: str
) -> None:
    file = model_file(**profile)
    with pytest.raises(NotAvailable) as caught:
        make_machine(model_file=file).run()
    assert f"{file} is of another machine" in caught.value.detail
    assert difference in caught.value.detail
    assert "calibrate cpu" in caught.value.fix


def test_idle_watts_above_the_tdp_of_the_table_are_refused_when_the_machine_is_known(
    make_machine: Callable[..., Any],
) -> None:
    with pytest.raises(NotAvailable, match="idle_watts is 90, more than the TDP of .*, 85 W"):
        make_machine(idle_watts=90).run()


def test_stated_watts_are_the_estimates_ends(make_machine: Callable[..., Any]) -> None:
    machine = make_machine(tdp_watts=100, idle_watts=30)
    machine.run()
    machine.run(10.0, 0.0)
    assert machine.joules() == pytest.approx(300)
    machine.run(10.0, 1.0)
    assert machine.joules() == pytest.approx(300 + 650)


def test_a_model_file_replaces_the_options_about_the_tdp(model_file: Callable[..., Path]) -> None:
    with pytest.raises(ValidationError, match="it replaces tdp_watts and idle_watts: give one or the other"):
        Config.model_validate({"model_file": model_file(), "tdp_watts": 65, "idle_watts": 5})


def test_a_model_file_that_changed_makes_other_options(model_file: Callable[..., Path]) -> None:
    before = Config.model_validate({"model_file": model_file()})
    same = Config.model_validate({"model_file": model_file()})
    other = Config.model_validate({"model_file": model_file(points=POINTS[:2])})
    assert before == same != other
