"""Options, privacy and the folder of the token."""

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from collector_core import NotAvailable
from collector_plugins.solix.config import Config, default_state_dir
from collector_plugins.solix.privacy import Privacy
from collector_plugins.solix.state import State
from tests.plugins.solix.conftest import OPTIONS


@pytest.mark.parametrize(("given", "seconds"), [(90, 90), ("90s", 90), ("2m", 120), ("1.5m", 90), ("1h", 3600)])
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


# Privacy


def test_serials_are_shown_unless_they_are_to_be_hashed():
    shown, hashed = (Privacy("a@b.example", "pw", hash_serials=wish) for wish in (False, True))
    assert shown.device("SERIAL1") == "SERIAL1"
    assert hashed.device("SERIAL1") == Privacy("A@b.example", None, hash_serials=True).device("SERIAL1")
    assert len(hashed.device("SERIAL1")) == 12
    assert hashed.device("SERIAL1") != hashed.device("SERIAL2")
    assert hashed.device("SERIAL1") != Privacy("c@d.example", "pw", hash_serials=True).device("SERIAL1")


def test_a_name_does_not_tell_the_serial():
    hashed = Privacy("a@b.example", "pw", hash_serials=True)
    assert "SERIAL1" not in hashed.name("Shed SERIAL1", "SERIAL1")
    assert Privacy("a@b.example", "pw", hash_serials=False).name("Shed SERIAL1", "SERIAL1") == "Shed SERIAL1"


def test_secrets_are_taken_out_of_texts():
    privacy = Privacy("Owner@b.example", "pass word", hash_serials=False)
    privacy.learn(["the-token", None, "", 3])
    text = privacy.clean("Login failed for Owner@b.example (owner@b.example): pass word, the-token")
    assert text == "Login failed for *** (***): ***, ***"


# State


@pytest.fixture
def state(tmp_path):
    return State(tmp_path / "deep" / "state", "owner@b.example")


def test_the_folder_is_private_and_the_file_tells_no_address(state):
    state.prepare()
    assert state.folder.stat().st_mode & 0o777 == 0o700
    assert "owner" not in state.token.name


def test_what_is_there_is_locked(state):
    state.prepare()
    state.token.write_text(json.dumps({"auth_token": "t", "user_id": "u"}))
    state.token.chmod(0o644)
    state.lock()
    assert state.token.stat().st_mode & 0o777 == 0o600
    assert {"t", "u"} <= set(state.secrets())


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '"text"', "\x00"])
def test_a_token_that_cannot_be_read_is_thrown_away(state, text):
    state.prepare()
    state.token.write_text(text)
    state.prepare()
    assert not state.token.exists()


@given(content=st.binary(max_size=60))
def test_any_file_is_a_login_or_none(tmp_path_factory, content):
    state = State(tmp_path_factory.mktemp("state"), "owner@b.example")
    state.token.write_bytes(content)
    assert isinstance(state.login(), dict)
    state.prepare()


def test_a_folder_that_cannot_be_made_says_what_to_do(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(NotAvailable) as raised:
        State(tmp_path / "file" / "state", "a@b.example").prepare()
    assert raised.value.fix
    assert os.fspath(tmp_path / "file" / "state") in raised.value.fix
