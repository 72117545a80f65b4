"""An HTTP API with an OpenAPI document, and a plugin's manifest that names it."""

from __future__ import annotations

from typing import Any

from tests.peers.http_service import Asked, HttpService, Reply

SPEC: dict[str, Any] = {
    "openapi": "3.0.1",
    "info": {"title": "Pet Shop", "version": "1"},
    "servers": [{"url": "/v2"}],
    "paths": {
        "/pets/{petId}": {
            "parameters": [{"name": "petId", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {
                "operationId": "getPet",
                "description": "Get a pet.",
                "parameters": [
                    {"name": "tags", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
                    {"name": "X-Trace", "in": "header", "description": "For logs.", "schema": {"type": "string"}},
                ],
            },
        },
        "/pets": {
            "post": {
                "operationId": "add pet!",
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}},
                },
            },
            "put": {
                "requestBody": {"content": {"application/json": {"schema": {"type": "array", "items": {}}}}},
            },
        },
        "/photo": {"post": {"operationId": "photo", "requestBody": {"content": {"image/png": {}}}}},
    },
    "components": {
        "schemas": {
            "Pet": {
                "type": "object",
                "required": ["name"],
                "properties": {"name": {"type": "string"}, "parent": {"$ref": "#/components/schemas/Pet"}},
            }
        }
    },
}


class PetShop(HttpService):
    """Repeats what it was asked under ``/v2``."""

    def answer(self, asked: Asked) -> Reply:
        """See :meth:`HttpService.answer`."""
        if asked.path == "/openapi.json":
            return Reply(SPEC)
        if asked.path == "/.well-known/ai-plugin.json":
            return Reply({"schema_version": "v1", "api": {"type": "openapi", "url": "/openapi.json"}})
        if asked.path == "/page":
            return Reply(b"<html>", content_type="text/html")
        if asked.path == "/swagger.json":
            return Reply({"swagger": "2.0", "paths": {}})
        if asked.path == "/v2/pets/none":
            return Reply({"message": "no such pet"}, 404)
        if asked.path.startswith("/v2/"):
            return Reply({"method": asked.method, "path": asked.path, "query": dict(asked.query)})
        return Reply({"message": "nothing here"}, 404)
