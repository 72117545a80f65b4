"""How senders sign their webhooks, and what tells one delivery from all others.

A delivery's name comes from what is signed: a name beside it could be changed by whoever plays a message again.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import secrets
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Literal

from smyth.connectors.notifications import signatures

#: ``standard``: standardwebhooks.com. ``smyth``: what this product's own alerts are signed with. Stripe's and GitHub's
#: are theirs.
Scheme = Literal["standard", "smyth", "github", "stripe"]

#: How old a message may be; GitHub's say no time.
TOLERANCE_S = signatures.TOLERANCE_S
_PREFIX = "whsec_"
_MOST_NAME = 200


class SignatureRefused(Exception):
    """The message is not proved to be from who knows the secret; the text tells which proof is missing."""


def new_secret() -> str:
    """Return a secret that all schemes can sign with."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def check(scheme: Scheme, known: Iterable[str], headers: Mapping[str, str], body: bytes, *, now: int) -> str:
    """Check a message and return its delivery's name.

    Args:
        scheme: How its sender signs.
        known: The secrets that count now: two while one replaces the other.
        headers: The message's, by names in small letters.
        body: What came, to the byte.
        now: Seconds since 1970.

    Raises:
        SignatureRefused: It is not signed by one of the secrets, or is too old.
    """
    if scheme == "standard":
        return _standard(known, headers, body, now)
    if scheme == "github":
        return _github(known, headers, body)
    header = headers.get("stripe-signature" if scheme == "stripe" else signatures.HEADER, "")
    _timestamped(known, header, body, now)
    return _event_id(body) if scheme == "stripe" else _digest(body)


def _standard(known: Iterable[str], headers: Mapping[str, str], body: bytes, now: int) -> str:
    """Check by the specification of Standard Webhooks: HMAC-SHA256 of ``<id>.<timestamp>.<body>``."""
    name, moment = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not (name and name.isascii() and len(name) <= _MOST_NAME):
        raise SignatureRefused("The header webhook-id is missing, or not a name of up to 200 characters.")
    _fresh(moment, now)
    given = [text.removeprefix("v1,") for text in headers.get("webhook-signature", "").split() if text[:3] == "v1,"]
    signed = f"{name}.{moment}.".encode() + body
    expected = [base64.b64encode(hmac.new(_key(secret), signed, sha256).digest()).decode() for secret in known]
    _match(given, expected, "webhook-signature")
    return name


def _github(known: Iterable[str], headers: Mapping[str, str], body: bytes) -> str:
    given = headers.get("x-hub-signature-256", "").removeprefix("sha256=")
    _match([given], [_hex(secret, body) for secret in known], "x-hub-signature-256")
    return _digest(body)


def _timestamped(known: Iterable[str], header: str, body: bytes, now: int) -> None:
    """Check ``t=<seconds>,v1=<hex>`` with one or more ``v1``: HMAC-SHA256 of ``<t>.<body>``."""
    parts = [part.strip().partition("=") for part in header.split(",")]
    moment = next((value for name, _, value in parts if name == "t"), "")
    _fresh(moment, now)
    given = [value for name, _, value in parts if name == "v1"]
    signed = f"{moment}.".encode() + body
    _match(given, [_hex(secret, signed) for secret in known], "signature")


def _fresh(moment: str, now: int) -> None:
    if not (moment.isascii() and moment.isdigit() and len(moment) <= 12):
        raise SignatureRefused("The message says no time at which it was signed.")
    if abs(now - int(moment)) > TOLERANCE_S:
        raise SignatureRefused(f"The message was signed more than {TOLERANCE_S} seconds ago; check the sender's clock.")


def _match(given: Iterable[str], expected: Iterable[str], header: str) -> None:
    offered = [text.encode() for text in given if text][:10]
    if not offered:
        raise SignatureRefused(f"The message bears no {header}.")
    matches = [hmac.compare_digest(one, other.encode()) for other in expected for one in offered]
    if not any(matches):
        raise SignatureRefused(f"The {header} is not made with this webhook's secret.")


def _key(secret: str) -> bytes:
    """Return the bytes that a secret of Standard Webhooks stands for; others are taken as they are."""
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return secret.encode()


def _hex(secret: str, signed: bytes) -> str:
    return hmac.new(secret.encode(), signed, sha256).hexdigest()


def _event_id(body: bytes) -> str:
    try:
        name = json.loads(body).get("id")
    except (ValueError, AttributeError, RecursionError):
        name = None
    return name if isinstance(name, str) and 0 < len(name) <= _MOST_NAME and name.isascii() else _digest(body)


def _digest(body: bytes) -> str:
    return sha256(body).hexdigest()
