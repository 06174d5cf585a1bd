"""The folder of the token."""

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core import NotAvailable
from collector_plugins.solix.token_store import TokenStore


@pytest.fixture
def tokens(tmp_path):
    return TokenStore(tmp_path / "deep" / "state", "owner@b.example")


def test_the_folder_is_private_and_the_file_tells_no_address(tokens):
    tokens.prepare()
    assert tokens.folder.stat().st_mode & 0o777 == 0o700
    assert "owner" not in tokens.token.name


def test_what_is_there_is_locked(tokens):
    tokens.prepare()
    tokens.token.write_text(json.dumps({"auth_token": "t", "user_id": "u"}))
    tokens.token.chmod(0o644)
    tokens.restrict_files()
    assert tokens.token.stat().st_mode & 0o777 == 0o600
    assert {"t", "u"} <= set(tokens.secrets())


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '"text"', "\x00"])
def test_a_token_that_cannot_be_read_is_thrown_away(tokens, text):
    tokens.prepare()
    tokens.token.write_text(text)
    tokens.prepare()
    assert not tokens.token.exists()


@given(content=st.binary(max_size=60))
def test_any_file_is_a_login_or_none(tmp_path_factory, content):
    tokens = TokenStore(tmp_path_factory.mktemp("state"), "owner@b.example")
    tokens.token.write_bytes(content)
    assert isinstance(tokens.read_login(), dict)
    tokens.prepare()


def test_a_folder_that_cannot_be_made_says_what_to_do(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(NotAvailable) as raised:
        TokenStore(tmp_path / "file" / "state", "a@b.example").prepare()
    assert raised.value.fix
    assert os.fspath(tmp_path / "file" / "state") in raised.value.fix


def test_a_link_in_place_of_the_token_is_removed_and_not_followed(tmp_path):
    precious = tmp_path / "precious.json"
    precious.write_text('{"auth_token": "somebody else\'s"}')
    store = TokenStore(tmp_path / "state", "a@b")
    store.prepare()
    store.token.symlink_to(precious)
    store.prepare()
    assert not store.token.is_symlink()
    assert "somebody" in precious.read_text()
