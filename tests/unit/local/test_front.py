"""The front before a stand-in for the emulator: what it passes on, what it answers itself."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from smyth.local.deploy import Deployed
from smyth.local.front import Front

_DEPLOYED = Deployed("smyth-laptop", "api1", "api", "arn:secret", {"authorizer": "smyth-laptop-authorizer"})


class Emulator(ThreadingHTTPServer):
    """Takes what a client may send it and notes it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[dict[str, Any]] = []
        self.authorizer_events: list[dict[str, Any]] = []
        self.answer: tuple[int, dict[str, str], bytes] = (200, {"content-type": "application/json"}, b"{}")
        self.verdict: dict[str, Any] = {
            "policyDocument": {"Statement": [{"Effect": "Allow"}]},
            "usageIdentifierKey": "usage-1",
        }


class _Handler(BaseHTTPRequestHandler):
    server: Emulator

    def _do(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        if self.path.endswith("/invocations"):
            self.server.authorizer_events.append(json.loads(body))
            status, headers, answer = 200, {}, json.dumps(self.server.verdict).encode()
        else:
            noted = {"method": self.command, "path": self.path, "headers": dict(self.headers), "body": body}
            self.server.requests.append(noted)
            status, headers, answer = self.server.answer
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(answer))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = _do

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    server = Emulator()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


class _NoStreams:
    """The stream function has tests of its own, end to end."""


@pytest.fixture
async def client(emulator: Emulator) -> AsyncIterator[httpx.AsyncClient]:
    url = f"http://127.0.0.1:{emulator.server_port}"
    front = Front(emulator_url=url, deployed=_DEPLOYED, streams=_NoStreams())  # type: ignore[arg-type]
    transport = httpx.ASGITransport(front, client=("10.0.0.9", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8080") as http:
        yield http
    await front.close()


async def test_a_request_goes_to_the_stage_as_it_came(client: httpx.AsyncClient, emulator: Emulator) -> None:
    emulator.answer = (201, {"content-type": "text/plain", "x-request-id": "7"}, b"made")
    answer = await client.post("/api/agents/create?a=1&b=%20", content=b"body", headers={"x-api-key": "smyth_k"})
    assert (answer.status_code, answer.text, answer.headers["x-request-id"]) == (201, "made", "7")
    [seen] = emulator.requests
    assert (seen["method"], seen["body"]) == ("POST", b"body")
    assert seen["path"] == "/_aws/execute-api/api1/api/api/agents/create?a=1&b=%20"
    assert seen["headers"]["authorization"] == "Bearer smyth_k"
    assert seen["headers"]["x-forwarded-for"] == "10.0.0.9"
    assert "x-api-key" not in seen["headers"]


async def test_billable_routes_bear_the_usage_identifier(client: httpx.AsyncClient, emulator: Emulator) -> None:
    for _ in range(3):
        await client.post("/api/agents/agt-1/prompt", headers={"authorization": "Bearer smyth_k"})
    assert [seen["headers"]["x-api-key"] for seen in emulator.requests] == ["usage-1"] * 3
    [event] = emulator.authorizer_events
    assert event["headers"] == {"Authorization": "Bearer smyth_k"}
    assert event["methodArn"].endswith(":api1/api/POST/api/agents/agt-1/prompt")


async def test_an_unknown_key_is_left_to_the_gateway_and_asked_again(
    client: httpx.AsyncClient, emulator: Emulator
) -> None:
    emulator.verdict = {"errorMessage": "Unauthorized"}
    await client.post("/api/vectordb/search", headers={"x-api-key": "wrong"})
    await client.post("/api/vectordb/search", headers={"x-api-key": "wrong"})
    assert [seen["headers"]["x-api-key"] for seen in emulator.requests] == ["", ""]
    assert len(emulator.authorizer_events) == 2


async def test_a_clients_own_usage_identifier_is_never_passed(client: httpx.AsyncClient, emulator: Emulator) -> None:
    headers = {"authorization": "Bearer smyth_k", "x-api-key": "usage-of-another"}
    await client.post("/api/vectordb/search", headers=headers)
    await client.get("/api/agents", headers=headers)
    assert [seen["headers"].get("x-api-key") for seen in emulator.requests] == ["usage-1", None]


async def test_a_function_that_failed_is_told_as_a_problem(client: httpx.AsyncClient, emulator: Emulator) -> None:
    emulator.answer = (502, {"content-type": "application/json"}, b'{"message": "KeyError: secret stuff"}')
    answer = await client.get("/health")
    assert (answer.status_code, answer.headers["content-type"]) == (502, "application/problem+json")
    assert "secret stuff" not in answer.text
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


async def test_a_functions_own_problem_passes(client: httpx.AsyncClient, emulator: Emulator) -> None:
    emulator.answer = (500, {"content-type": "application/problem+json"}, b'{"status": 500}')
    assert (await client.get("/health")).content == b'{"status": 500}'


async def test_a_cloud_that_is_gone_is_told_as_a_problem(client: httpx.AsyncClient, emulator: Emulator) -> None:
    emulator.shutdown()
    emulator.server_close()
    answer = await client.get("/health")
    assert (answer.status_code, answer.json()["type"]) == (502, "urn:smyth:problem:cloud_gone")


@pytest.mark.parametrize("method", ["OPTIONS", "HEAD", "TRACE", "PROPFIND"])
async def test_methods_that_no_route_has_are_refused(
    client: httpx.AsyncClient, emulator: Emulator, method: str
) -> None:
    answer = await client.request(method, "/api/agents")
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]
    assert emulator.requests == []


async def test_a_huge_body_is_refused_before_it_reaches_the_emulator(
    client: httpx.AsyncClient, emulator: Emulator
) -> None:
    answer = await client.post("/api/agents/import", content=b"x" * (10 * 1024 * 1024 + 1))
    assert (answer.status_code, answer.json()["status"]) == (413, 413)
    assert emulator.requests == []


async def test_many_clients_at_once_are_all_answered(client: httpx.AsyncClient, emulator: Emulator) -> None:
    answers = await asyncio.gather(*(client.get("/health") for _ in range(32)))
    assert [answer.status_code for answer in answers] == [200] * 32
