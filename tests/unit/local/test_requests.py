"""What may pass the front, and what must not."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from starlette.requests import Request

from smyth.http.problems import Problem
from smyth.local import requests
from smyth.platform.routes import ROUTES


def _request(headers: dict[str, str], chunks: list[bytes] | None = None) -> Request:
    async def receive() -> dict[str, object]:
        return next(messages)

    bodies = chunks or [b""]
    messages = iter(
        {"type": "http.request", "body": body, "more_body": number < len(bodies) - 1}
        for number, body in enumerate(bodies)
    )
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": raw, "client": ("10.1.2.3", 1)}
    return Request(scope, receive)


@pytest.mark.parametrize("path", ["/api/agents", "/api/agents/agt-01/run/my%20endpoint", "/docs/swagger-ui.css", "/"])
def test_plain_paths_pass(path: str) -> None:
    requests.check_path(path.encode())


@pytest.mark.parametrize(
    "path",
    [
        "/api/../_ministack/reset", "/api/./agents", "/api/..", "/api//agents", "/api/%2e%2e/x", "/api/.%2E/x",
        "/api/agents/a%2Fb/export", "/api/a%5cb", "/api/a\\b", "/api/%00", "/api/%252e%252e/x", "/api/\x7f", "api",
        "/api/\u00e4", "/api/a b", "http://elsewhere/api",
    ],
)  # fmt: skip
def test_tricky_paths_are_refused(path: str) -> None:
    with pytest.raises(Problem) as refused:
        requests.check_path(path.encode("utf-8"))
    assert refused.value.status == 400


def test_every_route_is_found_by_an_example_of_it() -> None:
    for route in ROUTES:
        example = route.path.replace("{", "").replace("}", "")
        found = requests.find_route(route.method, example)
        assert found is not None
        assert (found.function, found.billable) == (route.function, route.billable)
    assert requests.find_route("POST", "/api/agents/agt-1/stream/x") is None
    assert requests.find_route("GET", "/openapiXjson") is None


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({"authorization": "Bearer one", "x-api-key": "two"}, "one"),
        ({"authorization": "bearer  one "}, "one"),
        ({"x-api-key": "two"}, "two"),
        ({"authorization": "Basic abc", "x-api-key": "two"}, "two"),
        ({"authorization": "AWS4-HMAC-SHA256 Credential=111111111111/x"}, None),
        ({"authorization": "Bearer with space"}, None),
        ({"authorization": "Bearer eyJ" + "k" * 4000}, "eyJ" + "k" * 4000),
        ({"x-api-key": "k" * 9000}, None),
        ({}, None),
    ],
)
def test_the_key_is_read_as_the_authorizer_reads_it(headers: dict[str, str], key: str | None) -> None:
    assert requests.caller_key(headers) == key


def test_headers_that_the_emulator_would_believe_are_dropped() -> None:
    sent = {
        "Host": "s3.amazonaws.com", "X-Amzn-Request-Context": "{}", "x-amz-target": "DynamoDB_20120810.Scan",
        "X-Forwarded-For": "1.2.3.4", "Authorization": "AWS4-HMAC-SHA256 x", "x-api-key": "k", "Connection": "close",
        "Transfer-Encoding": "chunked", "X-Ministack-Invoke-Depth": "9", "Accept": "text/html", "Idempotency-Key": "7",
    }  # fmt: skip
    assert requests.passed_headers(_request(sent)) == [
        ("accept", "text/html"),
        ("idempotency-key", "7"),
        ("x-forwarded-for", "10.1.2.3"),
        ("x-forwarded-host", "s3.amazonaws.com"),
    ]


def test_only_the_functions_own_headers_come_back() -> None:
    answered = [("Content-Type", "a/b"), ("Content-Length", "3"), ("x-amzn-requestid", "1"), ("x-request-id", "2")]
    assert requests.returned_headers(answered) == [("Content-Type", "a/b"), ("x-request-id", "2")]


def test_credentials_in_the_query_are_dropped_and_the_rest_stays() -> None:
    assert requests.passed_query("q=a%20b&limit=5") == "q=a%20b&limit=5"
    assert requests.passed_query("q=a&X-Amz-Credential=111111111111%2Fx&AWSAccessKeyId=1&e=") == "q=a&e="


async def test_a_body_within_the_limit_is_read() -> None:
    assert await requests.read_body(_request({}, [b"one ", b"two"])) == b"one two"


async def test_a_body_that_says_it_is_too_large_is_refused_unread() -> None:
    with pytest.raises(Problem) as refused:
        await requests.read_body(_request({"content-length": str(30 * 1024 * 1024)}))
    assert refused.value.status == 413


async def test_a_body_that_does_not_say_so_is_read_no_further_than_the_limit() -> None:
    taken = 0

    async def stream() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield b"x" * 1024 * 1024

    request = _request({})
    request.stream = stream  # type: ignore[assignment]
    with pytest.raises(Problem) as refused:
        await requests.read_body(request)
    assert refused.value.status == 413
    assert taken == 11


async def test_a_compressed_body_is_refused() -> None:
    with pytest.raises(Problem) as refused:
        await requests.read_body(_request({"content-encoding": "gzip"}, [b"\x1f\x8b"]))
    assert refused.value.status == 415
