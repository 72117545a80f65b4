"""What every function's app does around its routes."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI, Response
from pydantic import BaseModel

from smyth.http.app import JSON_LINES, create_app, lambda_handler, logger
from smyth.http.problems import Problem
from smyth.platform.audit import Event
from smyth.platform.errors import Invalid, QuotaExceeded
from tests.unit.http.client import Client

SECRET = "smyth_never-to-be-seen"


class Body(BaseModel):
    name: str


@pytest.fixture
def app() -> FastAPI:
    app = create_app("test", max_body_bytes=200_000)

    @app.post("/echo/{kind}")
    def echo(kind: str, body: Body) -> dict[str, str]:
        match kind:
            case "quota":
                raise QuotaExceeded("All used.", retry_after_s=60)
            case "invalid":
                raise Invalid("Wrong.", [{"field": "name"}])
            case "problem":
                raise Problem(418, "teapot", "I am a \ud800.")
            case "crash":
                raise RuntimeError(SECRET)
        return {"name": body.name}

    return app


@pytest.fixture
def client(app: FastAPI) -> Client:
    return Client(app)


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    told: dict[str, Any] = answer.json()
    assert (told["status"], told["type"]) == (status, f"urn:smyth:problem:{code}")
    assert told["request_id"] == answer.headers["x-request-id"]
    return told


def test_every_answer_bears_a_request_id_of_its_own(client: Client) -> None:
    ids = {client.post("/echo/x", json={"name": "n"}).headers["x-request-id"] for _ in range(3)}
    assert len(ids) == 3
    assert all(len(one) == 26 for one in ids)


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [("quota", 429, "quota_exceeded"), ("invalid", 422, "invalid"), ("problem", 418, "teapot")],
)
def test_refusals_become_problem_documents(
    client: Client, audited: list[Event], kind: str, status: int, code: str
) -> None:
    answer = client.post(f"/echo/{kind}", json={"name": "n"})
    told = problem(answer, status, code)
    assert told["instance"] == f"/echo/{kind}"
    assert answer.headers.get("retry-after") == ("60" if kind == "quota" else None)
    assert told.get("errors") == ([{"field": "name"}] if kind == "invalid" else None)
    assert [(event.outcome, event.code) for event in audited] == ([("refused", code)] if kind == "quota" else [])


def test_a_crash_tells_nothing_of_what_happened(client: Client) -> None:
    answer = client.post("/echo/crash", json={"name": "n"})
    problem(answer, 500, "internal")
    assert SECRET not in answer.text


def test_an_unknown_address_and_method_are_problems(client: Client) -> None:
    problem(client.get("/nowhere"), 404, "not_found")
    problem(client.get("/echo/x"), 405, "method_not_allowed")


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        ("{", 400, "not_json"),
        ('{"name": 1}', 422, "invalid"),
        ("[]", 422, "invalid"),
        ("", 422, "invalid"),
        ("[" * 100_000, 400, "not_json"),
    ],
)
def test_a_body_that_does_not_fit_is_a_problem(client: Client, content: str, status: int, code: str) -> None:
    headers = {"content-type": "application/json"}
    told = problem(client.post("/echo/x", content=content, headers=headers), status, code)
    if status == 422:
        assert {"in", "field", "code", "message"} <= told["errors"][0].keys()


def test_a_body_over_the_limit_is_refused_announced_or_not(client: Client) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3_000):
            yield b" " * 100

    headers = {"content-type": "application/json"}
    problem(client.post("/echo/x", json={"name": "n" * 200_000}), 413, "too_large")
    problem(client.post("/echo/x", content=chunks(), headers=headers), 413, "too_large")


def test_a_request_is_logged_in_one_line_without_its_content(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", written)
    event = {
        "resource": "/echo/{kind}",
        "path": "/echo/x",
        "httpMethod": "POST",
        "headers": {"content-type": "application/json", "authorization": f"Bearer {SECRET}"},
        "body": json.dumps({"name": SECRET}),
        "requestContext": {"requestId": "gateway-id", "authorizer": {"tenant_id": "ten-1"}},
    }
    answer = lambda_handler(app)(event, None)
    (line,) = written.getvalue().splitlines()
    logged = json.loads(line)
    assert (logged["route"], logged["status"], logged["tenant_id"]) == ("/echo/{kind}", 200, "ten-1")
    assert logged["gateway_request_id"] == "gateway-id"
    assert logged["request_id"] == answer["headers"]["x-request-id"]
    assert SECRET not in line


def test_lines_of_json_leave_lambda_as_text(app: FastAPI) -> None:
    app.add_api_route("/lines", lambda: Response('{"n": 1}\n', media_type=JSON_LINES))
    event = {"resource": "/lines", "path": "/lines", "httpMethod": "GET", "headers": {}, "requestContext": {}}
    answer = lambda_handler(app)(event, None)
    assert (answer["body"], answer["isBase64Encoded"]) == ('{"n": 1}\n', False)


def test_a_problem_leaves_lambda_as_text(app: FastAPI) -> None:
    event = {"resource": "/x", "path": "/x", "httpMethod": "GET", "headers": {}, "requestContext": {}}
    answer = lambda_handler(app)(event, None)
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (404, False)
    assert json.loads(answer["body"])["status"] == 404
