"""Who holds a lock, who waits for it, and what ends it."""

import errno
import fcntl
import os
import stat
import threading

import pytest

from collector_core.storage.file_lock import FileLock

ENDLESS = 60.0


@pytest.fixture
def lock(tmp_path):
    """Makes locks of one file, which are released at the end."""
    made = []

    def make():
        made.append(FileLock(tmp_path / "a.lock"))
        return made[-1]

    yield make
    for each in made:
        each.release()


def test_one_holds_it_alone_or_several_share_it(lock):
    first, second, third = lock(), lock(), lock()
    assert first.acquire(shared=True, wait_seconds=0)
    assert second.acquire(shared=True, wait_seconds=0)
    assert not third.acquire(shared=False, wait_seconds=0)
    first.release()
    first.release()
    second.release()
    assert third.acquire(shared=False, wait_seconds=0)
    assert not first.acquire(shared=True, wait_seconds=0)


def test_how_it_is_held_can_be_changed(lock):
    first, second = lock(), lock()
    assert first.acquire(shared=False, wait_seconds=0)
    assert first.acquire(shared=False, wait_seconds=0)
    assert first.acquire(shared=True, wait_seconds=0)
    assert second.acquire(shared=True, wait_seconds=0)
    assert not first.acquire(shared=False, wait_seconds=0), "the second one shares it"
    assert second.acquire(shared=False, wait_seconds=0), "what could not be had alone is not held at all"


@pytest.mark.parametrize("shared", [True, False])
def test_it_is_waited_for(lock, shared):
    holder, waiter, held = lock(), lock(), threading.Event()
    assert holder.acquire(shared=False, wait_seconds=0)

    def wait():
        if waiter.acquire(shared=shared, wait_seconds=ENDLESS):
            held.set()

    thread = threading.Thread(target=wait)
    thread.start()
    assert not held.wait(0.05)
    holder.release()
    assert held.wait(ENDLESS)
    thread.join()


def test_waiting_ends(lock):
    assert lock().acquire(shared=False, wait_seconds=0)
    assert not lock().acquire(shared=False, wait_seconds=0.05)


def test_who_waited_in_vain_keeps_no_file_open(lock):
    assert lock().acquire(shared=False, wait_seconds=0)
    in_vain = lock()
    assert not in_vain.acquire(shared=False, wait_seconds=0)
    assert in_vain._descriptor is None


def test_its_file_is_private_and_stays(lock, tmp_path):
    subject = lock()
    subject.acquire(shared=False, wait_seconds=0)
    subject.release()
    assert stat.S_IMODE((tmp_path / "a.lock").stat().st_mode) == 0o600
    assert (tmp_path / "a.lock").read_bytes() == b""


def test_programs_that_are_started_do_not_hold_it(lock):
    subject = lock()
    subject.acquire(shared=False, wait_seconds=0)
    assert not os.get_inheritable(subject._descriptor)


def test_a_file_system_without_locks_keeps_nobody_from_working(lock, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert lock().acquire(shared=False, wait_seconds=0)
    assert lock().acquire(shared=False, wait_seconds=0)
