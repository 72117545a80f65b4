"""Tokens of an issuer that is really there: which are taken, which never, and how often its keys are fetched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jwt
import pytest

from smyth.connectors.identity.issuers import IssuerError, read_issuers
from smyth.connectors.identity.jwks import MAX_AGE_S, REFETCH_S, IssuerUnreachable
from smyth.connectors.identity.tokens import TokenRefused, Tokens
from smyth.platform.access import looks_like_token
from tests.peers.http_service import Reply
from tests.peers.jwt_attacks import ATTACKS
from tests.peers.oidc_server import MACHINE, PEOPLE, OidcServer, jwk, rsa_key


class Ticks:
    """A clock that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def server() -> Iterator[OidcServer]:
    with OidcServer() as running:
        yield running


def tokens_of(server: OidcServer, ticks: Ticks | None = None, **settings: Any) -> Tokens:
    entry = {"issuer": server.url, "audience": [PEOPLE, MACHINE]} | settings
    return Tokens(read_issuers([entry], plain_http=True), ticks=ticks or Ticks())


CLAIMS = {"sub": "ada", "client_id": PEOPLE, "aud": PEOPLE, "token_use": "access"}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_forged_or_misused_token_is_refused(server: OidcServer, attack: str) -> None:
    tokens = tokens_of(server)
    assert tokens.verify(server.sign(CLAIMS)).subject == "ada"
    claims = CLAIMS | {"iss": server.url, "exp": 4102444800}
    with pytest.raises(TokenRefused):
        tokens.verify(ATTACKS[attack](server, claims))
    assert not any("attacker" in asked.path for asked in server.asked)


def test_a_shared_secret_in_the_key_set_is_never_a_key(server: OidcServer) -> None:
    server.further_keys = [
        {"kty": "oct", "kid": "shared", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA", "alg": "HS256"}
    ]
    with pytest.raises(TokenRefused):
        tokens_of(server).verify(ATTACKS["HS256 with nothing"](server, CLAIMS | {"iss": server.url}))
    assert tokens_of(server).verify(server.sign(CLAIMS)).subject == "ada"


@pytest.mark.parametrize("entry", [{"use": "enc"}, {"alg": "RSA-OAEP"}, {"n": "AQAB"}, {"kty": "XYZ"}])
def test_a_key_that_is_not_for_signatures_or_makes_no_sense_counts_as_none(
    server: OidcServer, entry: dict[str, Any]
) -> None:
    server.keys = {"rsa-1": rsa_key()}
    token = server.sign(CLAIMS)
    server.keys = {}
    server.further_keys = [jwk("rsa-1", rsa_key()) | entry, "no object"]  # type: ignore[list-item]
    with pytest.raises(TokenRefused):
        tokens_of(server).verify(token)


def test_access_and_id_tokens_tell_who_signed_in(server: OidcServer) -> None:
    tokens = tokens_of(server, groups_claim="cognito:groups", groups={"staff": "ten-1:viewer"})
    access = tokens.verify(server.access_token("ada", **{"cognito:groups": ["staff", "ten-2:admin", "others"]}))
    assert (access.id, access.machine, access.email) == (f"{server.url}#ada", False, "")
    assert access.grants == ("ten-1:viewer", "ten-2:admin")
    shown = tokens.verify(server.id_token("ada", email="Ada@Example.com", email_verified=True))
    assert (shown.id, shown.email, shown.scopes) == (access.id, "ada@example.com", None)
    assert tokens.verify(server.id_token("ada", email="ada@example.com", email_verified=False)).email == ""


def test_groups_mean_nothing_unless_the_setting_names_their_claim(server: OidcServer) -> None:
    token = server.access_token("ada", **{"cognito:groups": ["ten-2:owner"]})
    assert tokens_of(server).verify(token).grants == ()


def test_a_machines_token_bears_its_scopes(server: OidcServer) -> None:
    machine = tokens_of(server).verify(server.machine_token("smyth/viewer smyth/developer other/owner"))
    assert (machine.subject, machine.machine, machine.scopes) == (MACHINE, True, ("viewer", "developer"))


def test_a_token_of_an_issuer_without_token_use_is_held_to_its_audience(server: OidcServer) -> None:
    plain = {"sub": "ada", "aud": ["others", PEOPLE]}
    assert tokens_of(server).verify(server.sign(plain, kid="ec-1", typ="at+jwt")).subject == "ada"
    with pytest.raises(TokenRefused, match="other_audience"):
        tokens_of(server).verify(server.sign(plain | {"aud": ["others"], "client_id": PEOPLE}))


def test_a_token_without_a_key_name_is_taken_where_there_is_one_key_only(server: OidcServer) -> None:
    claims = CLAIMS | {"iss": server.url, "exp": 4102444800}
    nameless = jwt.encode(claims, rsa_key(), algorithm="RS256")
    with pytest.raises(TokenRefused, match="unknown_key"):
        tokens_of(server).verify(nameless)
    server.keys = {"rsa-1": rsa_key()}
    assert tokens_of(server).verify(nameless).subject == "ada"


def test_keys_are_fetched_once_and_again_when_they_are_old(server: OidcServer) -> None:
    ticks = Ticks()
    tokens = tokens_of(server, ticks)
    for _ in range(3):
        tokens.verify(server.sign(CLAIMS))
    assert (server.fetched(), server.fetched("/.well-known/openid-configuration")) == (1, 1)
    ticks.now += MAX_AGE_S
    tokens.verify(server.sign(CLAIMS))
    assert server.fetched() == 2


def test_a_new_key_is_found_at_once_but_invented_ones_cost_one_fetch_a_minute(server: OidcServer) -> None:
    ticks = Ticks()
    tokens = tokens_of(server, ticks, jwks_url=f"{server.url}/jwks.json")
    tokens.verify(server.sign(CLAIMS))
    server.keys["rsa-2"] = rsa_key("second")
    ticks.now += REFETCH_S
    assert tokens.verify(server.sign(CLAIMS, kid="rsa-2")).subject == "ada"
    server.keys["rsa-3"] = rsa_key("third")
    for _ in range(5):
        with pytest.raises(TokenRefused, match="unknown_key"):
            tokens.verify(server.sign(CLAIMS, kid="rsa-3"))
    assert server.fetched() == 2
    ticks.now += REFETCH_S
    assert tokens.verify(server.sign(CLAIMS, kid="rsa-3")).subject == "ada"


def test_a_withdrawn_key_counts_no_longer_than_keys_are_kept(server: OidcServer) -> None:
    ticks = Ticks()
    tokens = tokens_of(server, ticks)
    token = server.sign(CLAIMS)
    tokens.verify(token)
    del server.keys["rsa-1"]
    ticks.now += MAX_AGE_S
    with pytest.raises(TokenRefused, match="unknown_key"):
        tokens.verify(token)


OUTAGES = [
    Reply({}, 500),
    Reply(b"<html>", 200, "text/html"),
    Reply({"issuer": "https://another.example", "jwks_uri": "https://another.example"}),
    Reply(b" " * 300_000),
    Reply({}, 302, headers={"location": "http://127.0.0.1:1/"}),
]


@pytest.mark.parametrize("outage", OUTAGES)
def test_an_issuer_that_fails_is_asked_again_and_the_last_keys_count_for_an_hour(
    server: OidcServer, outage: Reply
) -> None:
    ticks = Ticks()
    tokens = tokens_of(server, ticks)
    token = server.sign(CLAIMS)
    server.instead = outage
    with pytest.raises(IssuerUnreachable):
        tokens.verify(token)
    asked = len(server.asked)
    with pytest.raises(IssuerUnreachable):
        tokens.verify(token)
    assert len(server.asked) == asked  # Not again within seconds.
    server.instead = None
    ticks.now += 5
    assert tokens.verify(token).subject == "ada"
    server.instead = outage
    ticks.now += 1800
    assert tokens.verify(token).subject == "ada"
    ticks.now += 1800
    with pytest.raises(IssuerUnreachable):
        tokens.verify(token)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("x", "object"),
        ({"audience": "a"}, "issuer"),
        ({"issuer": "https://a.example"}, "audience"),
        ({"issuer": "https://a.example", "audience": [""]}, "audience"),
        ({"issuer": "http://a.example", "audience": "a"}, "https"),
        ({"issuer": "https://a.example", "audience": "a", "jwks_url": "http://a.example/k"}, "https"),
        ({"issuer": "https://a.example", "audience": "a", "color": "red"}, "color"),
    ],
)
def test_a_setting_that_cannot_be_used_is_told(entry: Any, said: str) -> None:
    with pytest.raises(IssuerError, match=said):
        read_issuers([entry])


@pytest.mark.parametrize("credential", ["smyth_abc", "a.b.c", "eyJhbGciOi", "OperatorKey.with.dots", ""])
def test_what_is_no_token_is_not_taken_for_one(credential: str) -> None:
    assert not looks_like_token(credential)
