"""The OpenAPI 3.1 document, made from the models that requests and answers are checked with."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, TypeAdapter

from collector_core import Query
from collector_plugins.sites.answers import ForecastAnswer, ForecastMissing, IngestProblem, Problem
from collector_plugins.sites.body import MAX_READINGS, NDJSON
from collector_plugins.sites.endpoint import PREFIX, Endpoint
from collector_plugins.sites.reading import Reading

_REFERENCE = "#/components/schemas/{model}"
_REASONS = {
    400: "Something in the request is wrong",
    401: "A bearer token, or a password of the web server, is required, or it is wrong",
    403: "The caller may not do this",
    404: "There is no such site or entity",
    409: "It exists already, or what is needed for an answer is missing",
    413: "The request is too large",
    415: "The content type or encoding is not supported",
    429: "There are more requests than the web server's rate limit allows",
    503: "The readings cannot be kept or read now",
}
_ANYWHERE = (401, 403, 429, 503)


class _Schemas:
    """Schemas of models, each once."""

    def __init__(self) -> None:
        self.found: dict[str, Any] = {}

    def of(self, model: type[Any], mode: Any = "validation") -> dict[str, Any]:
        """A reference to a model's schema."""
        schema = TypeAdapter(model).json_schema(by_alias=True, ref_template=_REFERENCE, mode=mode)
        self.found |= schema.pop("$defs", {})
        self.found[model.__name__] = schema
        return {"$ref": _REFERENCE.format(model=model.__name__)}


def describe(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """The document."""
    schemas = _Schemas()
    paths: dict[str, Any] = {}
    for endpoint in endpoints:
        paths.setdefault(PREFIX + endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "energy-collector sites",
            "version": "1",
            "description": "Telemetry of sites in; energy, carbon, grid impact and forecasts out.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas.found,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(endpoint: Endpoint, schemas: _Schemas) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", f"{endpoint.method.lower()}{endpoint.path}").strip("_"),
        "summary": endpoint.summary,
        "parameters": [*_path_parameters(endpoint), *_query_parameters(endpoint.query)],
        "responses": _responses(endpoint, schemas),
    }
    if endpoint.body is not None:
        operation["requestBody"] = {"required": True, "content": _contents(endpoint, schemas)}
    if endpoint.writes:
        operation["security"] = [{"bearer": []}, {}]
    return operation


def _path_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", endpoint.path)
    ]


def _query_parameters(query: type[Query] | None) -> list[dict[str, Any]]:
    if query is None:
        return []
    schema = query.model_json_schema(by_alias=True)
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _parameter_schema(each)}
        for name, each in schema.get("properties", {}).items()
    ]


def _parameter_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Without null and defaults, which a query string cannot hold."""
    kept = {key: value for key, value in schema.items() if key not in ("default", "title", "anyOf")}
    choices = [each for each in schema.get("anyOf", []) if each != {"type": "null"}]
    return kept | (choices[0] if len(choices) == 1 else {"anyOf": choices} if choices else {})


def _contents(endpoint: Endpoint, schemas: _Schemas) -> dict[str, Any]:
    reference = schemas.of(endpoint.body)
    if NDJSON not in endpoint.body_types:
        return {kind: {"schema": reference} for kind in endpoint.body_types}
    batch = {
        "type": "object",
        "properties": {"readings": {"type": "array", "items": reference, "maxItems": MAX_READINGS}},
        "required": ["readings"],
        "additionalProperties": False,
    }
    return {"application/json": {"schema": batch}, NDJSON: {"schema": {"type": "string"}}}


def _responses(endpoint: Endpoint, schemas: _Schemas) -> dict[str, Any]:
    answer = schemas.of(endpoint.answer, "serialization")
    contents = {
        kind: {"schema": answer if kind == "application/json" else {"type": "string"}} for kind in endpoint.answer_types
    }
    responses: dict[str, Any] = {str(endpoint.status): {"description": endpoint.summary, "content": contents}}
    if endpoint.pending is not None:
        content = {"application/json": {"schema": schemas.of(endpoint.pending, "serialization")}}
        responses["202"] = {"description": "It takes longer", "content": content}
    refusals = {*endpoint.refusals, *_ANYWHERE}
    if endpoint.query is not None:
        refusals.add(400)
    for status in sorted(refusals):
        model = _problem(endpoint, status)
        content = {"application/json": {"schema": schemas.of(model)}}
        responses[str(status)] = {"description": _REASONS[status], "content": content}
    return responses


def _problem(endpoint: Endpoint, status: int) -> type[BaseModel]:
    if status == 400 and endpoint.body is Reading and NDJSON in endpoint.body_types:
        return IngestProblem
    return ForecastMissing if status == 409 and endpoint.answer is ForecastAnswer else Problem
