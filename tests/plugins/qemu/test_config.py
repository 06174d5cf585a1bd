"""Options are refused with their key and the reason, and cinergy's file reads as cinergy reads it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from collector_core.config import settings as configuration
from collector_core.errors import ConfigError
from collector_core.plugins.discovery import discover
from collector_plugins.qemu import cinergy, modelfile
from collector_plugins.qemu.config import Config
from collector_plugins.qemu.model import Polynomial
from collector_plugins.qemu.modelfile import Model
from collector_plugins.qemu.units import CpuUnit

ENV = "REG_COEFF=10,10\nPORT=8080\nCINERGY_RATIO=0.75\nSERVER_CORES=16\nDC_PUE=1.3\nEMISSION_FACTOR=50.0\n"


def problems(**options: Any) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        Config.model_validate(options)
    return {str(item["loc"][0]): item["msg"] for item in caught.value.errors()}


@pytest.mark.parametrize(
    ("options", "key", "reason"),
    [
        ({}, "coefficients", "no coefficients"),
        ({"cinergy_ratio": 0.5, "server_cores": 4}, "coefficients", "no coefficients"),
        ({"coefficients": None}, "coefficients", "no coefficients"),
        ({"coefficients": []}, "coefficients", "no coefficients"),
        ({"coefficients": [-1, 1]}, "coefficients", "f(0), the power of the idle host, is negative"),
        ({"coefficients": [10, -1]}, "coefficients", "f falls with load"),
        ({"coefficients": [10, 2, -1], "cpu_unit": "host_percent"}, "coefficients", "f falls with load"),
        ({"coefficients": [10, float("nan")]}, "coefficients", "finite"),
        ({"coefficients": [10, "x"]}, "coefficients", "number"),
        ({"coefficients": [1], "cinergy_ratio": 1.01}, "cinergy_ratio", "less than or equal to 1"),
        ({"coefficients": [1], "cinergy_ratio": -0.01}, "cinergy_ratio", "greater than or equal to 0"),
        ({"coefficients": [1], "pue": 0.99}, "pue", "greater than or equal to 1"),
        ({"coefficients": [1], "emission_factor": -1}, "emission_factor", "greater than or equal to 0"),
        ({"coefficients": [1], "server_cores": 0}, "server_cores", "greater than or equal to 1"),
        ({"coefficients": [1], "cpu_unit": "percent"}, "cpu_unit", "'cores', 'core_percent' or 'host_percent'"),
        ({"coefficients": [1], "fitted_range": [5, 5]}, "fitted_range", "lowest load comes first"),
        ({"coefficients": [1], "fitted_range": [-1, 5]}, "fitted_range", "greater than or equal to 0"),
        ({"coefficients": [1], "env_file": ".env"}, "env_file", "give one of"),
        ({"env_file": "/nowhere/.env"}, "env_file", "/nowhere/.env: No such file"),
        ({"model_file": "/nowhere/m.json"}, "model_file", "/nowhere/m.json: No such file"),
        ({"coefficients": [1], "ratio": 1}, "ratio", "not permitted"),
    ],
)
def test_bad_options_are_refused(options: dict[str, Any], key: str, reason: str) -> None:
    found = problems(**options)
    assert list(found) == [key]
    assert reason in found[key]


def test_a_model_may_be_left_out_on_purpose() -> None:
    assert Config.model_validate({"coefficients": "off"}).power.polynomial is None


def test_the_load_that_is_checked_is_that_of_a_full_host() -> None:
    falls_late = [10, 10, -0.1]  # from x = 50 on
    if (os.cpu_count() or 1) < 40:
        assert Config.model_validate({"coefficients": falls_late, "server_cores": 40}).power
    assert "x = 50" in problems(coefficients=falls_late, server_cores=64)["coefficients"]
    assert "x = 50" in problems(coefficients=falls_late, cpu_unit="core_percent")["coefficients"]
    assert Config.model_validate({"coefficients": falls_late, "cpu_unit": "core_percent", "fitted_range": [0, 50]})


def test_a_file_is_found_beside_the_configuration_and_its_change_is_a_change(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(ENV)
    file = tmp_path / "config.yaml"
    file.write_text("collectors:\n  qemu:\n    options: {env_file: .env}\n")

    def instance() -> configuration.Instance:
        document = configuration.read_document(file)
        (found,) = configuration.validate(document, discover({"qemu"})).instances or ()
        return found

    first = instance()
    assert first == instance()
    (tmp_path / ".env").write_text(ENV.replace("10,10", "10,11"))
    assert first != instance()
    (tmp_path / ".env").write_text(ENV.replace("10,10", "-10,11").replace("0.75", "7.5"))
    with pytest.raises(ConfigError) as caught:
        instance()
    assert f"{file}:3: collectors.qemu.options.env_file: {tmp_path}/.env: CINERGY_RATIO: " in str(caught.value)


def test_cinergys_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(ENV)
    power = Config.model_validate({"env_file": tmp_path / ".env"}).power
    assert power.polynomial == Polynomial((10.0, 10.0))
    assert power.cpu_unit is CpuUnit.CORE_PERCENT
    assert (power.cinergy_ratio, power.server_cores, power.pue, power.emission_factor) == (0.75, 16, 1.3, 50.0)
    assert power.port == 8080


def test_options_win_over_cinergys_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(ENV)
    given = {"cpu_unit": "cores", "pue": 1.0, "server_cores": None, "emission_factor": 20, "fitted_range": [0, 8]}
    power = Config.model_validate({"env_file": tmp_path / ".env", **given}).power
    assert (power.cpu_unit, power.pue, power.server_cores, power.emission_factor) == ("cores", 1.0, 16, 20)
    assert power.polynomial == Polynomial((10.0, 10.0), (0, 8))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "REG_COEFF: no coefficients"),
        ("REG_COEFF=\n", "REG_COEFF: no coefficients"),
        ("REG_COEFF=1,x", "REG_COEFF: Input should be a valid number"),
        ("REG_COEFF=1,nan", "REG_COEFF: Input should be a finite number"),
        ("REG_COEFF=1\nCINERGY_RATIO=1.5", "CINERGY_RATIO: Input should be less than or equal to 1"),
        ("REG_COEFF=1\nDC_PUE=0.5", "DC_PUE: Input should be greater than or equal to 1"),
        ("REG_COEFF=1\nEMISSION_FACTOR=-1", "EMISSION_FACTOR: Input should be greater than or equal to 0"),
        ("REG_COEFF=1\nSERVER_CORES=1.5", "SERVER_CORES: Input should be a valid integer"),
        ("REG_COEFF=1\nPORT=99999", "PORT: Input should be less than or equal to 65535"),
    ],
)
def test_a_bad_file_of_cinergy(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=r"^[A-Z]") as caught:
        cinergy.parse(text)
    assert reason in str(caught.value)


def test_the_polynomial_of_a_file_is_refused_with_the_files_name(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("REG_COEFF=10,1,-1")
    assert f"{tmp_path}/.env: REG_COEFF: f falls with load" in problems(env_file=tmp_path / ".env")["env_file"]
    (tmp_path / "m.json").write_text('{"coefficients": [-1]}')
    assert "m.json: coefficients: f(0)" in problems(model_file=tmp_path / "m.json")["model_file"]


@pytest.mark.parametrize(
    "line",
    [
        "REG_COEFF=1,2",
        "export REG_COEFF = '1, 2' # mine",
        'REG_COEFF="1,2"',
        "REG_COEFF=1,2 # c\nREG_COEFF=3",
        "#x\n\nREG_COEFF= 1 ,2",
    ],
)
def test_dotenvs_ways_of_writing(line: str) -> None:
    assert cinergy.parse(line).coefficients == (1.0, 2.0)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60), st.sampled_from(["REG_COEFF", "PORT", "CINERGY_RATIO", "SERVER_CORES", "DC_PUE"]))
def test_garbage_in_cinergys_file_is_a_value_error(text: str, name: str) -> None:
    for whole in (text, f"REG_COEFF=1\n{name}={text}\n"):
        try:
            assert cinergy.parse(whole).coefficients
        except ValueError as error:
            assert str(error)


def test_a_model_file_survives_its_text() -> None:
    model = Model(Polynomial((10.5, 2.0), (0.0, 8.0)), CpuUnit.HOST_PERCENT)
    text = modelfile.text(model, host="lab", r_squared=0.99)
    assert modelfile.parse(text.encode()) == model
    assert json.loads(text)["host"] == "lab"


def test_a_ratio_that_was_measured_applies_unless_another_is_given(tmp_path: Path) -> None:
    file = tmp_path / "m.json"
    file.write_text(modelfile.text(Model(Polynomial((10.0, 5.0)), CpuUnit.CORES, 0.6)))
    assert Config.model_validate({"model_file": file}).power.cinergy_ratio == 0.6
    assert Config.model_validate({"model_file": file, "cinergy_ratio": 0.9}).power.cinergy_ratio == 0.9
    file.write_text(modelfile.text(Model(Polynomial((10.0, 5.0)), CpuUnit.CORES)))
    assert Config.model_validate({"model_file": file}).power.cinergy_ratio == 1.0


@pytest.mark.parametrize("ratio", ['"a"', "1.5", "-0.1", "true", "NaN", "[]", "9" * 400])
def test_a_ratio_that_is_none_is_refused(ratio: str) -> None:
    with pytest.raises(ValueError, match="cinergy_ratio|too large"):
        modelfile.parse(f'{{"coefficients": [1], "cinergy_ratio": {ratio}}}'.encode())


def test_a_model_file_says_its_unit_and_range(tmp_path: Path) -> None:
    file = tmp_path / "m.json"
    file.write_text('{"coefficients": [10, 1], "cpu_unit": "host_percent", "fitted_range": [0, 90]}')
    power = Config.model_validate({"model_file": file}).power
    assert power.cpu_unit == "host_percent"
    assert power.polynomial == Polynomial((10.0, 1.0), (0.0, 90.0))
    assert "was fitted in host_percent" in problems(model_file=file, cpu_unit="cores")["cpu_unit"]
    narrower = Config.model_validate({"model_file": file, "fitted_range": [0, 50]}).power.polynomial
    assert narrower == Polynomial((10.0, 1.0), (0.0, 50.0))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Expecting value"),
        ("[]", "not a JSON object"),
        ("{}", "coefficients: there are none"),
        ('{"coefficients": []}', "coefficients: there are none"),
        ('{"coefficients": [1, "2"]}', "coefficients: must be a list of numbers"),
        ('{"coefficients": [true]}', "coefficients: must be a list of numbers"),
        (f'{{"coefficients": [1{"0" * 400}]}}', "a number of 401 digits is too large"),
        ('{"coefficients": [1], "fitted_range": [1]}', "fitted_range: must be"),
        ('{"coefficients": [1], "fitted_range": [2, 1]}', "fitted_range: must be"),
        ('{"coefficients": [1], "fitted_range": [0, Infinity]}', "fitted_range: must be"),
        ('{"coefficients": [1], "cpu_unit": "percent"}', "cpu_unit: must be one of cores, core_percent, host_percent"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_bad_model_file(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        modelfile.parse(text.encode())
    assert reason in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=5), each, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=40)
    | st.builds(
        lambda c, r, u: json.dumps({"coefficients": c, "fitted_range": r, "cpu_unit": u}).encode(), JSON, JSON, JSON
    )
)
def test_garbage_in_a_model_file_is_a_value_error(data: bytes) -> None:
    try:
        assert modelfile.parse(data).polynomial.coefficients
    except ValueError as error:
        assert str(error)
