"""APICall with stored OAuth connections, against a real token server and a real API."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest

from smyth.components import _oauth1
from smyth.components.base import ComponentError
from smyth.connectors.http.addresses import AddressGuard
from smyth.connectors.http.client import HttpClient
from smyth.connectors.ports import Ports
from smyth.connectors.vault.memory import MemoryVault
from smyth.connectors.vault.tokens import MemoryTokens
from tests.peers import web_server
from tests.peers.web_server import Asked, Web

START = datetime(2026, 1, 1, tzinfo=UTC)
Called = Callable[..., Any]


@pytest.fixture
def web() -> Iterator[Web]:
    with web_server.running() as web:
        yield web


@pytest.fixture
def called(outputs_of: Callable[..., Any], web: Web) -> Called:
    """Run APICall with a vault, at a time; return what the API was asked."""
    tokens = MemoryTokens()

    async def call(data: dict[str, Any], vault: dict[str, Any], *, after: float = 0) -> Asked:
        entries = {name: entry if isinstance(entry, str) else json.dumps(entry) for name, entry in vault.items()}
        ports = Ports(
            vault=MemoryVault({"default": entries}),
            tokens=tokens,
            http=HttpClient(AddressGuard(allow_private=True)),
            clock=lambda: START + timedelta(seconds=after),
        )
        await outputs_of("APICall", {"url": f"{web.url}/api", **data}, ports=ports)
        return web.asked[-1]

    return call


def grants(web: Web, **answer: Any) -> None:
    web.answers["/token"] = (200, {"content-type": "application/json"}, json.dumps(answer).encode())


def token_requests(web: Web) -> list[dict[str, str]]:
    return [dict(parse_qsl(asked.body.decode())) for asked in web.asked if asked.path == "/token"]


def milliseconds(seconds: float) -> int:
    return int((START.timestamp() + seconds) * 1000)


@pytest.mark.parametrize(
    "record",
    [
        {"auth_data": {"primary": "p1"}, "auth_settings": {"type": "oauth2", "service": "Google"}},
        {"auth_data": {"primary": "p1", "expires_in": milliseconds(3600)}, "auth_settings": {}},
        {"primary": "p1", "secondary": "s1", "type": "oauth2", "expires_in": str(milliseconds(3600))},
    ],
)
async def test_a_stored_token_is_the_bearer(called: Called, record: dict[str, Any]) -> None:
    asked = await called({"oauth_con_id": "con1", "headers": {"Authorization": "mine"}}, {"con1": record})
    assert asked.headers["authorization"] == "Bearer p1"


async def test_tokens_of_inline_settings_lie_under_the_components_id(called: Called) -> None:
    asked = await called({"oauthService": "Google"}, {"OAUTH_C1_TOKENS": {"primary": "p2"}})
    assert asked.headers["authorization"] == "Bearer p2"


@pytest.mark.parametrize("value", ["None", "", None])
async def test_no_connection_means_no_authorization(called: Called, value: str | None) -> None:
    asked = await called({"oauth_con_id": value, "oauthService": value}, {"None": {"primary": "p"}})
    assert "authorization" not in asked.headers


@pytest.mark.parametrize("vault", [{}, {"con1": {"auth_data": {}}}, {"con1": {"primary": ""}}])
async def test_a_connection_without_tokens_is_told(called: Called, web: Web, vault: dict[str, Any]) -> None:
    with pytest.raises(ComponentError, match='no OAuth tokens for the connection "con1"') as error:
        await called({"oauth_con_id": "con1"}, vault)
    assert error.value.outputs == {"Response": None, "Headers": {}}
    assert web.asked == []


@pytest.mark.parametrize("entry", ["nonsense s3cret", "[1]", '{"auth_data": 5}'])
async def test_an_entry_that_is_no_connection_is_told(called: Called, entry: str) -> None:
    with pytest.raises(ComponentError, match='"con1" is no OAuth connection') as error:
        await called({"oauth_con_id": "con1"}, {"con1": entry})
    assert "s3cret" not in str(error.value)


def ended(web: Web) -> dict[str, Any]:
    said = {"type": "oauth2", "tokenURL": f"{web.url}/token", "clientID": "id", "clientSecret": "sec"}
    return {"auth_data": {"primary": "old", "secondary": "r1", "expires_in": milliseconds(-1)}, "auth_settings": said}


async def test_an_ended_token_is_renewed_once_and_kept(called: Called, web: Web) -> None:
    grants(web, access_token="new", expires_in=3600, refresh_token="r2")
    data, vault = {"oauth_con_id": "con1"}, {"con1": ended(web)}
    for after in (0, 100):
        assert (await called(data, vault, after=after)).headers["authorization"] == "Bearer new"
    wanted = {"grant_type": "refresh_token", "refresh_token": "r1", "client_id": "id", "client_secret": "sec"}
    assert token_requests(web) == [wanted]
    await called(data, vault, after=3600)
    assert [asked["refresh_token"] for asked in token_requests(web)] == ["r1", "r2"]


async def test_a_new_record_in_the_vault_is_taken_at_once(called: Called, web: Web) -> None:
    grants(web, access_token="new", expires_in=3600)
    await called({"oauth_con_id": "con1"}, {"con1": ended(web)})
    connected = await called({"oauth_con_id": "con1"}, {"con1": {"primary": "again"}})
    assert connected.headers["authorization"] == "Bearer again"


async def test_an_ended_token_that_cannot_be_renewed_is_told(called: Called, web: Web) -> None:
    record = ended(web)
    del record["auth_data"]["secondary"]
    with pytest.raises(ComponentError, match='token of the OAuth connection "con1" has ended'):
        await called({"oauth_con_id": "con1"}, {"con1": record})


async def test_a_refusal_of_the_token_server_repeats_no_secret(called: Called, web: Web) -> None:
    told = {"error": "invalid_grant", "error_description": "r1 sec"}
    web.answers["/token"] = (400, {}, json.dumps(told).encode())
    with pytest.raises(ComponentError, match=r"status code 400 \(invalid_grant\)") as error:
        await called({"oauth_con_id": "con1"}, {"con1": ended(web)})
    assert not {"r1", "sec"} & set(str(error.value).split())


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b"{}", b'{"access_token": 5}'])
async def test_a_token_server_that_grants_nothing_is_told(called: Called, web: Web, body: bytes) -> None:
    web.answers["/token"] = (200, {}, body)
    with pytest.raises(ComponentError, match="token server refused"):
        await called({"oauth_con_id": "con1"}, {"con1": ended(web)})


async def test_client_credentials_are_fetched_and_kept_until_their_end(called: Called, web: Web) -> None:
    grants(web, access_token="cc", expires_in=600)
    data = {
        "oauthService": "OAuth2 Client Credentials",
        "tokenURL": f"{web.url}/token",
        "clientID": "id",
        "clientSecret": "{{KEY(shop)}}",
        "scope": "read write",
    }
    for after in (0, 500):
        assert (await called(data, {"shop": "s3"}, after=after)).headers["authorization"] == "Bearer cc"
    wanted = {"grant_type": "client_credentials", "client_id": "id", "client_secret": "s3", "scope": "read write"}
    assert token_requests(web) == [wanted]
    await called(data, {"shop": "s3"}, after=571)
    await called(data, {"shop": "s4"}, after=571)
    assert [asked["client_secret"] for asked in token_requests(web)] == ["s3", "s3", "s4"]


async def test_client_credentials_without_a_token_url_are_told(called: Called) -> None:
    with pytest.raises(ComponentError, match="needs tokenURL"):
        await called({"oauthService": "oauth2_client_credentials"}, {})


async def test_a_token_server_inside_is_refused(called: Called, outputs_of: Callable[..., Any], web: Web) -> None:
    ports = Ports(vault=MemoryVault({"default": {"con1": json.dumps(ended(web))}}))
    with pytest.raises(ComponentError, match="not a public address"):
        await outputs_of("APICall", {"url": "https://8.8.8.8/", "oauth_con_id": "con1"}, ports=ports)
    assert web.asked == []


def test_an_oauth_1_signature_is_that_of_the_specification() -> None:
    """OAuth Core 1.0, appendix A.5."""
    credentials = _oauth1.Credentials("dpf43f3p2l4k3l03", "kd94hf93k423kf44", "nnch734d00sl2jdk", "pfkkdhi9sl3r4s00")
    header = _oauth1.authorization(
        credentials,
        "get",
        "http://photos.example.net:80/photos?file=vacation.jpg&size=original",
        timestamp=1191242096,
        nonce="kllo9940pd9333jh",
    )
    assert 'oauth_signature="tR3%2BTy81lMeYAr%2FFid0kMTYa%2FWM%3D"' in header


def test_an_oauth_1_signature_covers_the_form_as_it_covers_the_query() -> None:
    def signed(url: str, form: str = "") -> str:
        credentials = _oauth1.Credentials("ck", "cs", "t", "ts")
        return _oauth1.authorization(credentials, "POST", url, form=form, timestamp=1, nonce="n")

    in_query = signed("https://h/x?a=1&status=Hello%20%2b%20%C3%BC")
    assert signed("https://h/x?a=1", "status=Hello+%2B+%C3%BC") == in_query
    assert signed("https://H:443/x?a=1", "status=Hello+%2B+%C3%BC") == in_query
    assert signed("https://h/x?a=1", "status=other") != in_query


async def test_oauth_1_requests_are_signed(called: Called) -> None:
    said = {"type": "oauth", "consumerKey": "ck", "consumerSecret": "cs"}
    record = {"auth_data": {"primary": "t", "secondary": "ts"}, "auth_settings": said}
    asked = await called({"oauth_con_id": "con1"}, {"con1": record})
    header = asked.headers["authorization"]
    assert header.startswith('OAuth oauth_consumer_key="ck", oauth_nonce="')
    assert f'oauth_timestamp="{int(START.timestamp())}", oauth_token="t"' in header
    del record["auth_data"]["secondary"]
    with pytest.raises(ComponentError, match="is not complete"):
        await called({"oauth_con_id": "con1"}, {"con1": record})
