"""The OpenAPI document that API Gateway is built from: the route table in API Gateway's dialect."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from aws_cdk import Aws

from infra import names
from infra.customer import Customer
from infra.gateway_responses import GATEWAY_RESPONSES
from infra.schemas import Schemas
from smyth.platform.routes import FUNCTIONS, ROUTES, Route

#: Bodies that are not text reach the functions as base64, and leave them so.
BINARY_MEDIA_TYPES = ("multipart/form-data", "application/octet-stream", "application/pdf")
_BUFFERED_TIMEOUT_MS = 29_000
_TIMEOUTS_MS = {function.name: function.timeout_s * 1000 for function in FUNCTIONS}


def api_document(customer: Customer, *, arn: Callable[[str], str], role_arn: str) -> dict[str, Any]:
    """The document for ``customer``; ``arn`` names a function, ``role_arn`` who may call it."""
    schemas = Schemas.published()
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        streamed = route.stream and customer.streaming == "adapter"
        uri = _stream_uri(arn(route.function)) if streamed else _uri(arn(route.function))
        paths.setdefault(route.path, {})[route.method.lower()] = {
            **schemas.operation(route.method, route.path),
            **_operation(route, uri=uri, role_arn=role_arn, streamed=streamed),
        }
    document: dict[str, Any] = {
        "openapi": "3.0.1",
        "info": {"title": names.stack(customer.name), "version": "1"},
        "paths": paths,
        "components": {
            "schemas": schemas.models,
            "securitySchemes": _security_schemes(_uri(arn("authorizer")), role_arn),
        },
        "x-amazon-apigateway-api-key-source": customer.api_key_source,
        "x-amazon-apigateway-binary-media-types": list(BINARY_MEDIA_TYPES),
    }
    if customer.gateway_responses == "document":
        document["x-amazon-apigateway-gateway-responses"] = _gateway_responses()
    return document


def _operation(route: Route, *, uri: str, role_arn: str, streamed: bool) -> dict[str, Any]:
    integration: dict[str, Any] = {
        "type": "aws_proxy",
        "httpMethod": "POST",
        "uri": uri,
        "credentials": role_arn,
        "passthroughBehavior": "when_no_match",
        "timeoutInMillis": _TIMEOUTS_MS[route.function] if streamed else _BUFFERED_TIMEOUT_MS,
    }
    if streamed:
        integration["responseTransferMode"] = "STREAM"
    operation: dict[str, Any] = {
        "security": _security(route),
        "x-amazon-apigateway-integration": integration,
    }
    parameters = re.findall(r"\{(\w+)\}", route.path)
    if parameters:
        operation["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in parameters
        ]
    return operation


def _security(route: Route) -> list[dict[str, list[str]]]:
    if route.auth == "public":
        return []
    both: dict[str, list[str]] = {"authorizer": []}
    if route.billable:
        both["api_key"] = []
    return [both]


def _security_schemes(authorizer_uri: str, role_arn: str) -> dict[str, Any]:
    return {
        "api_key": {"type": "apiKey", "name": "x-api-key", "in": "header"},
        # No identity source and no cache: a revoked key is refused at once, and two headers may carry the key.
        "authorizer": {
            "type": "apiKey",
            "name": "Unused",
            "in": "header",
            "x-amazon-apigateway-authtype": "custom",
            "x-amazon-apigateway-authorizer": {
                "type": "request",
                "authorizerUri": authorizer_uri,
                "authorizerCredentials": role_arn,
                "authorizerResultTtlInSeconds": 0,
            },
        },
    }


def _gateway_responses() -> dict[str, Any]:
    said: dict[str, Any] = {}
    for kind, response in GATEWAY_RESPONSES.items():
        said[kind] = {"responseParameters": response.parameters(), "responseTemplates": response.templates()}
        if response.status:
            said[kind]["statusCode"] = str(response.status)
    return said


def _uri(function_arn: str) -> str:
    return f"{_gateway()}:lambda:path/2015-03-31/functions/{function_arn}/invocations"


def _stream_uri(function_arn: str) -> str:
    return f"{_gateway()}:lambda:path/2021-11-15/functions/{function_arn}/response-streaming-invocations"


def _gateway() -> str:
    return f"arn:{Aws.PARTITION}:apigateway:{Aws.REGION}"
