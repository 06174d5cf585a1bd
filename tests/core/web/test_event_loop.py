"""The event loop of the front: sockets, timers, calls of other threads; nothing that fails harms another."""

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from collector_core.web.event_loop import EventLoop, PortablePoller

PATIENCE = 10.0  # seconds that nothing here takes


@pytest.fixture(params=[None, PortablePoller], ids=["of this platform", "of any platform"])
def loop(request: pytest.FixtureRequest) -> Iterator[EventLoop]:
    made = EventLoop(request.param and request.param())
    yield made
    made.close()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        yield ours, theirs


def run(loop: EventLoop, done: Callable[[], object]) -> None:
    """Until something is true, or for long."""
    loop.run_until(lambda: bool(done()), loop.time() + PATIENCE)
    assert done()


def test_who_waits_for_something_to_read_is_called_each_time(loop, pair):
    ours, theirs = pair
    read = []
    loop.add_reader(ours, lambda: read.append(ours.recv(1)))
    for sent in (b"a", b"b"):
        theirs.send(sent)
        run(loop, lambda sent=sent: read[-1:] == [sent])
    theirs.close()
    run(loop, lambda: read == [b"a", b"b", b""])


def test_who_waits_to_send_is_called_when_that_is_possible(loop, pair):
    ours, theirs = pair
    with pytest.raises(BlockingIOError):
        while True:
            ours.send(bytes(1 << 16))
    sendable = []
    loop.add_writer(ours, lambda: sendable.append(1))
    loop.run_until(lambda: bool(sendable), loop.time() + 0.05)
    assert not sendable
    theirs.settimeout(0.05)
    with pytest.raises(TimeoutError):
        while True:
            theirs.recv(1 << 16)
    run(loop, lambda: sendable)


def test_who_waits_to_send_is_not_told_of_something_to_read_any_more(loop, pair):
    ours, theirs = pair
    called = []
    loop.add_reader(ours, lambda: called.append("read"))
    loop.add_writer(ours, lambda: called.append("send"))
    theirs.send(b"a")
    run(loop, lambda: called)
    loop.add_reader(ours, lambda: called.append("read"))
    run(loop, lambda: "read" in called)
    assert called == ["send", "read"]


def test_who_was_removed_is_not_called_even_if_it_was_seen_to_be_ready(loop):
    pairs = [socket.socketpair() for _ in range(2)]
    called = []

    def end(place: int) -> None:
        called.append(place)
        other = pairs[1 - place][0]
        loop.remove_reader(other)
        other.close()

    for place, (ours, theirs) in enumerate(pairs):
        theirs.send(b"a")
        loop.add_reader(ours, lambda place=place: end(place))
    run(loop, lambda: called)
    loop.remove_reader(pairs[called[0]][0])
    loop.remove_reader(pairs[called[0]][0])
    loop.run_until(lambda: False, loop.time() + 0.05)
    assert len(called) == 1
    for each in (end for pair in pairs for end in pair):
        each.close()


def test_timers_come_in_the_order_of_their_times_and_not_before(loop):
    called = []
    begin = loop.time()
    for delay in (0.06, 0.02, 0.04):
        loop.call_later(delay, lambda delay=delay: called.append((delay, loop.time() - begin)))
    run(loop, lambda: len(called) == 3)
    assert [delay for delay, _ in called] == [0.02, 0.04, 0.06]
    assert all(after >= delay for delay, after in called)


def test_a_timer_that_is_cancelled_does_not_come(loop):
    called = []
    timer = loop.call_later(0.0, lambda: called.append("cancelled"))
    loop.call_later(0.01, lambda: called.append("other"))
    timer.cancel()
    timer.cancel()
    run(loop, lambda: called)
    assert called == ["other"]


def test_a_timer_that_sets_another_one_starves_nobody(loop, pair):
    ours, theirs = pair
    read = []
    loop.add_reader(ours, lambda: read.append(ours.recv(1)))

    def again() -> None:
        loop.call_later(0.0, again)

    again()
    theirs.send(b"a")
    run(loop, lambda: read)


def test_another_thread_wakes_it_and_its_calls_come_in_order(loop):
    called = []

    def call() -> None:
        time.sleep(0.05)
        for number in range(10_000):  # more than its wake-ups have room for
            loop.call_soon_threadsafe(lambda number=number: called.append((number, threading.get_ident())))

    thread = threading.Thread(target=call)
    thread.start()
    run(loop, lambda: len(called) == 10_000)
    thread.join()
    assert called == [(number, threading.get_ident()) for number in range(10_000)]


def test_a_call_that_asks_for_another_one_starves_nobody(loop):
    called = []

    def again() -> None:
        loop.call_soon_threadsafe(again)

    again()
    loop.call_later(0.01, lambda: called.append(1))
    run(loop, lambda: called)


def test_what_fails_is_logged_and_harms_no_other(loop, pair, caplog):
    ours, theirs = pair
    called = []

    def fail() -> None:
        called.append("failed")
        raise RuntimeError("a bug")

    def read() -> None:
        ours.recv(1)
        fail()

    loop.call_soon_threadsafe(fail)
    loop.call_soon_threadsafe(lambda: called.append("call"))
    loop.call_later(0.0, fail)
    loop.call_later(0.0, lambda: called.append("timer"))
    loop.add_reader(ours, read)
    theirs.send(b"a")
    run(loop, lambda: called.count("failed") == 3 and {"call", "timer"} <= set(called))
    assert caplog.text.count("RuntimeError: a bug") == 3


def test_it_ends_at_its_deadline_although_nothing_happens(loop):
    begin = loop.time()
    loop.run_until(lambda: False, begin + 0.05)
    assert 0.05 <= loop.time() - begin < PATIENCE


def test_it_may_be_closed_while_something_waits_and_is_called_afterwards_in_vain(pair):
    ours, theirs = pair
    loop, called = EventLoop(), []
    loop.add_reader(ours, lambda: called.append("read"))
    loop.call_later(0.0, lambda: called.append("timer"))
    loop.close()
    loop.call_soon_threadsafe(lambda: called.append("call"))
    theirs.send(b"a")
    assert ours.recv(1) == b"a"
    assert not called
