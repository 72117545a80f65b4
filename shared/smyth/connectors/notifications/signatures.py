"""Signatures of webhooks: who knows the secret can tell that a message is ours, whole and fresh.

The header reads ``t=<seconds since 1970>,v1=<hex>``; the hex is the HMAC-SHA256 of ``<t>.<body>``.
"""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256

HEADER = "smyth-signature"
#: How old a message may be, so that nobody plays an old one again.
TOLERANCE_S = 300

_PREFIX = "whsec_"


def new_secret() -> str:
    """Return a secret to sign with."""
    return _PREFIX + secrets.token_urlsafe(32)


def sign(secret: str, body: bytes, *, at: int) -> str:
    """Return the header that signs ``body`` as sent at a time."""
    return f"t={at},v1={_digest(secret, body, at)}"


def verify(secret: str, body: bytes, header: str, *, now: int, tolerance_s: int = TOLERANCE_S) -> bool:
    """Tell whether ``header`` signs ``body`` and is not too old; receivers do the same."""
    parts = dict(part.strip().partition("=")[::2] for part in header.split(","))
    moment, signature = parts.get("t", ""), parts.get("v1", "")
    if not (moment.isascii() and moment.isdigit() and signature.isascii()):
        return False
    fresh = abs(now - int(moment)) <= tolerance_s
    return hmac.compare_digest(signature, _digest(secret, body, int(moment))) and fresh


def _digest(secret: str, body: bytes, at: int) -> str:
    return hmac.new(secret.encode(), b"%d." % at + body, sha256).hexdigest()
