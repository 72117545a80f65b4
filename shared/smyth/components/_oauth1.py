"""OAuth 1.0a signatures with HMAC-SHA1 (RFC 5849)."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, urlsplit

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who asks, and for whom."""

    consumer_key: str
    consumer_secret: str = field(repr=False)
    token: str = field(repr=False)
    token_secret: str = field(repr=False)


def authorization(
    credentials: Credentials, method: str, url: str, *, form: str = "", timestamp: int, nonce: str
) -> str:
    """Return the ``Authorization`` header of a request (RFC 5849, 3.5.1).

    Args:
        credentials: Of the consumer and the user.
        method: Of the request.
        url: Of the request, encoded.
        form: The body, where it is a form.
        timestamp: Seconds since 1970.
        nonce: Any text that no other request of this second has.
    """
    oauth = {
        "oauth_consumer_key": credentials.consumer_key,
        "oauth_nonce": nonce,
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": str(timestamp),
        "oauth_token": credentials.token,
        "oauth_version": "1.0",
    }
    parts = urlsplit(url)
    sent = [*parse_qsl(parts.query, keep_blank_values=True), *parse_qsl(form, keep_blank_values=True), *oauth.items()]
    parameters = "&".join(f"{name}={value}" for name, value in sorted((_encoded(n), _encoded(v)) for n, v in sent))
    base = "&".join(map(_encoded, (method.upper(), _base_uri(url), parameters)))
    key = f"{_encoded(credentials.consumer_secret)}&{_encoded(credentials.token_secret)}"
    oauth["oauth_signature"] = b64encode(hmac.digest(key.encode(), base.encode(), hashlib.sha1)).decode()
    return "OAuth " + ", ".join(f'{name}="{_encoded(value)}"' for name, value in sorted(oauth.items()))


def _base_uri(url: str) -> str:
    """Return the address without query, and without the port that its scheme has anyway (RFC 5849, 3.4.1.2)."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    scheme = parts.scheme.lower()
    port = f":{parts.port}" if parts.port and parts.port != _PORTS.get(scheme) else ""
    return f"{scheme}://{host}{port}{parts.path or '/'}"


def _encoded(text: str) -> str:
    return quote(text, safe="-._~")
