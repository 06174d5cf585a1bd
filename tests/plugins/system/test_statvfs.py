"""A file system that hangs costs itself, whenever it does and whenever it comes back."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator

import pytest

from collector_plugins.system import statvfs
from collector_plugins.system.statvfs import FilesystemAnswers

THERE = os.statvfs("/")


class Machine:
    """File systems that answer when they may; the others block whoever asks."""

    def __init__(self) -> None:
        self.gates: dict[bytes, threading.Event] = {}
        self.asked: list[bytes] = []

    def statvfs(self, path: bytes) -> os.statvfs_result:
        self.asked.append(path)
        if path in self.gates:
            self.gates[path].wait(60)
        if path == b"/gone":
            raise FileNotFoundError(path)
        return THERE

    def hang(self, *paths: bytes) -> None:
        for path in paths:
            self.gates[path] = threading.Event()

    def recover(self) -> None:
        for gate in self.gates.values():
            gate.set()


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    monkeypatch.setattr(statvfs, "PATIENCE", 0.05)
    machine = Machine()
    yield machine
    machine.recover()


def answered(answers: FilesystemAnswers, *paths: bytes) -> list[bytes]:
    found = answers.ask(dict.fromkeys(paths, True))
    assert list(found) == list(paths)
    return [path for path, answer in found.items() if answer is THERE]


@pytest.mark.parametrize("may_hang", [True, False])
def test_file_systems_answer_in_their_order(machine: Machine, may_hang: bool) -> None:
    answers = FilesystemAnswers(1.0, machine.statvfs)
    assert answered(answers, b"/", b"/gone", b"/home") == [b"/", b"/home"]
    assert isinstance(answers.ask({b"/gone": may_hang})[b"/gone"], FileNotFoundError)
    assert answers.ask({}) == {}


def test_one_that_hangs_costs_only_itself_and_is_asked_by_one_thread(machine: Machine) -> None:
    machine.hang(b"/nas")
    answers = FilesystemAnswers(10.0, machine.statvfs)
    for _ in range(5):
        assert answered(answers, b"/", b"/nas", b"/home") == [b"/", b"/home"]
        assert isinstance(answers.ask({b"/": True, b"/nas": True, b"/home": False})[b"/nas"], TimeoutError)
    assert machine.asked.count(b"/nas") == 1


def test_one_that_comes_back_answers_again(
    machine: Machine, eventually: Callable[[Callable[[], object]], object]
) -> None:
    machine.hang(b"/nas")
    answers = FilesystemAnswers(10.0, machine.statvfs)
    assert answered(answers, b"/nas") == []
    machine.recover()
    eventually(lambda: answered(answers, b"/nas") == [b"/nas"])
    machine.hang(b"/nas")  # and goes away again: what it said last stays until the next run knows better
    eventually(lambda: answered(answers, b"/nas") == [])
    machine.recover()
    eventually(lambda: answered(answers, b"/nas") == [b"/nas"])


def test_many_that_hang_take_no_longer_than_the_limit_and_the_rest_follows(machine: Machine) -> None:
    hanging = [b"/nas%d" % number for number in range(9)]
    machine.hang(*hanging)
    answers = FilesystemAnswers(0.2, machine.statvfs)
    runs = [answered(answers, *hanging, b"/") for _ in range(6)]
    assert runs[0] == []
    assert runs[-1] == [b"/"]
    assert len(machine.asked) == len(set(machine.asked)) + machine.asked.count(b"/") - 1


def test_one_that_is_mounted_no_more_is_forgotten(machine: Machine) -> None:
    machine.hang(b"/nas")
    answers = FilesystemAnswers(10.0, machine.statvfs)
    answers.ask({b"/nas": True})
    assert answers.ask({b"/": True}) == {b"/": THERE}
    machine.recover()
    del machine.gates[b"/nas"]
    assert answered(answers, b"/nas") == [b"/nas"]
