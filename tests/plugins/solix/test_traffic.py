"""How answers of the cloud are judged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_plugins.solix.budget import Result
from collector_plugins.solix.traffic import judge


@pytest.mark.parametrize(
    ("status", "body", "result"),
    [
        (200, b'{"code": 0}', "ok"),
        (200, b'{"code": 26108, "msg": "wrong password"}', "refused"),
        (200, b'{"code": ', "bad_data"),
        (200, b"", "bad_data"),
        (200, b"[]", "bad_data"),
        (200, b"\xff", "bad_data"),
        (200, b"[" * 100_000, "bad_data"),
        (401, b"", "unauthorized"),
        (403, b"", "unauthorized"),
        (404, b"", "http_error"),
        (429, b"", "limited"),
        (500, b"", "server_error"),
        (503, b'{"code": 0}', "server_error"),
    ],
)
def test_an_answer_is_judged_by_status_and_code(status, body, result):
    assert judge(status, body) == result


@given(st.integers(100, 599), st.binary(max_size=60))
def test_any_answer_has_a_result(status, body):
    assert judge(status, body) in Result
