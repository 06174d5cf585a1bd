"""Texts of which only the numbers change, as of most files below /proc: parsed once, and then only read.

Where anything else has changed, the text is parsed anew.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import isfinite
from operator import itemgetter, truediv
from typing import Generic, Protocol, TypeVar

from collector_core import _speed

ValueT = TypeVar("ValueT")

_NUMBER = re.compile(rb"[0-9]+\.?[0-9]*|\.[0-9]+")
_LARGEST = 1e300  # whatever it is divided by, a number stays one
_SAME, _OTHER = -1, -2  # uses of words; those of wanted numbers are counted from 0


@dataclass(frozen=True, slots=True)
class FoundNumbers(Generic[ValueT]):
    """What a parser found in a text.

    `numbers` are places among its words, counted from 0 as `bytes.split` has them, with what the number there is
    divided by; each is one in the sense of `is_number`, and wanted once. `value` makes of the quotients what is said.
    `names` are places of words that matter although they may look like numbers.
    """

    numbers: Sequence[tuple[int, float]]
    value: Callable[[array[float]], ValueT]
    names: Sequence[int] = ()


class NumberText(Generic[ValueT]):
    """A text that comes again and again; `find` parses it, and raises `ValueError` for what is not such a text."""

    def __init__(self, find: Callable[[bytes], FoundNumbers[ValueT]]) -> None:
        self._find = find
        self._value: Callable[[array[float]], ValueT]
        self._words: NumberWords | None = None

    def read(self, text: bytes) -> ValueT:
        """What it says; raises what `find` does."""
        numbers = None if self._words is None else self._words.read(text)
        return self._parse(text) if numbers is None else self._value(numbers)

    def forget(self) -> None:
        """Have the next text parsed anew, whatever it says."""
        self._words = None

    def _parse(self, text: bytes) -> ValueT:
        self._words = None
        found = self._find(text)
        self._words, self._value = number_words_type()(text, found.numbers, found.names), found.value
        numbers = self._words.read(text)
        assert numbers is not None, "a number was found that is none"  # noqa: S101
        return found.value(numbers)


class NumberWords(Protocol):
    """Takes numbers out of texts that are the same as `text` in all words but numbers; any blank ends a word.

    The arguments are those of `FoundNumbers`.
    """

    def __init__(self, text: bytes, numbers: Sequence[tuple[int, float]], names: Sequence[int]) -> None: ...

    def read(self, text: bytes) -> array[float] | None:
        """The numbers, divided; None where another word has changed, or a number is none any more."""


def number_words_type() -> type[NumberWords]:
    """The fastest that there is here."""
    return PythonWords if _speed.read_words is None else CompiledWords


class CompiledWords:
    """Hands the work to the compiled part."""

    def __init__(self, text: bytes, numbers: Sequence[tuple[int, float]], names: Sequence[int] = ()) -> None:
        words = text.split()
        same = _same_places(words, names)
        uses = array("q", [_OTHER]) * len(words)
        for place in same:
            uses[place] = _SAME
        for number, (place, _) in enumerate(numbers):
            uses[place] = number
        self._uses = uses
        self._names = b" ".join([words[place] for place in same])
        self._divisors = array("d", [divisor for _, divisor in numbers])

    def read(self, text: bytes) -> array[float] | None:
        """See `NumberWords`."""
        assert _speed.read_words is not None  # noqa: S101 - this class would not have been chosen
        numbers = self._divisors[:]
        return numbers if _speed.read_words(text, self._uses, self._names, numbers) else None


class PythonWords:
    """Compares and converts all at once."""

    def __init__(self, text: bytes, numbers: Sequence[tuple[int, float]], names: Sequence[int] = ()) -> None:
        words = text.split()
        same = _same_places(words, names)
        self._count = len(words)
        self._same = _getter(same)
        self._names = self._same(words)
        self._numbers = _getter(sorted(set(range(len(words))) - set(same)))
        self._wanted = _getter([place for place, _ in numbers])
        self._divisors = [divisor for _, divisor in numbers]

    def read(self, text: bytes) -> array[float] | None:
        """See `NumberWords`."""
        words = text.split()
        if len(words) != self._count or self._same(words) != self._names:
            return None
        digits = b"".join(self._numbers(words)).replace(b".", b"")
        if digits and not digits.isdigit():
            return None
        try:
            numbers = array("d", map(truediv, map(float, self._wanted(words)), self._divisors))
        except ValueError:
            return None
        return numbers if isfinite(sum(numbers)) or all(map(isfinite, numbers)) else None


def is_number(word: bytes) -> bool:
    """Whether a word is a number here: digits, perhaps with a point, and not too many of them."""
    return _NUMBER.fullmatch(word) is not None and float(word) < _LARGEST


def _same_places(words: Sequence[bytes], names: Iterable[int]) -> list[int]:
    return sorted({place for place, word in enumerate(words) if not is_number(word)} | set(names))


def _getter(places: Iterable[int]) -> Callable[[Sequence[bytes]], tuple[bytes, ...]]:
    """Takes the words at these places, always as a tuple."""
    places = list(places)
    if len(places) > 1:
        return itemgetter(*places)
    return lambda words: tuple([words[place] for place in places])
