"""What the client does beside checking addresses: redirects, limits, retries, kept connections."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from smyth.connectors.http.addresses import AddressGuard
from smyth.connectors.http.client import HttpClient
from smyth.connectors.http.port import HttpError, HttpReply, HttpRequest
from tests.peers import web_server
from tests.peers.web_server import Web

SECRETS = {"authorization": "Bearer t", "cookie": "sid=1", "x-api-key": "k", "proxy-authorization": "Basic p"}


@pytest.fixture
def web() -> Iterator[Web]:
    with web_server.running() as web:
        yield web


@pytest.fixture
def http() -> HttpClient:
    return HttpClient(AddressGuard(allow_private=True))


def told(reply: HttpReply) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(reply.content)
    return told


async def test_a_request_arrives_as_it_was_given(http: HttpClient, web: Web) -> None:
    request = HttpRequest(f"{web.url}/a b?q=ü&x=%26", "put", {"X-Name": "jä", "Content-Length": "999"}, b"\x00body")
    reply = await http.send(request)
    assert (reply.status, reply.url) == (200, f"{web.url}/a%20b?q=%C3%BC&x=%26")
    asked = web.asked[0]
    assert (asked.method, asked.path, asked.body) == ("PUT", "/a%20b?q=%C3%BC&x=%26", b"\x00body")
    assert (asked.headers["x-name"], asked.headers["content-length"]) == ("jä", "5")


async def test_user_and_password_of_a_url_become_its_authorization(http: HttpClient, web: Web) -> None:
    reply = await http.send(HttpRequest(f"http://me:p%40ss@127.0.0.1:{web.port}/"))
    assert told(reply)["headers"]["authorization"] == "Basic bWU6cEBzcw=="
    assert reply.url == f"{web.url}/"


async def test_headers_come_in_lower_case_and_cookies_apart(http: HttpClient, web: Web) -> None:
    web.answers["/cookie"] = (418, {"X-Mixed": "1", "Set-Cookie": "a=1, b"}, b"tea")
    reply = await http.send(HttpRequest(f"{web.url}/cookie"))
    assert (reply.status, reply.content, reply.cookies) == (418, b"tea", ("a=1, b",))
    assert reply.headers["x-mixed"] == "1"
    assert "set-cookie" not in reply.headers


@pytest.mark.parametrize(
    ("code", "method", "becomes"),
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "POST", "GET"),
        (303, "PUT", "GET"),
        (302, "PUT", "PUT"),
        (301, "GET", "GET"),
        (302, "HEAD", "HEAD"),
        (303, "HEAD", "HEAD"),
        (307, "POST", "POST"),
        (308, "DELETE", "DELETE"),
    ],
)
async def test_redirects_keep_or_change_the_method(
    http: HttpClient, web: Web, code: int, method: str, becomes: str
) -> None:
    request = HttpRequest(f"{web.url}/redirect?code={code}&to=/there", method, {"content-type": "text/plain"}, b"body")
    reply = await http.send(request)
    asked = web.asked[1]
    assert (asked.method, asked.path, reply.url) == (becomes, "/there", f"{web.url}/there")
    kept = becomes == method
    assert (asked.body, "content-type" in asked.headers) == ((b"body", True) if kept else (b"", False))


async def test_credentials_stay_on_the_same_host(http: HttpClient, web: Web) -> None:
    await http.send(HttpRequest(f"{web.url}/redirect?to=/there", headers=SECRETS))
    assert SECRETS.items() <= web.asked[1].headers.items()


@pytest.mark.parametrize("to", ["http://localhost:{port}/", "http://me:pw@localhost:{port}/", "//localhost:{port}/"])
async def test_credentials_do_not_go_to_another_host(http: HttpClient, web: Web, to: str) -> None:
    secrets = SECRETS | {"x-custom": "s", "accept-language": "de"}
    await http.send(HttpRequest(f"{web.url}/redirect?to={to.format(port=web.port)}", headers=secrets))
    arrived = web.asked[1].headers
    assert arrived["host"] == f"localhost:{web.port}"
    assert arrived["accept-language"] == "de"
    assert not arrived.keys() & (SECRETS.keys() | {"x-custom"})


async def test_credentials_do_not_go_to_another_port(http: HttpClient, web: Web) -> None:
    with web_server.running() as other:
        await http.send(HttpRequest(f"{web.url}/redirect?to={other.url}/", headers=SECRETS))
        assert not other.asked[0].headers.keys() & SECRETS.keys()


async def test_a_redirect_loop_ends(http: HttpClient, web: Web) -> None:
    web.answers["/loop"] = (302, {"location": "/loop"}, b"")
    with pytest.raises(HttpError, match="Maximum number of redirects exceeded"):
        await http.send(HttpRequest(f"{web.url}/loop"))
    assert len(web.asked) == 21


async def test_a_redirect_without_a_place_is_an_answer(http: HttpClient, web: Web) -> None:
    web.answers["/304"] = (304, {}, b"")
    web.answers["/302"] = (302, {}, b"nowhere")
    assert (await http.send(HttpRequest(f"{web.url}/304"))).status == 304
    assert (await http.send(HttpRequest(f"{web.url}/302"))).content == b"nowhere"


async def test_an_endless_answer_is_ended_at_the_limit(http: HttpClient, web: Web) -> None:
    with pytest.raises(HttpError, match="larger than 1,000,000 bytes"):
        await http.send(HttpRequest(f"{web.url}/endless", max_bytes=1_000_000))


async def test_an_answer_of_exactly_the_limit_is_taken(http: HttpClient, web: Web) -> None:
    web.answers["/ten"] = (200, {}, b"0123456789")
    assert (await http.send(HttpRequest(f"{web.url}/ten", max_bytes=10))).content == b"0123456789"
    with pytest.raises(HttpError, match="larger than 9 bytes"):
        await http.send(HttpRequest(f"{web.url}/ten", max_bytes=9))


async def test_packed_answers_are_unpacked_up_to_the_limit(http: HttpClient, web: Web) -> None:
    assert (await http.send(HttpRequest(f"{web.url}/gzip", max_bytes=7))).content == b"one two"
    with pytest.raises(HttpError, match="larger than 6 bytes"):
        await http.send(HttpRequest(f"{web.url}/gzip", max_bytes=6))
    with pytest.raises(HttpError, match="larger than"):
        await http.send(HttpRequest(f"{web.url}/bomb"))


@pytest.mark.parametrize(("encoding", "body"), [("gzip", b"not packed"), ("br", b"x"), ("gzip, gzip", b"x")])
async def test_what_cannot_be_unpacked_is_told(http: HttpClient, web: Web, encoding: str, body: bytes) -> None:
    web.answers["/odd"] = (200, {"content-encoding": encoding}, body)
    with pytest.raises(HttpError, match="packed"):
        await http.send(HttpRequest(f"{web.url}/odd"))


async def test_a_silent_server_is_left(http: HttpClient, web: Web) -> None:
    with pytest.raises(HttpError, match=r'"127\.0\.0\.1" did not answer'):
        await http.send(HttpRequest(f"{web.url}/silent", timeout_s=0.2))
    with pytest.raises(HttpError, match=r"did not answer within 0\.3 seconds"):
        await http.send(HttpRequest(f"{web.url}/endless", timeout_s=0.3, max_bytes=10**12))


async def test_connections_are_kept_and_shared(http: HttpClient, web: Web) -> None:
    for _ in range(5):
        await http.send(HttpRequest(f"{web.url}/"))
    assert len(web.connections) == 1
    await asyncio.gather(*(http.send(HttpRequest(f"{web.url}/{n}")) for n in range(4)))
    assert len(web.asked) == 9


def test_each_event_loop_has_connections_of_its_own(http: HttpClient, web: Web) -> None:
    async def once() -> int:
        try:
            return (await http.send(HttpRequest(f"{web.url}/"))).status
        finally:
            await http.close()

    assert [asyncio.run(once()) for _ in range(3)] == [200, 200, 200]


async def test_a_kept_connection_that_the_server_closed_does_no_harm(http: HttpClient, web: Web) -> None:
    for method in ("GET", "GET", "POST"):
        assert (await http.send(HttpRequest(f"{web.url}/closes", method))).content == b"here"
        assert await asyncio.to_thread(web.closed.acquire, timeout=10)


@pytest.mark.parametrize(("method", "times"), [("GET", 2), ("PUT", 2), ("DELETE", 2), ("POST", 1), ("PATCH", 1)])
async def test_a_broken_request_is_repeated_where_that_is_safe(
    http: HttpClient, web: Web, method: str, times: int
) -> None:
    with pytest.raises(HttpError, match="ended the connection"):
        await http.send(HttpRequest(f"{web.url}/breaks", method))
    assert len(web.asked) == times


async def test_the_next_address_is_tried_where_one_does_not_answer(web: Web) -> None:
    async def two(host: str, port: int) -> list[str]:
        return ["127.0.0.9", "127.0.0.1"]

    http = HttpClient(AddressGuard(allow_private=True, resolve=two))
    assert (await http.send(HttpRequest(f"http://two.example:{web.port}/", "POST"))).status == 200


async def test_nobody_there_is_told(http: HttpClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(HttpError, match=f'Nobody answers at "127.0.0.1", port {port}'):
        await http.send(HttpRequest(f"http://127.0.0.1:{port}/?key=secret"))


@pytest.mark.parametrize("headers", [{"x-a": "1\r\nx-b: 2"}, {"x-a": "1\n2"}, {"x a": "1"}, {"": "1"}, {"x-ü": "1"}])
async def test_headers_cannot_bring_further_ones(http: HttpClient, web: Web, headers: dict[str, str]) -> None:
    with pytest.raises(HttpError, match="headers") as error:
        await http.send(HttpRequest(f"{web.url}/", headers=headers))
    assert web.asked == []
    assert "1" not in str(error.value).replace("127.0.0.1", "")


async def test_a_stream_hands_over_what_comes_and_closes_when_left(http: HttpClient, web: Web) -> None:
    async with http.stream(HttpRequest(f"{web.url}/endless")) as answer:
        assert answer.status == 200
        async for chunk in answer.chunks():
            assert chunk.startswith(b"x")
            break
    assert (await http.send(HttpRequest(f"{web.url}/"))).status == 200


async def test_a_proxy_is_asked_for_the_whole_address(http: HttpClient, web: Web) -> None:
    request = HttpRequest("http://8.8.8.8/x?y=1", proxy=f"http://me:pw@127.0.0.1:{web.port}")
    assert (await http.send(request)).status == 200
    assert web.asked[0].path == "http://8.8.8.8/x?y=1"
    assert web.asked[0].headers["proxy-authorization"] == "Basic bWU6cHc="


async def test_a_proxy_that_refuses_a_tunnel_is_told(http: HttpClient, web: Web) -> None:
    with pytest.raises(HttpError, match="proxy did not connect"):
        await http.send(HttpRequest("https://8.8.8.8/", proxy=web.url))


def test_what_holds_secrets_is_not_printed() -> None:
    request = HttpRequest("https://h/", headers={"authorization": "s3cret"}, body=b"s3cret", proxy="http://u:s3cret@p")
    assert "s3cret" not in repr(request)
    assert "s3cret" not in repr(HttpReply(200, {}, b"s3cret", "https://h/", ()))
