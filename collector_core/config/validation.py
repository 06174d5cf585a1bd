"""pydantic's errors → problems of a file, with line and the nearest key."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from collector_core.config.suggest import nearest_key
from collector_core.config.yamlfile import Document, YamlPath
from collector_core.errors import Problem
from collector_core.options import FOLDER

ModelT = TypeVar("ModelT", bound=BaseModel)


def validate_model(
    model: type[ModelT], data: Any, document: Document, path: YamlPath
) -> tuple[ModelT | None, list[Problem]]:
    """What stands at `path` of a document as a model, or None and everything that is wrong with it."""
    try:
        return model.model_validate(data, context={FOLDER: document.file.parent}), []
    except ValidationError as error:
        return None, list(_problems(model, error, document, path))


def _problems(model: type[BaseModel], error: ValidationError, document: Document, path: YamlPath) -> Iterable[Problem]:
    for item in error.errors(include_url=False, include_input=False):
        inner = tuple(step for step in item["loc"] if step != "[key]")
        if item["type"] == "extra_forbidden":
            message = f"unknown key; {nearest_key(model, inner)}"
        else:
            message = item["msg"].removeprefix("Value error, ")
        yield document.problem((*path, *inner), message)
