"""Regular expressions whose matching time is bounded, whatever the pattern: anchored, without captures.

Python's `re` backtracks. For a pattern such as `(a+)+b` it tries exponentially many ways to match, and holds the
interpreter lock meanwhile. So `re` only matches patterns for which there are few ways; any other runs on a
finite automaton, whose time is proportional to the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from re import _constants as op  # type: ignore[attr-defined]  # the parse tree has no public name
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

MAX_WAYS = 10_000  # ways to match that `re` may try
LONG_TEXT = 1000.0  # characters that one unbounded repetition is taken to match
MAX_STATES = 5000
MAX_CACHED_STEPS = 10_000

Matches = Callable[[str], object]
_Test = Callable[[str], bool]
_States = frozenset[int]


def compile_bounded(pattern: str) -> Matches:
    """A function that says whether the whole of a text matches; the result is true or false by its truth value.

    Raises `ValueError` for what is not a regular expression in Python's dialect, and for one that needs both
    backtracking (lookaround, backreferences, atomic groups) and exponential time.
    """
    try:
        compiled, tree = re.compile(pattern), parser.parse(pattern)
        if _ways(tree) <= MAX_WAYS:
            return compiled.fullmatch
        return _Automaton(tree).matches
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    except (RecursionError, OverflowError):
        raise ValueError("not a regular expression: nested too deeply") from None


def _ways(tree: Iterable[Any]) -> float:
    """An upper bound on the ways in which `re` may try to match a text of `LONG_TEXT` characters."""
    ways = 1.0
    for kind, argument in tree:
        if kind is op.BRANCH:
            ways *= sum(map(_ways, argument[1]))
        elif kind in {op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT}:
            ways *= _ways_to_repeat(*argument)
        elif kind in {op.SUBPATTERN, op.ASSERT, op.ASSERT_NOT}:
            ways *= _ways(argument[-1])
        elif kind is op.ATOMIC_GROUP:
            ways *= _ways(argument)
        elif kind is op.GROUPREF_EXISTS:
            ways *= _ways(argument[1]) + _ways(argument[2] or ())
    return min(ways, 1e300)


def _ways_to_repeat(least: int, most: int, tree: Any) -> float:
    ways, span = _ways(tree), LONG_TEXT if most is op.MAXREPEAT else float(most - least)
    if ways == 1:
        return span + 1
    return (span + 1) * ways if most <= 1 else float("inf")


class _Automaton:
    """A non-deterministic automaton; sets of states that occurred are remembered, up to a limit."""

    def __init__(self, tree: Any) -> None:
        self._tests: dict[int, _Test] = {}
        self._next: dict[int, tuple[int, ...]] = {}
        self._begins: set[int] = set()
        self._ends: set[int] = set()
        self._line_ends: set[int] = set()
        self._accept = self._new_state()
        start = self._add_sequence(tree, self._accept, tree.state.flags)
        self._steps: dict[tuple[_States, str], _States] = {}
        self._start = self._reach({start}, at_start=True)

    def matches(self, text: str) -> bool:
        """Whether the whole text matches; takes time proportional to its length."""
        states, last = self._start, len(text) - 1
        for place, letter in enumerate(text):
            if place == last and letter == "\n":
                states = self._reach(states, at_start=not place, at_line_end=True)
            states = self._step(states, letter)
            if not states:
                return False
        return self._accept in self._reach(states, at_start=not text, at_line_end=True, at_end=True)

    def _step(self, states: _States, letter: str) -> _States:
        key = states, letter
        if (known := self._steps.get(key)) is not None:
            return known
        if len(self._steps) >= MAX_CACHED_STEPS:
            self._steps.clear()
        passed = [state for state in states if state in self._tests and self._tests[state](letter)]
        reached = self._steps[key] = self._reach({self._next[state][0] for state in passed})
        return reached

    def _reach(
        self, states: Iterable[int], *, at_start: bool = False, at_line_end: bool = False, at_end: bool = False
    ) -> _States:
        """These states, and all that follow without another character."""
        closed = set[int]().union(
            *(
                anchors
                for anchors, is_met in ((self._begins, at_start), (self._line_ends, at_line_end), (self._ends, at_end))
                if not is_met
            )
        )
        waiting, reached = list(states), set[int]()
        while waiting:
            state = waiting.pop()
            if state in reached:
                continue
            reached.add(state)
            if state not in closed and state not in self._tests:
                waiting.extend(self._next[state])
        return frozenset(reached)

    def _new_state(self, *following: int) -> int:
        state = len(self._next)
        if state >= MAX_STATES:
            raise ValueError("the regular expression is too large; repeat less")
        self._next[state] = following
        return state

    def _add_sequence(self, tree: Any, then: int, flags: int) -> int:
        """Add states for what is parsed, from its end to its start; returns the first of them."""
        for kind, argument in reversed(list(tree)):
            then = self._add_node(kind, argument, then, flags)
        return then

    def _add_node(self, kind: Any, argument: Any, then: int, flags: int) -> int:
        if kind is op.SUBPATTERN:
            _, added, removed, inner = argument
            return self._add_sequence(inner, then, (flags | added) & ~removed)
        if kind is op.BRANCH:
            return self._new_state(*(self._add_sequence(each, then, flags) for each in argument[1]))
        if kind in {op.MAX_REPEAT, op.MIN_REPEAT}:
            return self._add_repeat(argument, then, flags)
        if kind is op.AT and not flags & re.MULTILINE:
            return self._add_anchor(argument, then)
        state = self._new_state(then)
        self._tests[state] = _test_of(kind, argument, flags)
        return state

    def _add_repeat(self, repeat: tuple[Any, Any, Any], then: int, flags: int) -> int:
        least, most, tree = repeat
        if most is op.MAXREPEAT:
            loop = self._new_state()
            self._next[loop] = (then, self._add_sequence(tree, loop, flags))
            then = loop
        else:
            after = then
            for _ in range(most - least):
                then = self._new_state(after, self._add_sequence(tree, then, flags))
        for _ in range(least):
            then = self._add_sequence(tree, then, flags)
        return then

    def _add_anchor(self, where: Any, then: int) -> int:
        state = self._new_state(then)
        if where in {op.AT_BEGINNING, op.AT_BEGINNING_STRING}:
            self._begins.add(state)
        elif where is op.AT_END:
            self._line_ends.add(state)
        elif where is op.AT_END_STRING:
            self._ends.add(state)
        else:
            raise _unbounded("a word boundary")
        return state


def _test_of(kind: Any, argument: Any, flags: int) -> _Test:
    """What one character must satisfy."""
    if kind is op.ANY:
        return lambda letter: letter != "\n" or bool(flags & re.DOTALL)
    if kind is op.LITERAL:
        found = _one_of([(kind, argument)], flags)
    elif kind is op.NOT_LITERAL:
        found = _one_of([(op.NEGATE, None), (op.LITERAL, argument)], flags)
    elif kind is op.IN:
        found = _one_of(argument, flags)
    else:
        raise _unbounded("a lookaround, a backreference or an atomic group")
    return found


def _one_of(members: Iterable[tuple[Any, Any]], flags: int) -> _Test:
    """Whether a character is in a set such as `[^a-z_\\d]`; Python's own compiler tests it."""
    source = "".join(_member_source(kind, argument) for kind, argument in members)
    pattern = re.compile(f"[{source}]", flags & (re.IGNORECASE | re.ASCII))
    return lambda letter: pattern.match(letter) is not None


_CATEGORIES = {
    op.CATEGORY_DIGIT: r"\d",
    op.CATEGORY_NOT_DIGIT: r"\D",
    op.CATEGORY_SPACE: r"\s",
    op.CATEGORY_NOT_SPACE: r"\S",
    op.CATEGORY_WORD: r"\w",
    op.CATEGORY_NOT_WORD: r"\W",
}


def _member_source(kind: Any, argument: Any) -> str:
    if kind is op.NEGATE:
        return "^"
    if kind is op.RANGE:
        return "-".join(f"\\U{code:08x}" for code in argument)
    return _CATEGORIES[argument] if kind is op.CATEGORY else f"\\U{argument:08x}"


def _unbounded(what: str) -> ValueError:
    return ValueError(f"it has {what} beside repetitions that could take exponential time; write it without")
