"""The nearest valid word for a misspelt one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

from pydantic import BaseModel


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean 'interval'?`, or nothing where no known word is near."""
    import difflib  # noqa: PLC0415 - only for what is wrong

    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else ""


def nearest_key(model: type[BaseModel], path: tuple[str | int, ...]) -> str:
    """What to write instead of the unknown key at the end of `path` below `model`."""
    known = {key for each in _models_at(model, path[:-1]) for key in each.model_fields}
    return did_you_mean(str(path[-1]), known) or f"known keys: {', '.join(sorted(known)) or 'none'}"


def _models_at(model: type[BaseModel], path: tuple[str | int, ...]) -> list[type[BaseModel]]:
    """The models that may stand at `path`: list indexes and keys of mappings lead to what they hold."""
    models = [model]
    for step in path:
        fields = [each.model_fields[step] for each in models if step in each.model_fields]
        if fields:
            models = [inner for field in fields for inner in _models_in(field.annotation)]
    return models


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]
