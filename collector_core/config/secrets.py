"""`{$env: NAME}` and `{$file: path}` → their values; these, and secrets written as they are, are left out of logs."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from collector_core.config.redactor import redact
from collector_core.config.yamlfile import Document, YamlPath
from collector_core.errors import Problem

log = logging.getLogger(__name__)

MAX_BYTES = 64 * 1024
SHORTEST = 5  # letters of what is written as it is: fewer are part of other words, such as a tenant called `home`


@dataclass
class Resolved:
    """A document's data with its secrets filled in."""

    data: Any = None
    values: frozenset[str] = frozenset()
    problems: list[Problem] = field(default_factory=list)

    def redact(self, problem: Problem) -> Problem:
        """A problem whose message repeats no secret."""
        return problem._replace(message=redact(problem.message, self.values))


def resolve(document: Document) -> Resolved:
    """Fill in every secret of a document; what is missing becomes a problem at its line."""
    resolver = _Resolver(document)
    data = resolver.walk(document.data, ())
    return Resolved(data, frozenset(resolver.values), resolver.problems)


def secrets_of(options: object) -> Iterator[str]:
    """What is set as a secret in validated options, at any depth; defaults are none, and nor is what is very short."""
    if isinstance(options, SecretStr):
        text = options.get_secret_value()
        yield from [text] if len(text) >= SHORTEST else []
    elif isinstance(options, BaseModel):
        for name in options.model_fields_set:
            yield from secrets_of(getattr(options, name))
    elif isinstance(options, Mapping | list | tuple):
        for each in options.values() if isinstance(options, Mapping) else options:
            yield from secrets_of(each)


class _Resolver:
    def __init__(self, document: Document) -> None:
        self.values: set[str] = set()
        self.problems: list[Problem] = []
        self._document = document

    def walk(self, value: Any, path: YamlPath) -> Any:
        if isinstance(value, dict):
            if len(value) == 1 and next(iter(value)) in ("$env", "$file"):
                return self._secret(*next(iter(value.items())), path)
            return {key: self.walk(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.walk(item, (*path, index)) for index, item in enumerate(value)]
        return value

    def _secret(self, kind: str, where: Any, path: YamlPath) -> str:
        try:
            secret = self._from_env(str(where)) if kind == "$env" else self._from_file(str(where))
        except (OSError, ValueError) as error:
            message = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            self.problems.append(self._document.problem((*path, kind), f"{where}: {message}"))
            return ""
        self.values.add(secret)
        return secret

    def _from_env(self, name: str) -> str:
        secret = os.environ.get(name)
        if not secret:
            raise ValueError("this environment variable is not set")
        return secret

    def _from_file(self, name: str) -> str:
        path = self._document.file.parent / Path(name).expanduser()
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
            if stat.S_IMODE(os.fstat(stream.fileno()).st_mode) & stat.S_IROTH:
                log.warning("secret file %s is readable by everyone: chmod 600 %s", path, path)
        secret = raw.decode().strip()
        if not secret or len(raw) > MAX_BYTES:
            raise ValueError("the file is empty" if not secret else f"the file is larger than {MAX_BYTES} bytes")
        return secret
