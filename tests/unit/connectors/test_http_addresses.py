"""What documents cannot reach: every spelling of an inside address, every way around the check."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from smyth.connectors.http import transport
from smyth.connectors.http.addresses import AddressGuard
from smyth.connectors.http.client import HttpClient
from smyth.connectors.http.port import ForbiddenAddress, HttpError, HttpRequest, InvalidURL
from tests.peers import web_server
from tests.peers.certificates import certificate_for
from tests.peers.web_server import Web

#: Stands for the internet: the only address that the guards of these tests let through beside public ones.
OUTSIDE = "127.0.0.1"
INSIDE = "127.0.0.2"


class Names:
    """A resolver whose answers to a name change from question to question; the last one stays."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self._answers = answers
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        answers = self._answers.get(host.partition(".")[0], [[host]])
        return answers.pop(0) if len(answers) > 1 else answers[0]


def client(names: Names | None = None) -> HttpClient:
    return HttpClient(AddressGuard(allowed=[OUTSIDE], resolve=names))


@pytest.fixture
def outside() -> Iterator[Web]:
    with web_server.running(OUTSIDE) as web:
        yield web


@pytest.fixture
def inside(outside: Web) -> Iterator[Web]:
    """A server at another address with the same port, which must never be asked."""
    with web_server.running(INSIDE, port=outside.port) as web:
        yield web
    assert web.asked == []
    assert web.connections == set()


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "LOCALHOST",
        "2130706433",
        "0x7f000001",
        "0177.1",
        "0x7f.1",
        "127.1",
        "0",
        "0.0.0.0",
        "10.0.0.8",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "100.100.100.200",
        "169.254.169.254",
        "169.254.170.2",
        "2852039166",
        "168.63.129.16",
        "198.18.0.1",
        "192.0.0.192",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "[::]",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:a9fe:a9fe]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b::a9fe:a9fe]",
        "[64:ff9b:1::1]",
        "[2002:7f00:1::]",
        "[2002:a9fe:a9fe::1]",
        "[2001:0:7f00:1::1]",
        "[fd00:ec2::254]",
        "[fc00::1]",
        "[fe80::1]",
        "[fec0::1]",
        "[ff02::1]",
        "user:pass@127.0.0.1",
        "8.8.8.8@127.0.0.1",
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_no_spelling_of_an_inside_address_is_called(scheme: str, host: str) -> None:
    with pytest.raises(ForbiddenAddress, match="is not a public address"):
        await HttpClient().send(HttpRequest(f"{scheme}://{host}/latest/meta-data"))


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://example.com/", "gopher://127.0.0.1:6379/_x", "data:text/plain,x", "unix:/x"]
)
async def test_only_http_is_spoken(url: str) -> None:
    with pytest.raises(ForbiddenAddress, match="use one that starts with http:// or https://"):
        await HttpClient().send(HttpRequest(url))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "//127.0.0.1/",
        "http://",
        "http:///x",
        "http://a b/",
        "http://[::1",
        "http://[fe80::1%25eth0]/",
        "http://0177.0.0.1/",
        "http://①②⑦.⓪.⓪.①/",
        "http://x:y@",
        "http://h:notaport/",
    ],
)
async def test_what_is_no_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(InvalidURL) as error:
        await HttpClient().send(HttpRequest(url))
    assert not url or url not in str(error.value)


async def test_a_name_that_leads_inside_is_refused() -> None:
    names = Names(evil=[["10.0.0.8"]])
    with pytest.raises(ForbiddenAddress, match=r'"evil\.example" is not a public address'):
        await client(names).send(HttpRequest("https://evil.example/"))


async def test_a_name_with_one_address_inside_is_refused_whole() -> None:
    names = Names(evil=[["8.8.8.8", "169.254.169.254"]])
    with pytest.raises(ForbiddenAddress):
        await client(names).send(HttpRequest("http://evil.example/"))


async def test_a_name_cannot_change_between_check_and_connection(outside: Web, inside: Web) -> None:
    names = Names(rebinding=[[OUTSIDE], [INSIDE]])
    http = client(names)
    url = f"http://rebinding.example:{outside.port}"
    assert (await http.send(HttpRequest(f"{url}/one"))).status == 200
    assert names.asked == ["rebinding.example"]
    await http.close()
    with pytest.raises(ForbiddenAddress):
        await http.send(HttpRequest(f"{url}/two"))
    assert [asked.path for asked in outside.asked] == ["/one"]


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "to",
    [
        "http://169.254.169.254/latest/meta-data/",
        "https://[fd00:ec2::254]/",
        "http://2130706434/",
        "//[::1]/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
    ],
)
async def test_a_redirect_inside_is_refused(outside: Web, to: str, code: int) -> None:
    with pytest.raises(ForbiddenAddress):
        await client().send(HttpRequest(f"{outside.url}/redirect?code={code}&to={to}", "POST", body=b"{}"))


async def test_a_redirect_to_a_name_that_leads_inside_is_refused(outside: Web, inside: Web) -> None:
    names = Names(evil=[[INSIDE]])
    with pytest.raises(ForbiddenAddress):
        await client(names).send(HttpRequest(f"{outside.url}/redirect?to=http://evil.example:{inside.port}/"))


async def test_proxies_of_the_process_have_no_say(
    outside: Web, inside: Web, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, inside.url)
        monkeypatch.setenv(name.lower(), inside.url)
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine {OUTSIDE} login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert (await client().send(HttpRequest(outside.url))).status == 200
    assert "authorization" not in outside.asked[0].headers
    with pytest.raises(ForbiddenAddress):
        await client().send(HttpRequest("http://10.0.0.8/"))


async def test_a_proxy_inside_is_refused(inside: Web) -> None:
    with pytest.raises(ForbiddenAddress):
        await client().send(HttpRequest("http://8.8.8.8/", proxy=inside.url))


@pytest.mark.parametrize("target", ["http://169.254.169.254/", "http://127.0.0.2/", "https://[::1]/", "file:///x"])
async def test_a_proxy_is_not_asked_for_an_address_inside(outside: Web, target: str) -> None:
    with pytest.raises(ForbiddenAddress):
        await client().send(HttpRequest(target, proxy=outside.url))
    assert outside.asked == []


async def test_a_proxy_is_not_sent_inside_by_a_redirect(outside: Web) -> None:
    outside.answers["/start"] = (302, {"location": "http://169.254.169.254/"}, b"")
    with pytest.raises(ForbiddenAddress):
        await client().send(HttpRequest("http://8.8.8.8/start", proxy=outside.url))
    assert [asked.path for asked in outside.asked] == ["http://8.8.8.8/start"]


@pytest.mark.parametrize(
    "proxy", ["socks4://127.0.0.1:1", "socks5://127.0.0.1:1", "ftp://127.0.0.1:1", "unix:///run/x.sock"]
)
async def test_other_proxies_are_refused(proxy: str) -> None:
    with pytest.raises(HttpError, match="proxies cannot be used"):
        await client().send(HttpRequest("http://8.8.8.8/", proxy=proxy))


@pytest.mark.parametrize("allowed", ["127.0.0.2", "127.0.0.0/30", "db.internal"])
async def test_a_stack_may_allow_hosts_and_networks(outside: Web, allowed: str) -> None:
    with web_server.running(INSIDE) as web:
        http = HttpClient(AddressGuard(allowed=[allowed], resolve=Names(db=[[INSIDE]])))
        assert (await http.send(HttpRequest(f"http://DB.internal:{web.port}/"))).status == 200
        with pytest.raises(ForbiddenAddress):
            await http.send(HttpRequest("http://10.0.0.8/"))


@pytest.mark.parametrize("entry", ["", "10.0.0.0/33", "10.1.2.3/8", "http://db", "*.internal", "a b", "db:80"])
def test_an_allowed_entry_must_be_a_host_or_a_network(entry: str) -> None:
    with pytest.raises(ValueError, match="no host name and no network"):
        AddressGuard(allowed=[entry])


async def test_a_name_that_is_not_there_is_told() -> None:
    with pytest.raises(HttpError, match=r'"no-such-host\.invalid" cannot be found'):
        await HttpClient().send(HttpRequest("https://no-such-host.invalid/"))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate_for("shop.example", tmp_path_factory.mktemp("tls"))


@pytest.fixture
def secure(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    monkeypatch.setattr(transport, "tls_context", lambda: ssl.create_default_context(cafile=str(certificate)))
    with web_server.running(OUTSIDE, tls=context) as web:
        yield web


async def test_the_server_sees_the_name_though_the_address_was_pinned(secure: Web) -> None:
    http = client(Names(shop=[[OUTSIDE]]))
    assert (await http.send(HttpRequest(f"https://shop.example:{secure.port}/"))).status == 200
    assert secure.asked[0].headers["host"] == f"shop.example:{secure.port}"


async def test_a_certificate_of_another_name_is_refused_on_kept_connections_too(secure: Web) -> None:
    http = client(Names(shop=[[OUTSIDE]], other=[[OUTSIDE]]))
    await http.send(HttpRequest(f"https://shop.example:{secure.port}/"))
    with pytest.raises(HttpError, match="no certificate that can be trusted"):
        await http.send(HttpRequest(f"https://other.example:{secure.port}/"))
    assert len(secure.asked) == 1
