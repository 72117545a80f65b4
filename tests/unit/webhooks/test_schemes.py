"""Who signed a webhook that came in, and whether it came before."""

from __future__ import annotations

import base64
import hmac
from hashlib import sha256

import pytest

from smyth.connectors.hooks.schemes import Scheme, SignatureRefused, check, new_secret
from smyth.connectors.notifications.signatures import sign

_NOW = 1_700_000_000
_SECRET = new_secret()
_BODY = b'{"id": "evt_1", "type": "ping"}'


def _hex(secret: str, signed: bytes) -> str:
    return hmac.new(secret.encode(), signed, sha256).hexdigest()


def _standard(body: bytes = _BODY, *, name: str = "msg_1", at: int = _NOW, secret: str = _SECRET) -> dict[str, str]:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    made = base64.b64encode(hmac.new(key, f"{name}.{at}.".encode() + body, sha256).digest()).decode()
    return {"webhook-id": name, "webhook-timestamp": str(at), "webhook-signature": f"v1,{made}"}


def _signed(scheme: Scheme, *, at: int = _NOW, secret: str = _SECRET) -> dict[str, str]:
    if scheme == "standard":
        return _standard(at=at, secret=secret)
    if scheme == "github":
        return {"x-hub-signature-256": f"sha256={_hex(secret, _BODY)}", "x-github-delivery": "guid"}
    if scheme == "stripe":
        return {"stripe-signature": f"t={at},v1={_hex(secret, b'%d.' % at + _BODY)},v0=old"}
    return {"smyth-signature": sign(secret, _BODY, at=at)}


_ALL: list[Scheme] = ["standard", "smyth", "github", "stripe"]


def test_the_example_of_the_standards_own_specification_is_taken() -> None:
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    found = check("standard", [secret], headers, b'{"test": 2432232314}', now=1614265330)
    assert found == "msg_p5jXN8AQM9LWM0D4loKWxJek"


@pytest.mark.parametrize("scheme", _ALL)
def test_a_signed_message_is_taken_and_bears_the_same_name_when_it_comes_again(scheme: Scheme) -> None:
    first = check(scheme, [_SECRET], _signed(scheme), _BODY, now=_NOW)
    assert first == check(scheme, [_SECRET], _signed(scheme, at=_NOW - 60), _BODY, now=_NOW)


def test_names_are_the_senders_where_they_are_signed_and_else_the_bodys() -> None:
    digest = sha256(_BODY).hexdigest()
    names = {scheme: check(scheme, [_SECRET], _signed(scheme), _BODY, now=_NOW) for scheme in _ALL}
    assert names == {"standard": "msg_1", "smyth": digest, "github": digest, "stripe": "evt_1"}


def test_a_message_played_again_under_another_name_is_the_same_delivery() -> None:
    again = _signed("github") | {"x-github-delivery": "another"}
    assert check("github", [_SECRET], again, _BODY, now=_NOW) == sha256(_BODY).hexdigest()
    with pytest.raises(SignatureRefused, match="not made with"):
        check("standard", [_SECRET], _standard() | {"webhook-id": "msg_2"}, _BODY, now=_NOW)


@pytest.mark.parametrize("scheme", _ALL)
def test_other_secrets_changed_bodies_and_bare_messages_are_refused(scheme: Scheme) -> None:
    for headers, body in (
        (_signed(scheme, secret=new_secret()), _BODY),
        (_signed(scheme), _BODY + b" "),
        ({}, _BODY),
        (dict.fromkeys(_signed(scheme), ""), _BODY),
        (dict.fromkeys(_signed(scheme), "ü,t=²,v1=x"), _BODY),
    ):
        with pytest.raises(SignatureRefused):
            check(scheme, [_SECRET], headers, body, now=_NOW)
    with pytest.raises(SignatureRefused):
        check(scheme, [], _signed(scheme), _BODY, now=_NOW)


@pytest.mark.parametrize("scheme", ["standard", "smyth", "stripe"])
@pytest.mark.parametrize("at", [_NOW - 301, _NOW + 301])
def test_old_messages_and_those_of_the_future_are_refused(scheme: Scheme, at: int) -> None:
    with pytest.raises(SignatureRefused, match="300 seconds"):
        check(scheme, [_SECRET], _signed(scheme, at=at), _BODY, now=_NOW)


@pytest.mark.parametrize("scheme", _ALL)
def test_both_secrets_count_while_one_replaces_the_other(scheme: Scheme) -> None:
    newer = new_secret()
    for secret in (_SECRET, newer):
        assert check(scheme, [newer, _SECRET], _signed(scheme, secret=secret), _BODY, now=_NOW)


def test_stripes_event_without_an_id_is_named_by_its_body() -> None:
    for body in (b"[1]", b"{}", b'{"id": 3}', b"no json", b"[" * 100_000):
        headers = {"stripe-signature": f"t={_NOW},v1={_hex(_SECRET, b'%d.' % _NOW + body)}"}
        assert check("stripe", [_SECRET], headers, body, now=_NOW) == sha256(body).hexdigest()
