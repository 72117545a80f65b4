"""Bad input over HTTP: refused with a problem that says what to do, and nothing is written."""

from __future__ import annotations

import copy
import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.laptop import EXAMPLES, Dev


@pytest.fixture(scope="module")
def tenant(dev: Dev) -> Iterator[httpx.Client]:
    """A tenant that has nothing and must have nothing after each test."""
    with dev.client(dev.tenant("pro")) as http:
        yield http


@pytest.fixture(autouse=True)
def _nothing_is_written(tenant: httpx.Client) -> Iterator[None]:
    yield
    assert tenant.get("/api/agents").json()["items"] == []
    assert tenant.get("/api/usage").json()["requests"]["used"] == 0


def _refused(answer: httpx.Response, *statuses: int) -> dict[str, Any]:
    assert answer.status_code in (statuses or range(400, 500)), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == answer.status_code
    assert len(problem["detail"]) > 20
    assert problem["request_id"]
    return problem


def _hash_api() -> dict[str, Any]:
    document: dict[str, Any] = json.loads((EXAMPLES / "hash-api.smyth").read_text())
    return document


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[]", b'"text"', b"null", b"12", b"{}"])
def test_what_is_no_agent_is_refused(tenant: httpx.Client, body: bytes) -> None:
    _refused(tenant.post("/api/agents/import", content=body, headers={"content-type": "application/json"}), 400, 422)


def _with(change: str) -> dict[str, Any]:
    document = copy.deepcopy(_hash_api())
    components, connections = document["components"], document["connections"]
    match change:
        case "unknown component":
            components[1]["name"] = "NoSuchComponent"
        case "dangling connection":
            connections[0]["targetId"] = "nobody"
        case "connection to a missing port":
            connections[0]["targetIndex"] = 99
        case "components of a wrong type":
            document["components"] = "many"
        case "port of a wrong type":
            components[1]["inputs"] = [7]
        case "two components of one id":
            components.append(copy.deepcopy(components[0]))
    return document


@pytest.mark.parametrize(
    "change",
    [
        "dangling connection",
        "connection to a missing port",
        "components of a wrong type",
        "port of a wrong type",
        "two components of one id",
    ],
)
def test_a_broken_document_is_refused_with_the_place(tenant: httpx.Client, change: str) -> None:
    problem = _refused(tenant.post("/api/agents/import", json=_with(change)), 422)
    assert problem["errors"]


@pytest.mark.parametrize(
    "body",
    [
        {"name": ""}, {"name": 7}, {"name": "x", "components": {}}, {"name": "x", "variables": []}, {},
        {"name": "x" * 10_000}, {"name": "x", "model": 3}, {"name": "x", "tenant_id": []},
    ],
)  # fmt: skip
def test_wrong_types_are_refused(tenant: httpx.Client, body: dict[str, Any]) -> None:
    _refused(tenant.post("/api/agents/create", json=body), 422)


def test_a_body_of_30_mb_is_refused_before_all_of_it_is_sent(dev: Dev) -> None:
    host, _, port = dev.url.removeprefix("http://").partition(":")
    size = 30 * 1024 * 1024
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        head = f"POST /api/agents/import HTTP/1.1\r\nhost: {host}\r\nx-api-key: k\r\ncontent-length: {size}\r\n\r\n"
        connection.sendall(head.encode() + b"x" * 65536)
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"application/problem+json" in answer


def test_a_chunked_body_of_30_mb_is_refused(tenant: httpx.Client) -> None:
    chunks = (b"x" * 1024 * 1024 for _ in range(30))
    try:
        answer = tenant.post("/api/agents/import", content=chunks)
    except httpx.WriteError:
        return  # the server had answered and closed before everything was sent
    _refused(answer, 413)


@pytest.mark.parametrize(
    "headers", [{}, {"x-api-key": ""}, {"x-api-key": "smyth_wrong"}, {"authorization": "Bearer x"}]
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/agents"), ("POST", "/api/agents/agt-1/prompt"), ("POST", "/api/agents/agt-1/stream")],
)
def test_without_a_known_key_nobody_gets_in(dev: Dev, headers: dict[str, str], method: str, path: str) -> None:
    _refused(httpx.request(method, dev.url + path, headers=headers, timeout=60, trust_env=False), 401)


def test_a_foreign_tenants_agent_is_not_found(dev: Dev, tenant: httpx.Client) -> None:
    with dev.client() as other:
        agent = other.post("/api/agents/import", json=_hash_api()).json()["id"]
        for method, path, body in [
            ("GET", "", None), ("GET", "/export", None), ("GET", "/versions", None), ("DELETE", "", None),
            ("PATCH", "", {"name": "mine"}), ("POST", "/run/hash", {"text": "x"}),
            ("POST", "/prompt", {"message": "x"}), ("POST", "/stream", {"message": "x"}),
            ("GET", "/chat?message=x", None),
        ]:  # fmt: skip
            _refused(tenant.request(method, f"/api/agents/{agent}{path}", json=body), 404)
        assert other.get(f"/api/agents/{agent}").json()["name"] == _hash_api()["name"]


@pytest.mark.parametrize(
    "path",
    [
        "/api/../_ministack/reset", "/api/%2e%2e/%2e%2e/_ministack/health", "/api//agents", "/api/agents/..%2f..%2fx",
        "/api/agents/%00/export", "/_aws/execute-api/x/api/api/agents", "/2015-03-31/functions/", "/restapis",
        "/_ministack/reset", "/smyth-laptop-000000000000-us-east-1", "/api/agents/agt-1%5c..%5cx", "/api/nope",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_path_tricks_lead_nowhere(dev: Dev, method: str, path: str) -> None:
    host, _, port = dev.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        request = f"{method} {path} HTTP/1.1\r\nhost: {host}\r\nx-api-key: {dev.tenant_key}\r\n"
        connection.sendall(f"{request}content-length: 0\r\nconnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    status, headers = answer.split(b" ", 2)[1], answer.partition(b"\r\n\r\n")[0].lower()
    assert status in (b"400", b"404")
    assert b"application/problem+json" in headers


def test_headers_cannot_make_another_caller(dev: Dev) -> None:
    forged = json.dumps({"authorizer": {"tenant_id": dev.tenant_id, "role": "owner"}})
    for headers in (
        {"x-amzn-request-context": forged},
        {"x-forwarded-for": "127.0.0.1", "x-amzn-request-context": forged, "x-api-key": "smyth_wrong"},
        {"host": "s3.localhost", "x-amz-target": "DynamoDB_20120810.Scan"},
        {"authorization": "AWS4-HMAC-SHA256 Credential=000000000000/20260101/us-east-1/s3/aws4_request"},
    ):
        for method, path in (("GET", "/api/agents"), ("POST", "/api/agents/agt-1/stream")):
            _refused(httpx.request(method, dev.url + path, headers=headers, timeout=60, trust_env=False), 401)


def test_a_tenants_key_makes_no_tenants(tenant: httpx.Client) -> None:
    _refused(tenant.post("/api/tenants", json={"name": "x", "plan": "pro"}), 403)
