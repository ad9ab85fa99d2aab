"""The OpenAPI 3.1 description of the API, made from the list of routes and their structs."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, Final

import msgspec

from shelfwise.serving.endpoint import Endpoint
from shelfwise.serving.errors import ErrorAnswer

_ID: Final = {
    "name": "id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "minLength": 1, "maxLength": 512},
}
_ERROR: Final = {
    "description": "What is wrong, and what to do about it",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorAnswer"}}},
}


def openapi(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """The description as plain JSON values."""
    structs: dict[type[msgspec.Struct], None] = {ErrorAnswer: None}
    for endpoint in endpoints:
        structs |= dict.fromkeys(endpoint.bodies)
        if endpoint.answer is not None:
            structs[endpoint.answer] = None
    _, schemas = msgspec.json.schema_components(structs, ref_template="#/components/schemas/{name}")
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Shelfwise",
            "version": version("shelfwise"),
            "description": "Recommendations that explain themselves.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    words = endpoint.path.replace("{id}", "one").strip("/").split("/")
    operation: dict[str, Any] = {
        "operationId": "_".join([endpoint.method.lower(), *words]),
        "summary": endpoint.summary,
        "responses": {str(endpoint.status): _success(endpoint), "default": _ERROR},
    }
    if "{id}" in endpoint.path:
        operation["parameters"] = [_ID]
    if endpoint.bodies:
        forms = [_ref(body) for body in endpoint.bodies]
        schema = forms[0] if len(forms) == 1 else {"anyOf": forms}
        content = {"application/json": {"schema": schema}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _success(endpoint: Endpoint) -> dict[str, Any]:
    schema = {} if endpoint.answer is None else _ref(endpoint.answer)
    return {
        "description": endpoint.summary,
        "content": {endpoint.media_type: {"schema": schema}},
    }


def _ref(struct: type[msgspec.Struct]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{struct.__name__}"}
