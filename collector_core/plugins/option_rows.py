"""The options of a plugin, those of nested sections too, as rows of a table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence, Set
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined, to_jsonable_python

Sections = tuple[type[BaseModel], ...]


class OptionRow(NamedTuple):
    """One option: its `key` (`hosts[].port`, `channels.NAME.url`), its default as JSON or `required`, what it does."""

    key: str
    default: str
    description: str


def option_rows(section: type[BaseModel]) -> Iterator[OptionRow]:
    """The options of `section` in the order of their declaration, each followed by those nested in it.

    A kind of section that several options take is written out once, below the first of them.
    """
    return _rows(section, "", set())


def _rows(section: type[BaseModel], path: str, shown: set[type[BaseModel]]) -> Iterator[OptionRow]:
    for name, field in section.model_fields.items():
        yield OptionRow(f"{path}{name}", _default(field), field.description or "")
        for suffix, nested in _nested(field.annotation):
            new = tuple(kind for kind in nested if kind not in shown)
            shown.update(new)
            yield from _rows_of_any(new, f"{path}{name}{suffix}.", shown)


def _nested(annotation: Any) -> Iterator[tuple[str, Sections]]:
    """The kinds of section that `annotation` allows, and what leads to them: nothing, `[]` or `.NAME`."""
    sections = tuple(
        part for part in _alternatives(annotation) if isinstance(part, type) and issubclass(part, BaseModel)
    )
    if sections:
        yield "", sections
    for part in _alternatives(annotation):
        origin, arguments = get_origin(part), get_args(part)
        if isinstance(origin, type) and arguments:
            step = ".NAME" if issubclass(origin, Mapping) else "[]" if issubclass(origin, Sequence | Set) else ""
            yield from (
                (step + suffix, nested)
                for suffix, nested in _nested(arguments[-1] if step == ".NAME" else arguments[0])
            )


def _alternatives(annotation: Any) -> Iterator[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _alternatives(get_args(annotation)[0])
    elif origin in {Union, UnionType}:
        for part in get_args(annotation):
            yield from _alternatives(part)
    else:
        yield annotation


def _rows_of_any(sections: Sections, path: str, shown: set[type[BaseModel]]) -> Iterator[OptionRow]:
    """The rows of several kinds of section: what they share once, the rest behind the kinds that have it."""
    kinds: dict[OptionRow, list[str]] = {}
    for section in sections:
        for row in _rows(section, path, shown):
            kinds.setdefault(row, []).append(f"`{_kind(section)}`")
    for row, having in kinds.items():
        of_all = len(having) == len(sections)
        yield row if of_all else row._replace(description=f"{', '.join(having)}: {row.description}")


def _kind(section: type[BaseModel]) -> str:
    """The word by which people choose this kind of section: the only value of its first literal field."""
    words = (get_args(field.annotation) for field in section.model_fields.values() if _is_literal(field))
    return next((str(values[0]) for values in words if len(values) == 1), section.__name__)


def _is_literal(field: FieldInfo) -> bool:
    return get_origin(field.annotation) is Literal


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    return "required" if value is PydanticUndefined else f"`{json.dumps(to_jsonable_python(value))}`"
