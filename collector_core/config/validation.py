"""pydantic's errors → problems of a file, with line and the nearest key."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import partial
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from collector_core.config.suggest import nearest_key
from collector_core.config.yamlfile import Document, YamlPath
from collector_core.errors import Problem
from collector_core.options import FOLDER
from collector_core.plugins.attempts import Attempts, PluginFailed

log = logging.getLogger(__name__)

_MESSAGES = {
    "missing": "is missing",
    **dict.fromkeys(("dict_type", "mapping_type", "model_type"), "must be a section of keys: `key: value`"),
    **dict.fromkeys(("list_type", "tuple_type", "set_type"), "must be a list: [a, b]"),
}

ModelT = TypeVar("ModelT", bound=BaseModel)


def validate_model(
    model: type[ModelT], data: Any, document: Document, path: YamlPath
) -> tuple[ModelT | None, list[Problem]]:
    """What stands at `path` of a document as a model, or None and everything that is wrong with it."""
    try:
        return model.model_validate(data, context={FOLDER: document.file.parent}), []
    except ValidationError as error:
        return None, list(_problems(model, error, document, path))


def validate_options(
    who: str, model: type[ModelT], raw: Any, document: Document, path: YamlPath, attempts: Attempts
) -> tuple[ModelT | None, list[Problem]]:
    """The options of a plugin, as `validate_model`, which runs the plugin's code.

    Raises `PluginFailed` where that raises something else than what is wrong, `StillBusy` where it hangs.
    """
    work = partial(validate_model, model, raw, document, path)
    try:
        return attempts.make(f"{who}: its options", (model, raw), model.__module__, work)
    except PluginFailed as failed:
        log.error("%s: its options cannot be validated: %s", who, failed)  # noqa: TRY400 - one line
        raise


def in_words(error: ErrorDetails) -> str:
    """What pydantic says of a value, for people who write YAML."""
    text = error["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    return _MESSAGES.get(error["type"], text)


def _problems(model: type[BaseModel], error: ValidationError, document: Document, path: YamlPath) -> Iterable[Problem]:
    for item in error.errors(include_url=False, include_input=False):
        inner = tuple(step for step in item["loc"] if step != "[key]")
        is_unknown = item["type"] == "extra_forbidden"
        message = f"unknown key; {nearest_key(model, inner)}" if is_unknown else in_words(item)
        yield document.problem((*path, *inner), message)
