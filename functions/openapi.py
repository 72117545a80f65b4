"""Writes the API's OpenAPI 3.1 document from the route table and the functions' models.

``python -m functions.openapi docs/openapi.json``
"""

from __future__ import annotations

import importlib
import json
import re
import sys
import warnings
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from smyth import __version__
from smyth.platform.routes import ROUTES, Route

_DESCRIPTION = """\
The serverless home of AI agents: each agent is an HTTP API, a chat partner and a stream.

Send your key as `x-api-key` or as `Authorization: Bearer`. Errors are problem documents (RFC 9457) that say what \
happened and what to do. Money is in USD with six places, times are RFC 3339 in UTC."""

_SECURITY_SCHEMES = {
    "api_key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    "bearer": {"type": "http", "scheme": "bearer"},
}
_HEADERS = {
    "RequestId": ("The request's id; tell it when you ask about the request.", "01K9Z3V4T8Q6R2M5N7P0S1W9XA"),
    "RequestsRemaining": ('Requests left in this period, or "unlimited".', "997"),
    "UsageCost": ("What the request cost, in USD.", "0.000123"),
}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Of requests with the same key only the first is done; the others get its answer. Kept for a day.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}

_MAX_COST = {
    "name": "x-max-cost",
    "in": "header",
    "description": "What the request's models may cost at the most, in USD. It can lower what budgets allow.",
    "schema": {"type": "string", "pattern": r"^\d{1,9}(\.\d{1,6})?$", "examples": ["0.05"]},
}


class Fault(BaseModel):
    """A single fault of a request."""

    message: str
    code: str | None = None
    field: str | None = None


class ProblemDocument(BaseModel):
    """What went wrong and what to do (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: list[Fault] | None = None


class OpenAIError(BaseModel):
    """What went wrong and what to do, as OpenAI's clients read it."""

    message: str
    type: str
    param: str | None
    code: str | None


class OpenAIErrorDocument(BaseModel):
    """An error of the routes under /v1."""

    error: OpenAIError


def build() -> dict[str, Any]:
    """Return the document.

    Raises:
        ValueError: A route has no handler, a handler has a route that the table lacks, or two functions call
            different schemas by one name.
    """
    apps = {name: _app(name) for name in dict.fromkeys(route.function for route in ROUTES)}
    with warnings.catch_warnings():
        # FastAPI warns of one handler for two methods; the operations get ids of our own.
        warnings.filterwarnings("ignore", "Duplicate Operation ID")
        parts = {name: get_openapi(title=name, version="", routes=app.routes) for name, app in apps.items()}
    _check_routes(parts)
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        operation = parts[route.function]["paths"][route.path][route.method.lower()]
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, operation)
    schemas = _schemas(parts)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Smyth Serverless",
            "version": __version__,
            "description": _DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        # Relative to the document: behind API Gateway the stage's name stands before all paths.
        "servers": [{"url": "./"}],
        "security": [{name: []} for name in _SECURITY_SCHEMES],
        "tags": [{"name": tag} for tag in dict.fromkeys(_tag(route) for route in ROUTES)],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": _SECURITY_SCHEMES,
            "headers": {
                name: {"description": text, "schema": {"type": "string"}, "example": example}
                for name, (text, example) in _HEADERS.items()
            },
            "parameters": {"IdempotencyKey": _IDEMPOTENCY_KEY, "MaxCost": _MAX_COST},
            "responses": {
                "Problem": {
                    "description": "The request was not done.",
                    "headers": {"x-request-id": {"$ref": "#/components/headers/RequestId"}},
                    "content": {
                        "application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}
                    },
                },
                "OpenAIError": {
                    "description": "The request was not done.",
                    "headers": {"x-request-id": {"$ref": "#/components/headers/RequestId"}},
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/OpenAIErrorDocument"}}},
                },
            },
        },
    }


def main() -> None:
    """Write the document to the file that the command line names."""
    if len(sys.argv) != 2:
        sys.exit("Name the file to write: python -m functions.openapi docs/openapi.json")
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(render(build()), "utf-8")


def render(document: dict[str, Any]) -> str:
    """Return the document as it is committed."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _app(function: str) -> FastAPI:
    app = importlib.import_module(f"functions.{function}.handler").app
    assert isinstance(app, FastAPI)
    return app


def _check_routes(parts: dict[str, dict[str, Any]]) -> None:
    served = {
        (method.upper(), path, function)
        for function, part in parts.items()
        for path, operations in part["paths"].items()
        for method in operations
    }
    listed = {(route.method, route.path, route.function) for route in ROUTES}
    if served != listed:
        missing = ", ".join(" ".join(one) for one in sorted(listed - served)) or "none"
        unknown = ", ".join(" ".join(one) for one in sorted(served - listed)) or "none"
        raise ValueError(f"Handlers and route table differ. Not served: {missing}. Not in the table: {unknown}.")


def _operation(route: Route, made: dict[str, Any]) -> dict[str, Any]:
    """Return FastAPI's operation with what all operations of this API share."""
    responses = {status: said for status, said in made["responses"].items() if status != "422"}
    for status, said in responses.items():
        if status[0] in "23":
            said["headers"] = said.get("headers", {}) | _answer_headers(route)
    operation = made | {
        "operationId": _operation_id(route),
        "tags": [_tag(route)],
        "responses": responses | {"default": {"$ref": f"#/components/responses/{_failure(route)}"}},
    }
    about = _about(route)
    if about:
        operation["description"] = " ".join(filter(None, [made.get("description"), about]))
    headers = ["IdempotencyKey"] if route.method == "POST" and (route.billable or "201" in responses) else []
    calls_tools = route.method == "POST" and route.path.endswith("/mcp")
    headers += ["MaxCost"] if route.billable or calls_tools else []
    if headers:
        references = [{"$ref": f"#/components/parameters/{name}"} for name in headers]
        operation["parameters"] = [*made.get("parameters", []), *references]
    if route.auth == "public":
        operation["security"] = []
    return operation


def _operation_id(route: Route) -> str:
    return re.sub(r"\W+", "_", f"{route.method.lower()} {route.path.removeprefix('/api')}").strip("_")


def _tag(route: Route) -> str:
    first, *rest = route.path.strip("/").split("/")
    return rest[0] if first == "api" else "openai" if first == "v1" else "service"


def _failure(route: Route) -> str:
    return "OpenAIError" if route.path.startswith("/v1/") else "Problem"


def _about(route: Route) -> str:
    said = ["Billable."] if route.billable else []
    said += ["Needs the operator's key."] if route.auth == "operator" else []
    said += ["Needs the token of somebody who signed in, a key will not do."] if route.auth == "person" else []
    return " ".join(said)


def _answer_headers(route: Route) -> dict[str, Any]:
    names = {"x-request-id": "RequestId"}
    if route.billable:
        names |= {"x-usage-requests-remaining": "RequestsRemaining", "x-usage-cost": "UsageCost"}
    return {name: {"$ref": f"#/components/headers/{component}"} for name, component in names.items()}


def _schemas(parts: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the schemas of all functions; FastAPI's own error shapes give way to the problem document."""
    schemas: dict[str, Any] = {}
    for failure in (ProblemDocument, OpenAIErrorDocument):
        schema = failure.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= schema.pop("$defs") | {failure.__name__: schema}
    for function, part in parts.items():
        for name, schema in part.get("components", {}).get("schemas", {}).items():
            if name in {"HTTPValidationError", "ValidationError"}:
                continue
            if schemas.setdefault(name, schema) != schema:
                raise ValueError(f'{function} calls a schema "{name}", another function calls a different one so.')
    return dict(sorted(schemas.items()))


if __name__ == "__main__":
    main()
