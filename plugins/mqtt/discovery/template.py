"""Home Assistant's value templates that pick a number: a small part of Jinja, read here and never executed."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from collector_core.devices import number

MOST_CHARACTERS = 500
DEEPEST = 10  # parentheses and signs within each other

_WHOLE = re.compile(r"\{\{-?(.*?)-?\}\}", re.DOTALL)
_TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d*)?|\.\d+)|([A-Za-z_]\w*)|'([^'\\]*)'|\"([^\"\\]*)\"|([-+*/|.,()\[\]]))")
_OPERATIONS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "multiply": operator.mul}
# Filters that leave a number what it is. A default is what somebody assumed, so it is left out.
_UNCHANGED = frozenset({"float", "int", "round", "default", "d", "is_defined", "trim", "string"})


class Missing(Exception):
    """The message does not hold what the template asks for."""


@dataclass(frozen=True)
class _Said:
    """A message: its text, and the document that it is."""

    text: str
    document: Any


_Expression = Callable[[_Said], Any]


@dataclass(frozen=True)
class Template:
    """What a sensor's value is; `path` begins with the key under which it stands in the message, if it has one."""

    _value: _Expression
    path: Sequence[str | int] = ()

    def value(self, text: str, document: Any) -> Any:
        """What a message says; None where it cannot be computed. Raises `Missing`."""
        try:
            return self._value(_Said(text, document))
        except (ArithmeticError, TypeError, ValueError):
            return None


PLAIN = Template(lambda said: said.text)


def parse_template(text: str) -> Template:
    """A template such as `{{ value_json.power | float / 1000 }}`; raises `ValueError` for what is more than that."""
    whole = _WHOLE.fullmatch(text.strip())
    if whole is None or len(text) > MOST_CHARACTERS:
        raise ValueError("it is more than one expression")
    parser = _Parser(_tokens(whole[1]))
    return Template(parser.read_all(), tuple(parser.path))


def _tokens(text: str) -> list[tuple[str, str]]:
    found, place = [], 0
    text = text.rstrip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise ValueError(f"it has {text[place:].strip()[:10]!r}")
        kinds = ("number", "name", "text", "text", "sign")
        found.append(next((kind, said) for kind, said in zip(kinds, match.groups(), strict=True) if said is not None))
        place = match.end()
    return found


class _Parser:
    """Reads tokens into functions; filters bind more tightly than operators, as in Jinja."""

    def __init__(self, tokens: Sequence[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._next = self._depth = 0
        self.path: list[str | int] = []

    def read_all(self) -> _Expression:
        value = self._sum()
        if self._next < len(self._tokens):
            raise ValueError(f"it has {self._tokens[self._next][1]!r}")
        return value

    def _sum(self) -> _Expression:
        return self._chain("+-", lambda: self._chain("*/", self._filtered))

    def _chain(self, signs: str, read: Callable[[], _Expression]) -> _Expression:
        value = read()
        while sign := self._take_sign(signs):
            value = _apply(_OPERATIONS[sign], value, read())
        return value

    def _filtered(self) -> _Expression:
        if self._take_sign("-"):
            return _apply(_OPERATIONS["*"], lambda _: -1.0, self._within(self._filtered))
        value = self._primary()
        while self._take_sign("|"):
            value = self._filter(self._take("name"), value)
        return value

    def _filter(self, name: str, value: _Expression) -> _Expression:
        arguments = self._arguments() if self._take_sign("(") else []
        if name == "abs" and not arguments:
            return lambda said: abs(_number(value(said)))
        if name == "multiply" and len(arguments) == 1:
            return _apply(_OPERATIONS[name], value, arguments[0])
        if name in _UNCHANGED:
            return value
        raise ValueError(f"it has the filter {name!r}")

    def _arguments(self) -> list[_Expression]:
        found: list[_Expression] = []
        while not self._take_sign(")"):
            if found:
                self._expect(",")
            if self._is_next(("name", "none"), ("name", "None"), ("name", "true"), ("name", "false")):
                self._next += 1
                found.append(lambda _: None)
            else:
                found.append(self._within(self._sum))
        return found

    def _primary(self) -> _Expression:
        if self._take_sign("("):
            value = self._within(self._sum)
            self._expect(")")
            return value
        kind, said = self._token()
        if kind == "number":
            constant = float(said)
            return lambda _: constant
        if kind == "text":
            return lambda _: said
        if said == "value":
            return lambda message: message.text
        if said == "value_json":
            return self._part()
        raise ValueError(f"it has {said!r}")

    def _part(self) -> _Expression:
        path: list[str | int] = []
        while sign := self._take_sign(".["):
            if sign == ".":
                path.append(self._take("name"))
                continue
            kind, said = self._token()
            if kind not in ("number", "text") or (kind == "number" and not said.isdecimal()):
                raise ValueError("it has an index that is no constant")
            path.append(said if kind == "text" else int(said))
            self._expect("]")
        self.path = self.path or path
        return lambda message: _at(message.document, path)

    def _within(self, read: Callable[[], _Expression]) -> _Expression:
        self._depth += 1
        if self._depth > DEEPEST:
            raise ValueError("it is nested too deeply")
        value = read()
        self._depth -= 1
        return value

    def _token(self) -> tuple[str, str]:
        if self._next == len(self._tokens):
            raise ValueError("it ends too early")
        self._next += 1
        return self._tokens[self._next - 1]

    def _take(self, kind: str) -> str:
        found, said = self._token()
        if found != kind:
            raise ValueError(f"it has {said!r}")
        return said

    def _take_sign(self, signs: str) -> str:
        if self._is_next(*(("sign", sign) for sign in signs)):
            return self._token()[1]
        return ""

    def _expect(self, sign: str) -> None:
        if not self._take_sign(sign):
            raise ValueError(f"it lacks {sign!r}")

    def _is_next(self, *tokens: tuple[str, str]) -> bool:
        return self._next < len(self._tokens) and self._tokens[self._next] in tokens


def _at(document: Any, path: Sequence[str | int]) -> Any:
    for key in path:
        is_item = isinstance(document, list) and isinstance(key, int) and key < len(document)
        if not is_item and not (isinstance(document, dict) and key in document):
            raise Missing
        document = document[key]
    return document


def _apply(operation: Callable[[float, float], float], left: _Expression, right: _Expression) -> _Expression:
    def value(said: _Said) -> float:
        result = operation(_number(left(said)), _number(right(said)))
        if not isfinite(result):
            raise ValueError("not finite")
        return result

    return value


def _number(value: Any) -> float:
    found = number(value)
    if found is None:
        raise ValueError("not a number")
    return found
