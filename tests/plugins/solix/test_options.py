"""Options of the plugin."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from collector_plugins.solix.config import Config, default_state_dir
from tests.plugins.solix.conftest import OPTIONS


@pytest.mark.parametrize(
    ("given", "seconds"), [(90, 90), ("90s", 90), ("2m", 120), ("1.5m", 90), ("1h", 3600), ("2 m", 120), ("90", 90)]
)
def test_intervals_are_seconds_or_have_a_unit(given, seconds):
    assert Config(**OPTIONS, normal_interval=given).normal_interval == seconds


@pytest.mark.parametrize(
    "wrong",
    [
        {"email": "nobody"},
        {"country": "Germany"},
        {"normal_interval": 5},
        {"normal_interval": "2x"},
        {"normal_interval": 20, "fast_interval": 30},
        {"low_charge_ratio": 0.5, "high_charge_ratio": 0.4},
        {"low_charge_ratio": 30},
        {"realtime": "always"},
        {"passwort": "x"},
    ],
)
def test_what_cannot_be_meant_is_refused_without_telling_secrets(wrong):
    with pytest.raises(ValidationError) as raised:
        Config(**{**OPTIONS, **wrong})
    assert OPTIONS["password"] not in str(raised.value)


@given(st.text(max_size=20))
def test_any_text_as_an_interval_is_refused_or_in_range(text):
    try:
        config = Config(**OPTIONS, normal_interval=text)
    except ValidationError:
        return
    assert 15 <= config.normal_interval <= 86400


def test_the_password_is_not_shown():
    assert OPTIONS["password"] not in repr(Config(**OPTIONS))


@pytest.mark.parametrize(
    ("home", "folder"),
    [("/srv/state", "/srv/state/energy-collector/solix"), ("relative", None), ("", None)],
)
def test_the_state_is_where_the_specification_says(monkeypatch, home, folder):
    monkeypatch.setenv("XDG_STATE_HOME", home)
    monkeypatch.setenv("HOME", "/home/owner")
    assert str(default_state_dir()) == (folder or "/home/owner/.local/state/energy-collector/solix")
    assert Config(**OPTIONS).state == default_state_dir()
