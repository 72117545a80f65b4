"""APICall against a real server: what it sends for which settings, and what it makes of the answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from smyth.components._files import File, keep
from smyth.components.base import Call, ComponentError
from smyth.components.registry import find
from smyth.connectors.http.addresses import AddressGuard
from smyth.connectors.http.client import HttpClient
from smyth.connectors.ports import Ports
from smyth.connectors.vault.memory import MemoryVault
from tests.peers import web_server
from tests.peers.web_server import Asked, Web

Sent = Callable[..., Any]
SECRETS = {"default": {"token": "tok-1", "quoted": 'a"b', "other": "never"}}


@pytest.fixture
def web() -> Iterator[Web]:
    with web_server.running() as web:
        yield web


@pytest.fixture
def ports() -> Ports:
    return Ports(vault=MemoryVault(SECRETS), http=HttpClient(AddressGuard(allow_private=True)))


@pytest.fixture
def sent(outputs_of: Callable[..., Any], ports: Ports, web: Web) -> Sent:
    """Run APICall and return what the server was asked."""

    async def run(data: dict[str, Any], inputs: dict[str, Any] | None = None, **options: Any) -> Asked:
        settings = {"method": "POST", "url": f"{web.url}/echo", **data}
        await outputs_of("APICall", settings, inputs, ports=ports, **options)
        return web.asked[-1]

    return run


@pytest.fixture
def answer(outputs_of: Callable[..., Any], ports: Ports, web: Web) -> Sent:
    """Let the server answer so, run APICall, and return its outputs."""

    async def run(status: int = 200, headers: dict[str, str] | None = None, body: bytes = b"") -> dict[str, Any]:
        web.answers["/answer"] = (status, headers or {}, body)
        outputs: dict[str, Any] = await outputs_of("APICall", {"url": f"{web.url}/answer"}, ports=ports)
        return outputs

    return run


async def test_values_are_pasted_into_the_url_as_they_are(sent: Sent, web: Web) -> None:
    data = {"url": f"{web.url}/p/{{{{id}}}}?a+b={{{{q}}}}&none={{{{nope}}}}&k={{{{KEY(token)}}}}"}
    asked = await sent(data, {"id": "é f", "q": "1&c=2+3"})
    assert asked.path == "/p/%C3%A9%20f?a%20b=1&c=2+3&none=&k=tok-1"


async def test_backslashes_cannot_move_the_host(outputs_of: Callable[..., Any], web: Web, ports: Ports) -> None:
    await outputs_of("APICall", {"url": f"http:\\\\127.0.0.1:{web.port}\\@8.8.8.8/"}, ports=ports)
    assert web.asked[0].path == "/@8.8.8.8/"


async def test_secrets_are_filled_where_the_author_names_them_and_never_inside_inputs(sent: Sent) -> None:
    data = {
        "headers": '{"authorization": "Bearer {{KEY(token)}}", "x-in": "{{q}}", "x-var": "{{own}}"}',
        "contentType": "application/json",
        "body": '{"q": "{{q}}", "own": "{{own}}", "bare": {{q}}}',
    }
    inputs = {"q": "{{KEY(token)}} {{KEY(other)}} {{own}}", "own": "vaulted"}
    asked = await sent(data, inputs, secret_variables=frozenset({"own"}), variables={"own": "vaulted"})
    assert asked.headers["authorization"] == "Bearer tok-1"
    assert asked.headers["x-var"] == "vaulted"
    for text in (asked.headers["x-in"], json.loads(asked.body)["q"], json.loads(asked.body)["bare"]):
        assert text.strip() == ""
    assert json.loads(asked.body)["own"] == "vaulted"


async def test_inputs_inside_inputs_are_filled_unless_the_run_is_strict(sent: Sent) -> None:
    data = {"contentType": "text/plain", "body": "{{a}}"}
    assert (await sent(data, {"a": "<{{b}}>", "b": "x"})).body == b"<x>"
    assert (await sent(data, {"a": "<{{b}}>", "b": "x"}, expand_caller_data=False)).body == b"<>"


async def test_a_missing_vault_entry_stops_the_request(sent: Sent, web: Web) -> None:
    with pytest.raises(ComponentError, match='The vault has no entry "nope"'):
        await sent({"headers": {"x-key": "{{KEY(nope)}}"}})
    assert web.asked == []


@pytest.mark.parametrize(
    ("template", "inputs", "arrives"),
    [
        ('{"t": "{{s}}"}', {"s": 'quote " and \\ back\nnewline\t\x01'}, {"t": 'quote " and \\ back\nnewline\t\x01'}),
        ('{"t": "a {{s}} b", "{{s}}": 1}', {"s": '"}'}, {"t": 'a "} b', '"}': 1}),
        ('{"n": {{n}}, "o": {{o}}}', {"n": 1.5, "o": {"k": "v"}}, {"n": 1.5, "o": {"k": "v"}}),
        ('[0, {{l}}, "{{l}}"]', {"l": [1]}, [0, [1], "[1]"]),
        ('{"n": "{{n}}", "o": "{{o}}"}', {"n": 1.5, "o": {"k": "v"}}, {"n": "1.5", "o": '{"k":"v"}'}),
        ('{"a": {{s}}, "b": {{j}}}', {"s": "plain", "j": '{"x": [1]}'}, {"a": "plain", "b": {"x": [1]}}),
        ('{"a": {{s}}}', {"s": '1, "admin": true'}, {"a": '1, "admin": true'}),
        ('{"a": {{none}}, "b": {{nope}}, "c": "{{nope}}"}', {"none": None}, {"a": None, "b": None, "c": ""}),
        ("{{o}}", {"o": {"k": [True]}}, {"k": [True]}),
        ("{{s}}", {"s": "hello"}, "hello"),
        ("{{s}}", {"s": '[1, "x"]'}, [1, "x"]),
        ("{'a': '{{s}}', b: 2,}", {"s": "x"}, {"a": "x", "b": 2}),
        ('{"a": 1, {{more}}}', {"more": '"b": 2'}, {"a": 1, "b": 2}),
        ("just text {{s}}", {"s": "x"}, "just text x"),
        ("12", {}, 12),
        ({"a": "{{s}}", "b": ["{{n}}"], "c": 3}, {"s": 'x"y\\', "n": 5}, {"a": 'x"y\\', "b": ["5"], "c": 3}),
    ],
)  # fmt: skip
async def test_json_bodies_hold_the_values_whatever_is_in_them(
    sent: Sent, template: Any, inputs: dict[str, Any], arrives: Any
) -> None:
    asked = await sent({"contentType": "application/json", "body": template}, inputs)
    assert json.loads(asked.body) == arrives
    assert asked.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("template", "arrives"),
    [
        (
            '{"a": "{{s}}", "o": {"x": 1}, "l": [1, "{{s}}"], "n": null, "t": true}',
            "a=x+y%26z%3D%C3%A9&o=%7B%22x%22%3A1%7D&l=1&l=x+y%26z%3D%C3%A9&n=&t=true",
        ),
        ({"a": "{{s}}"}, "a=x+y%26z%3D%C3%A9"),
        ("a={{s}}&b=2", "a=x y&z=é&b=2"),
    ],
)
async def test_forms(sent: Sent, template: Any, arrives: str) -> None:
    asked = await sent({"contentType": "application/x-www-form-urlencoded", "body": template}, {"s": "x y&z=é"})
    assert asked.body.decode() == arrives
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("content_type", "template", "arrives", "label"),
    [
        ("text/plain", "Hi {{s}}, {{nope}}!", 'Hi a \\"<&, !', "text/plain"),
        ("none", "Hi {{s}}", 'Hi a \\"<&', None),
        ("none", {"a": "{{s}}"}, '{"a":"a \\"<&"}', "application/json"),
        ("text/plain", {"a": 1}, '{"a":1}', "text/plain"),
        ("application/xml", '<a b="{{s}}">{{m}}</a>', '<a b="a &quot;&lt;&amp;"><i>x</i></a>', "application/xml"),
        ("none", "", "", None),
        ("application/json", "  ", "", "application/json"),
    ],
)
async def test_other_bodies(sent: Sent, content_type: str, template: Any, arrives: str, label: str | None) -> None:
    asked = await sent({"contentType": content_type, "body": template}, {"s": 'a "<&', "m": "<i>x</i>"})
    assert asked.body.decode() == arrives
    assert asked.headers.get("content-type") == label


@pytest.fixture
def stored(make_call: Callable[..., Call], ports: Ports) -> Callable[..., Any]:
    async def store(content: bytes, mimetype: str, name: str) -> dict[str, Any]:
        return await keep(File(content, mimetype, name), make_call("Note", ports=ports).run)

    return store


async def test_multipart_sends_files_as_files(sent: Sent, stored: Callable[..., Any]) -> None:
    inputs = {"f": await stored(b"\x89PNG", "image/png", "dot.png"), "s": "x é", "n": 12, "o": {"k": 1}}
    body = (
        '{"file": "{{f}}", "more": [{{f}}], "t": "pre {{s}} post", "n": {{n}}, "o": "{{o}}", "e": "", "x": "{{nope}}"}'
    )
    asked = await sent({"contentType": "multipart/form-data", "body": body}, inputs)
    boundary = asked.headers["content-type"].partition("boundary=")[2].encode()
    assert asked.headers["content-type"].startswith("multipart/form-data; boundary=")
    parts = [part.strip(b"\r\n") for part in asked.body.split(b"--" + boundary)[1:-1]]
    assert len(parts) == 7
    for part, name in zip(parts[:2], (b"file", b"more"), strict=True):
        assert b'name="' + name + b'"; filename="' in part
        assert part.endswith(b"Content-Type: image/png\r\n\r\n\x89PNG")
    values = [part.partition(b"\r\n\r\n")[2].decode() for part in parts[2:]]
    assert values == ["pre x é post", "12", '{"k":1}', "", ""]


async def test_a_multipart_header_gets_the_boundary(sent: Sent) -> None:
    data = {"contentType": "multipart/form-data", "headers": {"Content-Type": "multipart/form-data"}, "body": '{"a":1}'}
    assert "boundary=" in (await sent(data)).headers["content-type"]
    with pytest.raises(ComponentError, match="must be a JSON object"):
        await sent(data | {"body": "text"})


async def test_binary_sends_the_bytes_of_a_file(sent: Sent, stored: Callable[..., Any]) -> None:
    data = {"contentType": "binary", "body": "{{f}}"}
    asked = await sent(data, {"f": await stored(b"\x00\xff", "image/png", "x.png")})
    assert (asked.body, asked.headers["content-type"]) == (b"\x00\xff", "image/png")
    asked = await sent(data, {"f": "data:application/pdf;base64,JVBERg=="})
    assert (asked.body, asked.headers["content-type"]) == (b"%PDF", "application/pdf")
    asked = await sent(data | {"headers": {"content-type": "a/b"}}, {"f": "words"})
    assert (asked.body, asked.headers["content-type"]) == (b"words", "a/b")
    assert (await sent(data, {})).body == b""


@pytest.mark.parametrize(
    ("headers", "arrive"),
    [
        ('{"X-A": "{{s}}", "X-N": 5, "X-Empty": "{{nope}}"}', {"x-a": 'q"\\', "x-n": "5", "x-empty": ""}),
        ("{'X-A': 'b', X-N: 1,}", {"x-a": "b", "x-n": "1"}),
        ({"X-A": "{{n}}", "X-O": {"a": 1}, "X-Null": None}, {"x-a": "7", "x-o": '{"a":1}', "x-null": ""}),
        ("X-A: 1\nX-B : two: {{n}}\n", {"x-a": "1", "x-b": "two: 7"}),
        ('{"Content-Type": "application/vnd.x+json"}', {"content-type": "application/vnd.x+json"}),
        ("", {}),
        (None, {}),
    ],
)
async def test_headers(sent: Sent, headers: Any, arrive: dict[str, str]) -> None:
    data = {"headers": headers, "contentType": "application/json", "body": "{}"}
    asked = await sent(data, {"s": 'q"\\', "n": 7})
    assert arrive.items() <= asked.headers.items()


@pytest.mark.parametrize("headers", ["nonsense", "[1, 2]", "x-a: 1\nnonsense"])
async def test_headers_that_cannot_be_read_are_told(sent: Sent, web: Web, headers: str) -> None:
    with pytest.raises(ComponentError, match="headers cannot be read"):
        await sent({"headers": headers})
    assert web.asked == []


async def test_a_value_cannot_add_a_header(sent: Sent, web: Web) -> None:
    with pytest.raises(ComponentError, match="Check the headers"):
        await sent({"headers": '{"x-a": "{{s}}"}'}, {"s": "1\r\nx-b: 2"})
    assert web.asked == []


@pytest.mark.parametrize(
    ("kind", "body", "value"),
    [
        ("application/json", b'{"a": 1}', {"a": 1}),
        ("application/json; charset=utf-8", b'\xef\xbb\xbf["\xc3\xa9"]', ["é"]),
        ("application/problem+json", b'{"title": "x"}', {"title": "x"}),
        ("application/vnd.acme.v2+json", b'{"a": 1}', '{"a": 1}'),
        ("application/json", b"", {}),
        ("text/plain", b"", ""),
        ("text/csv; charset=latin-1", b"\xe9", "é"),
        ("text/html; charset=nonsense", b"\xc3\xa9", "é"),
        ("image/svg+xml", b"<svg/>", "<svg/>"),
        ("", b"who knows", "who knows"),
        ("nonsense", b"who knows", "who knows"),
    ],
)
async def test_answers_are_read_by_their_type(answer: Sent, kind: str, body: bytes, value: Any) -> None:
    outputs = await answer(headers={"content-type": kind} if kind else {}, body=body)
    assert outputs["Response"] == value


async def test_other_answers_become_files(answer: Sent, ports: Ports) -> None:
    outputs = await answer(headers={"content-type": "image/png"}, body=b"\x89PNG")
    file = outputs["Response"]
    assert (file["mimetype"], file["size"]) == ("image/png", 4)
    assert file["url"].startswith("smythfs://default.team/agt-1/_temp/")
    assert file["name"].endswith(".png")


async def test_headers_of_the_answer_are_an_output(answer: Sent) -> None:
    outputs = await answer(headers={"X-Rate": "42", "Set-Cookie": "a=1"})
    assert outputs["Headers"]["x-rate"] == "42"
    assert outputs["Headers"]["set-cookie"] == ["a=1"]


@pytest.mark.parametrize("status", [304, 400, 404, 418, 500, 503])
async def test_a_failure_gives_the_answer_and_an_error(answer: Sent, status: int) -> None:
    body = b"" if status == 304 else b'{"why": "x"}'
    with pytest.raises(ComponentError, match=f"^Request failed with status code {status}$") as error:
        await answer(status, {"content-type": "application/json"}, body)
    assert error.value.outputs["Response"] == ("" if status == 304 else {"why": "x"})
    assert error.value.outputs["Headers"]["content-type"] == "application/json"


@pytest.mark.parametrize("body", [b"{not json", b"NaN", b"[" * 100_000])
async def test_broken_json_is_an_error(answer: Sent, body: bytes) -> None:
    with pytest.raises(ComponentError, match="cannot be read") as error:
        await answer(headers={"content-type": "application/json"}, body=body)
    assert error.value.outputs == {"Response": None, "Headers": {}}


async def test_no_answer_is_an_error_that_names_no_secret(outputs_of: Callable[..., Any], ports: Ports) -> None:
    with pytest.raises(ComponentError, match="Nobody answers") as error:
        await outputs_of("APICall", {"url": "http://u:{{KEY(token)}}@127.0.0.1:1/?k={{KEY(token)}}"}, ports=ports)
    assert error.value.outputs == {"Response": None, "Headers": {}}
    assert "tok-1" not in str(error.value)


@pytest.mark.parametrize("url", ["not a url", "http://a b/x", "http://[/x", "http://u:{{KEY(token)}}/x@h"])
async def test_an_invalid_url_is_told(outputs_of: Callable[..., Any], ports: Ports, url: str) -> None:
    with pytest.raises(ComponentError, match=r"^Invalid URL") as error:
        await outputs_of("APICall", {"url": url}, ports=ports)
    assert error.value.outputs == {}
    assert "tok-1" not in str(error.value)


async def test_addresses_inside_are_refused_by_default(outputs_of: Callable[..., Any], web: Web) -> None:
    for url in (web.url, "http://169.254.169.254/latest", "file:///etc/passwd", "http:\\\\2130706433\\@8.8.8.8/"):
        with pytest.raises(ComponentError, match=r"not a public address|cannot be called"):
            await outputs_of("APICall", {"url": url})
    assert web.asked == []


async def test_component_template_settings_fill_first(sent: Sent, web: Web, make_call: Callable[..., Call]) -> None:
    data = {
        "url": f'{web.url}/echo/{{{{VARINPUT:Path:[""]}}}}',
        "contentType": "application/json",
        "body": '{"k": "{{VARINPUT:Path:[""]}}", "s": "{{VAULTINPUT:Key:[""]}}", "in": "{{q}}"}',
        "_templateSettings": {"tv1": {"label": "Path"}, "tv2": {"label": "Key"}},
        "_templateVars": {"tv1": "from {{s}}", "tv2": "{{KEY(quoted)}}"},
    }
    asked = await sent(data, {"s": "x", "q": '{{VAULTINPUT:Key:[""]}}'})
    assert asked.path == "/echo/from%20x"
    assert json.loads(asked.body) == {"k": "from x", "s": 'a"b', "in": ""}


async def test_a_component_template_without_settings_leaves_nothing_behind(sent: Sent, web: Web) -> None:
    asked = await sent({"url": f'{web.url}/echo/{{{{VARINPUT:Path:[""]}}}}', "_templateVars": {"tv1": "x"}})
    assert asked.path == "/echo/"


async def test_files_in_the_query_become_links(sent: Sent, web: Web, stored: Callable[..., Any]) -> None:
    file = await stored(b"abc", "text/plain", "a b.txt")
    asked = await sent({"url": f"{web.url}/echo?f={{{{f.url}}}}&x=1"}, {"f": file})
    assert asked.path == "/echo?f=data:text/plain;base64,YWJj&x=1"
    with pytest.raises(ValueError, match="Access Denied"):
        await sent({"url": f"{web.url}/echo?f=smythfs://others.team/x/y.txt"})


async def test_a_proxy_is_used(outputs_of: Callable[..., Any], ports: Ports, web: Web) -> None:
    proxies = f"127.0.0.1:{web.port}\n{web.url}\n"
    await outputs_of("APICall", {"url": "http://8.8.8.8/x", "proxy": proxies}, ports=ports)
    assert web.asked[0].path == "http://8.8.8.8/x"


@pytest.mark.parametrize(
    "data", [{"url": ""}, {"url": "x" * 8193}, {"method": "FETCH"}, {"contentType": "image/png"}, {"url": None}]
)
def test_settings_outside_the_schema_are_refused(data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        find("APICall").Settings.model_validate({"method": "GET", "url": "http://x"} | data)


@pytest.mark.parametrize("text", ["{{" * 100_000, "{{a" * 60_000, '"{{' * 60_000, '{"a": "' + "\\" * 200_000])
async def test_hostile_values_take_no_time(sent: Sent, text: str) -> None:
    asked = await sent({"contentType": "application/json", "body": '{"a": "{{s}}", "b": {{s}}}'}, {"s": text})
    assert "a" in json.loads(asked.body)
