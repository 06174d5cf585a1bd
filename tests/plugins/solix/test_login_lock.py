"""How long a locked account is left alone."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector_core.testing import FakeClock
from collector_plugins.solix.login_lock import LONGEST, MARGIN, LoginLock, told_lock

HOUR = 3600.0


@pytest.fixture
def clock():
    return FakeClock(wall_time=1_800_000_000.0)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "lock.json"


def test_each_refusal_in_a_row_locks_for_longer_up_to_a_day(file, clock):
    lock, pauses = LoginLock(file, clock), []
    for _ in range(7):
        lock.lock(HOUR)
        pauses.append(lock.seconds_left)
        clock.advance(lock.seconds_left)
    assert pauses == [pytest.approx(hours * HOUR + MARGIN) for hours in (1, 2, 4, 8, 16, 24, 24)]


def test_a_lock_holds_for_as_long_as_the_cloud_says_up_to_a_day(file, clock):
    lock = LoginLock(file, clock)
    lock.lock(5 * HOUR)
    assert lock.seconds_left == 5 * HOUR + MARGIN
    lock.lock(1e9)
    assert lock.seconds_left == LONGEST + MARGIN


def test_a_login_that_works_starts_anew(file, clock):
    lock = LoginLock(file, clock)
    lock.lock(HOUR)
    lock.clear()
    assert lock.seconds_left == 0
    assert not file.exists()
    lock.lock(HOUR)
    assert lock.seconds_left == HOUR + MARGIN


def test_a_lock_outlives_the_process_and_is_private(file, clock):
    LoginLock(file, clock).lock(HOUR)
    clock.advance(600)
    assert LoginLock(file, clock).seconds_left == HOUR + MARGIN - 600
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_clock_that_was_wrong_locks_nobody_out_for_years(file, clock):
    file.write_text(json.dumps({"until": clock.time() + 1e9, "refusals": 3}))
    assert LoginLock(file, clock).seconds_left <= LONGEST + MARGIN
    lock = LoginLock(file, clock)
    lock.lock(HOUR)
    clock.wall_time -= 1e8
    assert lock.seconds_left <= LONGEST + MARGIN


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"until": "x", "refusals": 1}',
        '{"until": NaN, "refusals": 1}',
        '{"until": 1e999, "refusals": 1}',
    ],
)
def test_a_damaged_file_locks_nobody_out(file, clock, content):
    file.write_text(content)
    assert LoginLock(file, clock).seconds_left == 0


def test_a_folder_that_cannot_be_written_keeps_the_lock_in_memory(tmp_path, clock):
    lock = LoginLock(tmp_path / "absent" / "lock.json", clock)
    lock.lock(HOUR)
    assert lock.seconds_left == HOUR + MARGIN


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ({"code": 100053, "msg": "Too many. Please try again in 2 hours!"}, 7200),
        ({"code": 100053, "msg": "Try again in 1 day."}, 86400),
        ({"code": 100053, "msg": "Try again after 45 minutes."}, 2700),
        ({"code": 26153, "msg": "please try again in 90 seconds"}, 90),
        ({"code": 100053, "msg": ""}, 3600),
        ({"code": 100053}, 3600),
        ({"code": 26108, "msg": "wrong password"}, None),
        ({"code": 0}, None),
    ],
)
def test_what_an_answer_says_of_a_lock(said, seconds):
    assert told_lock(json.dumps(said).encode()) == seconds


@given(st.binary(max_size=60) | st.text(max_size=40).map(lambda msg: json.dumps({"code": 1, "msg": msg}).encode()))
def test_any_answer_locks_for_a_time_or_not(body):
    seconds = told_lock(body)
    assert seconds is None or seconds >= 0
