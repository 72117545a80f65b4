"""Access tokens for Google's cloud from a service account's key (RFC 7523).

google-auth does the same; what is used of it is this one exchange, and the runtime layer has no room to spare.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from smyth.connectors.models.failures import ProviderFailure
from smyth.connectors.models.port import ModelError

if TYPE_CHECKING:
    import httpx

TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LIFETIME_S = 3600
#: A token is not used to its last minute.
_MARGIN_S = 120
_KEPT = 64


class GoogleTokens:
    """Exchanges service accounts for tokens and keeps each until it ends."""

    def __init__(self, token_url: str = TOKEN_URL) -> None:
        self._token_url = token_url
        self._kept: dict[str, tuple[float, str]] = {}

    async def token(self, account: Mapping[str, Any], client: httpx.AsyncClient) -> str:
        """Return an access token.

        Raises:
            ProviderFailure: Google refused the account.
            ModelError: The account has no usable key.
        """
        mark = sha256(json.dumps(account, sort_keys=True).encode()).hexdigest()
        until, token = self._kept.get(mark, (0.0, ""))
        if time.monotonic() < until:
            return token
        form = {"grant_type": _GRANT, "assertion": _assertion(account)}
        answer = await client.post(self._token_url, data=form)
        if answer.status_code != 200:
            raise ProviderFailure("Google refused the service account.", status=401)
        granted = answer.json()
        if len(self._kept) >= _KEPT:
            self._kept.clear()
        self._kept[mark] = (time.monotonic() + float(granted.get("expires_in", 0)) - _MARGIN_S, granted["access_token"])
        return str(granted["access_token"])


def read_account(text: str, source: str) -> dict[str, Any]:
    """Read a service account's JSON.

    Raises:
        ModelError: It is none.
    """
    try:
        account = json.loads(text)
    except ValueError:
        account = None
    if not isinstance(account, dict) or not account.get("client_email") or not account.get("private_key"):
        raise ModelError(f"VertexAI needs the JSON key of a service account in {source}. Set it.", kind="credentials")
    return account


def with_tokens(transport: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
    """Return a transport that says as a token what LiteLLM says as a key: Vertex AI takes no keys."""
    import httpx

    class Bearer(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            request.headers["authorization"] = f"Bearer {request.headers.pop('x-goog-api-key', '')}"
            return await transport.handle_async_request(request)

    return Bearer()


def _assertion(account: Mapping[str, Any]) -> str:
    """Return the signed claim that the account makes."""
    from base64 import urlsafe_b64encode

    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    try:
        key = serialization.load_pem_private_key(str(account["private_key"]).encode(), password=None)
    except ValueError:
        key = None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ModelError(
            "The service account's private_key cannot be read. Download its JSON anew.", kind="credentials"
        )
    now = int(time.time())
    header = {"alg": "RS256", "typ": "JWT", "kid": account.get("private_key_id", "")}
    claims = {
        "iss": account["client_email"], "scope": _SCOPE, "aud": TOKEN_URL, "iat": now, "exp": now + _LIFETIME_S,
    }  # fmt: skip
    parts = [urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)]
    signed = b".".join(parts)
    signature = key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
    return (signed + b"." + urlsafe_b64encode(signature).rstrip(b"=")).decode()
