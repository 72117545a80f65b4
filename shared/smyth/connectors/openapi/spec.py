"""Read an OpenAPI 3 document: its operations with their parameters and bodies, and its server."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

JSON_TYPE = "application/json"
_METHODS = ("get", "post", "put", "patch", "delete")
_REFERENCES_AT_MOST = 20
_DEEPEST_SCHEMA = 8
#: Parameters that OpenAPI says to ignore: they are the client's own business.
_NOT_PARAMETERS = {"accept", "content-type", "authorization"}

Object = Mapping[str, Any]


class SpecError(Exception):
    """The document cannot be used; the text says why and what to do."""


class Operation:
    """One method on one path of the API."""

    def __init__(self, spec: Object, path: str, method: str, item: Object) -> None:
        self.spec, self.path, self.method = spec, path, method.upper()
        self._raw, self._shared = as_object(item[method]), as_list(item.get("parameters"))
        named = self._raw.get("operationId")
        self.id = named if isinstance(named, str) else f"{method}_{path}"

    @property
    def description(self) -> str:
        """What the operation does, in the document's words."""
        return str(self._raw.get("description") or self._raw.get("summary") or f"{self.method} {self.path}")

    def parameters(self) -> Iterator[tuple[str, str, Object]]:
        """Yield place, name and description of each parameter; an operation's own replaces its path's.

        Raises:
            SpecError: A reference cannot be followed.
        """
        given = [resolved(self.spec, one) for one in [*self._shared, *as_list(self._raw.get("parameters"))]]
        for (place, name), described in {(str(one.get("in")), str(one.get("name"))): one for one in given}.items():
            if place in ("path", "query") or (place == "header" and name.lower() not in _NOT_PARAMETERS):
                yield place, name, described

    def body(self) -> tuple[Object, Object]:
        """Return the request body's description and its schema as JSON; both are empty where it takes none.

        Raises:
            SpecError: It takes a body, but none in JSON.
        """
        body = resolved(self.spec, self._raw.get("requestBody"))
        if not body:
            return {}, {}
        content = as_object(body.get("content"))
        if JSON_TYPE not in content:
            raise SpecError(
                f'The operation "{self.id}" takes no JSON body. Leave it out: name the others in "operations".'
            )
        return body, resolved(self.spec, as_object(content[JSON_TYPE]).get("schema"))


def read(content: bytes) -> dict[str, Any] | None:
    """Return the JSON object that ``content`` holds, or None."""
    try:
        spec = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return spec if isinstance(spec, dict) else None


def operations(spec: Object) -> list[Operation]:
    """Return the operations in the document's order.

    Raises:
        SpecError: It is no OpenAPI 3 document.
    """
    if not str(spec.get("openapi", "")).startswith("3") or not isinstance(spec.get("paths"), dict):
        raise SpecError(
            'The source is no OpenAPI 3 document: it needs "openapi": "3..." and "paths". Convert older ones.'
        )
    return [
        Operation(spec, str(path), method, as_object(raw))
        for path, raw in spec["paths"].items()
        for method in _METHODS
        if method in as_object(raw)
    ]


def base_url(spec: Object, fetched_from: str | None) -> str:
    """Return the address of the API's first server, with the defaults of its variables.

    Raises:
        SpecError: It names none.
    """
    servers = as_list(spec.get("servers"))
    server = as_object(servers[0]) if servers else {}
    url = str(server.get("url") or "/")
    for name, variable in as_object(server.get("variables")).items():
        url = url.replace(f"{{{name}}}", str(as_object(variable).get("default", "")))
    url = urljoin(fetched_from, url) if fetched_from else url
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
        raise SpecError('The OpenAPI document names no server. Give it "servers": [{"url": "https://..."}].')
    return url.rstrip("/")


def resolved(spec: Object, node: Any) -> Object:
    """Follow references inside the document.

    Raises:
        SpecError: A reference leads out of the document, to nothing, or in a circle.
    """
    for _ in range(_REFERENCES_AT_MOST):
        reference = as_object(node).get("$ref")
        if reference is None:
            return as_object(node)
        parts = str(reference).split("/")
        if parts[0] != "#":
            raise SpecError(f'The reference "{reference}" leads out of the document. Send it in one piece.')
        node = spec
        for part in parts[1:]:
            node = as_object(node).get(part.replace("~1", "/").replace("~0", "~"))
        if node is None:
            raise SpecError(f'The reference "{reference}" leads to nothing. Mend the OpenAPI document.')
    raise SpecError("References of the OpenAPI document lead in a circle. Mend it.")


def inlined(spec: Object, schema: Any, depth: int = 0) -> Any:
    """Return a schema without references, for a model that does not see the document; what is too deep is left open.

    Raises:
        SpecError: A reference cannot be followed.
    """
    if isinstance(schema, list):
        return [inlined(spec, one, depth) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if depth > _DEEPEST_SCHEMA:
        return {}
    return {name: inlined(spec, value, depth + 1) for name, value in resolved(spec, schema).items()}


def as_object(value: Any) -> Object:
    """Return ``value`` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """Return ``value`` if it is a list, else an empty one."""
    return value if isinstance(value, list) else []
