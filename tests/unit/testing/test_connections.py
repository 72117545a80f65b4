"""Silence, clients that leave, many at once, and the end of the server."""

from __future__ import annotations

import asyncio
import json
import threading
import time

import httpx
import openai
import pytest

from smyth.testing import Hang, ModelServer, Say, Slow

HI = [{"role": "user", "content": "Hi"}]


def client(server: ModelServer) -> openai.OpenAI:
    return openai.OpenAI(base_url=server.base_url, api_key="any", max_retries=0)


def ask(server: ModelServer, **options: object) -> httpx.Response:
    return httpx.post(f"{server.base_url}/chat/completions", json={"model": "m", "messages": HI, **options})


def test_silence_lasts_until_the_client_leaves() -> None:
    with ModelServer(Hang("some text")) as server:
        stream = client(server).chat.completions.create(model="m", messages=HI, stream=True)
        next(iter(stream))
        assert not server.client_left.is_set()
        stream.close()
        assert server.client_left.wait(5)


def test_silence_before_any_answer_is_noticed_too() -> None:
    with ModelServer(Hang()) as server:
        with pytest.raises(openai.APITimeoutError):
            client(server).with_options(timeout=0.1).chat.completions.create(model="m", messages=HI)
        assert server.client_left.wait(5)


@pytest.mark.parametrize("stream", [True, False])
def test_silence_ends_by_itself_and_breaks(stream: bool) -> None:
    with ModelServer(Hang(seconds=0.01)) as server:
        with pytest.raises(httpx.RemoteProtocolError):
            ask(server, stream=stream)
        assert not server.client_left.is_set()


@pytest.mark.parametrize("stream", [True, False])
def test_a_stall_comes_before_an_answer_that_is_whole(stream: bool) -> None:
    with ModelServer(Slow(Say("at last"), first_s=0.2)) as server:
        began = time.monotonic()
        answer = ask(server, stream=stream)
        assert time.monotonic() - began >= 0.2
    assert answer.status_code == 200
    assert "at last" in answer.text


def test_a_connection_serves_many_requests() -> None:
    with ModelServer(*[Say("x")] * 6) as server, httpx.Client() as kept:
        for number in range(6):
            body = {"model": "m", "messages": HI, "stream": number % 2 == 0}
            answer = kept.post(f"{server.base_url}/chat/completions", json=body)
            assert answer.headers["x-request-id"] == f"req_{number + 1}"
        assert threading.active_count() < 20


def test_the_end_of_the_server_ends_its_connections() -> None:
    with httpx.Client() as kept:
        with ModelServer() as server:
            assert kept.get(f"{server.base_url}/models").status_code == 200
        with pytest.raises(httpx.TransportError):
            kept.get(f"{server.base_url}/models")


def test_the_end_of_the_server_ends_silence_without_blaming_the_client() -> None:
    with ModelServer(Hang("some text")) as server:
        stream = client(server).chat.completions.create(model="m", messages=HI, stream=True)
        next(iter(stream))
    with pytest.raises(httpx.TransportError):
        list(stream)
    assert not server.client_left.is_set()


@pytest.mark.parametrize("content", [b"", b"no json", b"[]", b'"text"', b"\xff\xfe"])
def test_a_body_that_is_no_object_is_refused(content: bytes) -> None:
    with ModelServer() as server:
        answer = httpx.post(f"{server.base_url}/chat/completions", content=content)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")
    assert server.requests == []


def test_a_body_may_come_in_chunks() -> None:
    body = json.dumps({"model": "m", "messages": HI}).encode()
    with ModelServer() as server, httpx.Client() as kept:
        for _ in range(2):
            answer = kept.post(f"{server.base_url}/chat/completions", content=iter([body[:5], body[5:]]))
            assert answer.status_code == 200
    assert len(server.requests) == 2


def test_paths_may_name_the_version_twice_or_not_at_all() -> None:
    with ModelServer() as server:
        for path in ("/chat/completions", "/v1/chat/completions", "/v1/v1/chat/completions?x=1"):
            assert httpx.post(server.url + path, json={"model": "m", "messages": HI}).status_code == 200
    assert server.paths[0] == "/chat/completions"


def test_only_so_many_requests_are_remembered() -> None:
    with ModelServer(keep=2) as server:
        for number in range(5):
            answer = ask(server, user=str(number))
    assert [request["user"] for request in server.requests] == ["3", "4"]
    assert len(server.headers) == len(server.paths) == 2
    assert answer.headers["x-request-id"] == "req_5"


async def test_three_hundred_streams_run_at_once() -> None:
    together = 300
    with ModelServer(*[Slow(Say(("one", "two", "three")), pause_s=0.3)] * together) as server:
        limits = httpx.Limits(max_connections=together)
        async with httpx.AsyncClient(limits=limits, timeout=60) as http:
            body = {"model": "m", "messages": HI, "stream": True}
            asked = [http.post(f"{server.base_url}/chat/completions", json=body) for _ in range(together)]
            answers = await asyncio.gather(*asked)
    assert {answer.status_code for answer in answers} == {200}
    assert all(answer.text.endswith("data: [DONE]\n\n") for answer in answers)
