"""Signed webhooks: what receivers can tell from a signature, and what becomes of messages that are not taken."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smyth.connectors.http.port import HttpError, HttpReply, HttpRequest
from smyth.connectors.notifications.signatures import HEADER, TOLERANCE_S, new_secret, sign, verify
from smyth.connectors.notifications.webhook import NotDelivered, Webhooks

NOW = 1_780_000_000
#: ``printf '1780000000.{}' | openssl dgst -sha256 -hmac whsec_test``.
OPENSSL = "b609026af9e57aacaa80bc40f33504841d55b898bf7a94ef9c45d964ea2171a4"


class Http:
    """Answers with a status, or fails."""

    def __init__(self, outcome: int | HttpError) -> None:
        self.outcome = outcome
        self.sent: list[HttpRequest] = []

    async def send(self, request: HttpRequest) -> HttpReply:
        self.sent.append(request)
        if isinstance(self.outcome, HttpError):
            raise self.outcome
        return HttpReply(self.outcome, {}, b"", request.url)


def send(http: Http) -> None:
    webhooks = Webhooks(http, clock=lambda: NOW + 0.9)  # type: ignore[arg-type]
    asyncio.run(webhooks.send("https://example.com/x", "whsec_s", b'{"a":1}', message_id="01A"))


def test_a_signature_is_the_hmac_of_time_and_body() -> None:
    assert sign("whsec_test", b"{}", at=NOW) == f"t={NOW},v1={OPENSSL}"


@given(body=st.binary(max_size=50), other=st.binary(max_size=50), secret=st.text(min_size=1, max_size=20))
def test_only_the_same_body_and_secret_verify(body: bytes, other: bytes, secret: str) -> None:
    header = sign(secret, body, at=NOW)
    assert verify(secret, body, header, now=NOW)
    assert verify(secret, other, header, now=NOW) == (other == body)
    assert not verify(secret + "x", body, header, now=NOW)


@pytest.mark.parametrize(("later", "taken"), [(TOLERANCE_S, True), (TOLERANCE_S + 1, False), (-TOLERANCE_S - 1, False)])
def test_an_old_message_does_not_verify(later: int, taken: bool) -> None:
    assert verify("s", b"", sign("s", b"", at=NOW), now=NOW + later) == taken


@pytest.mark.parametrize(
    "header", ["", "t=", "v1=ab", "t=x,v1=ab", f"t={NOW}", f"t={NOW},v1=\u00e9", "t=\u0661,v1=a", ",,="]
)
def test_a_header_that_is_none_does_not_verify(header: str) -> None:
    assert not verify("s", b"", header, now=NOW)


@given(header=st.text(max_size=60))
def test_no_header_makes_the_check_fail_otherwise(header: str) -> None:
    assert not verify("s", b"x", header, now=NOW)


def test_secrets_are_long_and_never_the_same() -> None:
    secrets = {new_secret() for _ in range(50)}
    assert len(secrets) == 50
    assert all(secret.startswith("whsec_") and len(secret) == 49 for secret in secrets)


def test_a_message_is_posted_with_its_id_and_signature() -> None:
    http = Http(204)
    send(http)
    [request] = http.sent
    assert (request.method, request.url, request.body) == ("POST", "https://example.com/x", b'{"a":1}')
    assert request.headers["smyth-message-id"] == "01A"
    assert verify("whsec_s", b'{"a":1}', request.headers[HEADER], now=NOW)


@pytest.mark.parametrize("outcome", [199, 301, 404, 500, HttpError("nobody there")])
def test_what_is_not_taken_is_told(outcome: int | HttpError) -> None:
    with pytest.raises(NotDelivered, match=str(outcome)):
        send(Http(outcome))
