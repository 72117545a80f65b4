"""Synthesised templates for the tests of the stack, each made once in a process.

Whoever uses them is in the xdist group "infra", so that one process makes them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from infra import customer as customers
from infra.app import synthesise

#: Every block that a customer may add.
EVERYTHING: dict[str, Any] = {
    "data": {"keep": True},
    "customer_key": True,
    "domain": {
        "name": "agents.example.com",
        "certificate_arn": "arn:aws:acm:eu-central-1:111122223333:certificate/0a1b-2c3d",
        "hosted_zone_id": "Z0123",
    },
    "waf": {"requests_per_address": 100},
    "alarms": {"email": "operator@example.com", "budget_usd": 50},
    "xray": True,
    "bedrock": True,
    "tenant_isolation": True,
    "snap_start": True,
    "canary": "linear",
    "identity": {"callback_urls": ["https://agents.example.com/signed-in"], "machines": ["crm"]},
    "issuers": [{"issuer": "https://login.example.com", "audience": ["smyth"]}],
    "billing": {"stripe": True, "issuer": {"name": "Example Ltd", "tax_rate": 1900}},
    "alerts": {"from_email": "billing@example.com", "event_bus": "default"},
    "ip_requests_per_minute": 600,
    "vectors": {"kind": "opensearch", "wait_seconds": 8},
    "embedding_model": "openai/text-embedding-3-small",
}

#: The other place that a customer may choose for vectors.
VECTOR_BUCKET: dict[str, Any] = {"vectors": {"kind": "s3vectors"}}


@dataclass(frozen=True)
class Stack:
    """A synthesised stack."""

    customer: customers.Customer
    path: Path

    @cached_property
    def template(self) -> dict[str, Any]:
        return json.loads(self.path.read_text())

    @cached_property
    def resources(self) -> dict[str, Any]:
        return self.template["Resources"]

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """The properties of all resources of a type, by logical id."""
        return {id: found["Properties"] for id, found in self.resources.items() if found["Type"] == kind}

    def only(self, kind: str) -> dict[str, Any]:
        [properties] = self.of(kind).values()
        return properties

    @property
    def document(self) -> dict[str, Any]:
        """The OpenAPI document of the API."""
        return self.only("AWS::ApiGateway::RestApi")["Body"]

    def functions(self) -> dict[str, dict[str, Any]]:
        """The properties of all functions, by our names."""
        prefix = f"smyth-{self.customer.name}-"
        return {one["FunctionName"].removeprefix(prefix): one for one in self.of("AWS::Lambda::Function").values()}


def plain(value: Any) -> str:
    """A property as text, with references written as ``{name}``."""
    match value:
        case {"Fn::Join": [between, parts]}:
            return between.join(plain(part) for part in parts)
        case {"Fn::GetAtt": [name, attribute]}:
            return f"{{{name}.{attribute}}}"
        case {"Ref": name}:
            return f"{{{name}}}"
    return str(value)


@pytest.fixture(scope="session")
def synthesised(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Stack]:
    """Makes the stack of a customer, with changes to its settings."""

    def make(name: str, /, **changes: Any) -> Stack:
        settings = customers.load(name).model_dump() | changes
        customer = customers.Customer.model_validate(settings)
        return Stack(customer, synthesise(customer, tmp_path_factory.mktemp("cdk")))

    return make


@pytest.fixture(scope="session")
def demo(synthesised: Callable[..., Stack]) -> Stack:
    return synthesised("demo")


@pytest.fixture(scope="session")
def full(synthesised: Callable[..., Stack]) -> Stack:
    """Customer demo with everything that a customer may want."""
    return synthesised("demo", **EVERYTHING)


@pytest.fixture(scope="session")
def vector_bucket(synthesised: Callable[..., Stack]) -> Stack:
    """Everything, but with the vectors in S3 Vectors."""
    return synthesised("demo", **EVERYTHING | VECTOR_BUCKET)


@pytest.fixture(scope="session")
def laptop(synthesised: Callable[..., Stack]) -> Stack:
    return synthesised("laptop")
