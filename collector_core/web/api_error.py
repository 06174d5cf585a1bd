"""How an HTTP route refuses a request, and how it reads the query string: the same for us and for plugins."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

BAD_REQUEST = 400


class ApiError(Exception):
    """Raise it in the handler of a route to refuse a request.

    The client gets the HTTP status and a JSON object: `error`, what is wrong; `field`, the parameter or key that is
    wrong, where it is one; `fix`, what helps, where something does; and `details`. `headers` go with the response.
    """

    def __init__(
        self,
        status: int,
        error: str,
        *,
        field: str = "",
        fix: str = "",
        headers: Mapping[str, str] = MappingProxyType({}),
        **details: Any,
    ) -> None:
        super().__init__(error)
        self.status = status
        self.headers = headers
        self.body: dict[str, Any] = {"error": error}
        self.body |= {key: text for key, text in (("field", field), ("fix", fix)) if text}
        self.body |= details


class Query(BaseModel):
    """The query string of a route: subclass it, one field per parameter, each with a default or required.

    A parameter whose name is a word of Python (`from`) is a field with an `alias`.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True, allow_inf_nan=False)

    @classmethod
    def parse(cls, parameters: Mapping[str, str]) -> Self:
        """Read `request.query`; raises `ApiError` (400) for one that is unknown, given twice or not valid."""
        names = [name for name, _ in parameters.items()]  # that of a multidict repeats those that were given twice
        known = [field.alias or name for name, field in cls.model_fields.items()]
        for name in names:
            if name not in known:
                raise ApiError(BAD_REQUEST, f"unknown parameter; there are {', '.join(known)}", field=name)
            if names.count(name) > 1:
                raise ApiError(BAD_REQUEST, "given twice", field=name)
        try:
            return cls.model_validate(dict(parameters))
        except ValidationError as error:
            field, message = validation_problems(error)[0]
            raise ApiError(BAD_REQUEST, message, field=field.partition(".")[0]) from None


def validation_problems(error: ValidationError) -> list[tuple[str, str]]:
    """What is wrong with a model's input: the path of each field (`layers.a`, or empty), and the reason."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return [(".".join(map(str, each["loc"])), each["msg"].removeprefix("Value error, ")) for each in found]
