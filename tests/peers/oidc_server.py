"""An issuer as Cognito is one: discovery, its keys, and tokens for machines (RFC 6749, section 4.4)."""

from __future__ import annotations

import base64
import json
import time
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from tests.peers.http_service import Asked, HttpService, Reply

PEOPLE = "app-of-people"
MACHINE, MACHINE_SECRET = "machine-1", "secret-of-machine-1"
SCOPES = {"smyth/viewer", "smyth/developer", "smyth/admin"}


@cache
def rsa_key(name: str = "first") -> rsa.RSAPrivateKey:
    """A key of its own for each name; making one takes long, so each is made once."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def ec_key(name: str = "first") -> ec.EllipticCurvePrivateKey:
    """Likewise, on the curve P-256."""
    return ec.generate_private_key(ec.SECP256R1())


def public_pem(key: rsa.RSAPrivateKey) -> bytes:
    """What everybody may know of a key."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


class OidcServer(HttpService):
    """Signs with ``keys``, of which it tells the public halves."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: dict[str, Any] = {"rsa-1": rsa_key(), "ec-1": ec_key()}
        #: Entries of the key set beside its own.
        self.further_keys: list[dict[str, Any]] = []
        #: Another answer to everything, such as one of an outage.
        self.instead: Reply | None = None

    def fetched(self, path: str = "/jwks.json") -> int:
        """How often a document was asked for."""
        return sum(asked.path == path for asked in self.asked)

    def answer(self, asked: Asked) -> Reply:
        if self.instead is not None:
            return self.instead
        match asked.method, asked.path:
            case "GET", "/.well-known/openid-configuration":
                return Reply(
                    {
                        "issuer": self.url,
                        "jwks_uri": f"{self.url}/jwks.json",
                        "token_endpoint": f"{self.url}/oauth2/token",
                        "id_token_signing_alg_values_supported": ["RS256"],
                        "subject_types_supported": ["public"],
                    }
                )
            case "GET", "/jwks.json":
                return Reply({"keys": [*(jwk(kid, key) for kid, key in self.keys.items()), *self.further_keys]})
            case "POST", "/oauth2/token":
                return self._token(asked)
        return Reply({"error": "not_found"}, 404)

    def _token(self, asked: Asked) -> Reply:
        form = dict(parse_qsl(asked.body.decode()))
        basic = asked.headers.get("authorization", "").partition("Basic ")[2]
        client, _, secret = base64.b64decode(basic).decode().partition(":")
        if (client, secret) != (MACHINE, MACHINE_SECRET):
            return Reply({"error": "invalid_client"}, 400)
        if form.get("grant_type") != "client_credentials":
            return Reply({"error": "unsupported_grant_type"}, 400)
        scopes = set(form.get("scope", "smyth/developer").split())
        if not scopes <= SCOPES:
            return Reply({"error": "invalid_scope"}, 400)
        token = self.machine_token(" ".join(sorted(scopes)))
        return Reply({"access_token": token, "expires_in": 3600, "token_type": "Bearer"})

    def machine_token(self, scope: str = "smyth/developer") -> str:
        """A token as Cognito gives one for client credentials: no audience, no name."""
        return self.sign({"sub": MACHINE, "client_id": MACHINE, "token_use": "access", "scope": scope})

    def access_token(self, subject: str, **claims: Any) -> str:
        """A person's access token."""
        said = {"sub": subject, "client_id": PEOPLE, "token_use": "access", "username": subject, "scope": "openid"}
        return self.sign(said | claims)

    def id_token(self, subject: str, **claims: Any) -> str:
        """A person's ID token."""
        return self.sign({"sub": subject, "aud": PEOPLE, "token_use": "id", "cognito:username": subject} | claims)

    def sign(self, claims: dict[str, Any], *, kid: str = "rsa-1", **header: Any) -> str:
        """Sign claims with one of its keys; what is None is left out."""
        now = int(time.time())
        said = {"iss": self.url, "iat": now, "exp": now + 3600} | claims
        said = {name: value for name, value in said.items() if value is not None}
        algorithm = "ES256" if kid.startswith("ec") else "RS256"
        return jwt.encode(said, self.keys[kid], algorithm=algorithm, headers={"kid": kid, **header})


def unsigned(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    """A token put together by hand."""
    return ".".join(
        base64.urlsafe_b64encode(part).decode().rstrip("=")
        for part in (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    )


def jwk(kid: str, key: Any) -> dict[str, Any]:
    """A key's entry of the key set."""
    if isinstance(key, rsa.RSAPrivateKey):
        entry = json.loads(RSAAlgorithm.to_jwk(key.public_key()))
        return entry | {"kid": kid, "alg": "RS256", "use": "sig"}
    return json.loads(ECAlgorithm.to_jwk(key.public_key())) | {"kid": kid, "alg": "ES256", "use": "sig"}
