"""The published OpenAPI document's schemas in the older dialect that API Gateway reads.

API Gateway keeps the schemas as models, written in JSON Schema draft 4 with references to other models. They document
the API where it is exported; the functions alone validate, with the full schemas.
"""

from __future__ import annotations

import json
import re
from typing import Any

from infra.paths import OPENAPI

_KEPT = {
    "additionalProperties", "allOf", "anyOf", "description", "enum", "format", "items", "maxLength", "maximum",
    "minLength", "minimum", "oneOf", "properties", "required", "title", "type",
}  # fmt: skip
_JSON = "application/json"


class Schemas:
    """Bodies of operations by path and method, and the models that they refer to."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._paths: dict[str, Any] = document.get("paths", {})
        self._components: dict[str, Any] = document.get("components", {}).get("schemas", {})
        #: The models that the operations asked for so far refer to.
        self.models: dict[str, Any] = {}

    @classmethod
    def published(cls) -> Schemas:
        """The schemas of the committed document; none before it is first written."""
        return cls(json.loads(OPENAPI.read_text("utf-8")) if OPENAPI.is_file() else {})

    def operation(self, method: str, path: str) -> dict[str, Any]:
        """``requestBody`` and ``responses`` of one operation, as far as they are JSON."""
        said: dict[str, Any] = self._paths.get(path, {}).get(method.lower(), {})
        operation: dict[str, Any] = {"responses": {"default": {"description": "See /openapi.json"}}}
        request = _json_schema(said.get("requestBody", {}))
        if request is not None:
            operation["requestBody"] = {"content": {_JSON: {"schema": self._converted(request)}}}
        for status, response in said.get("responses", {}).items():
            schema = _json_schema(response)
            if schema is not None and status.isdigit() and int(status) < 300:
                content = {_JSON: {"schema": self._converted(schema)}}
                operation["responses"][status] = {"description": response["description"], "content": content}
        return operation

    def _converted(self, schema: Any) -> Any:
        if not isinstance(schema, dict):
            return {}
        if "$ref" in schema:
            return {"$ref": f"#/components/schemas/{self._model(schema['$ref'].rsplit('/', 1)[-1])}"}
        choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
        if len(choices) == 1:
            return self._converted(choices[0])
        converted: dict[str, Any] = {key: value for key, value in schema.items() if key in _KEPT}
        if choices:
            converted["anyOf"] = choices
        if "const" in schema:
            converted["enum"] = [schema["const"]]
        if isinstance(converted.get("type"), list):
            converted["type"] = next(name for name in converted["type"] if name != "null")
        for bound, limit in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
            if limit in schema:
                converted |= {bound: schema[limit], limit: True}
        return {key: self._part(key, value) for key, value in converted.items()}

    def _part(self, key: str, value: Any) -> Any:
        if key == "properties":
            return {name: self._converted(schema) for name, schema in value.items()}
        if key in {"anyOf", "allOf", "oneOf"}:
            return [self._converted(schema) for schema in value]
        if key == "items" or (key == "additionalProperties" and isinstance(value, dict)):
            return self._converted(value)
        return value

    def _model(self, name: str) -> str:
        """Convert a component once and return the name of its model, which API Gateway wants without signs."""
        model = re.sub(r"[^A-Za-z0-9]", "", name)
        if model not in self.models:
            self.models[model] = {}  # A schema may refer to itself.
            self.models[model] = self._converted(self._components[name])
        return model


def _json_schema(body: dict[str, Any]) -> Any:
    return body.get("content", {}).get(_JSON, {}).get("schema")
