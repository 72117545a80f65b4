"""Tokens that must never be taken, each made as an attacker would who knows everything that is public."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
from jwt.algorithms import RSAAlgorithm

from tests.peers.oidc_server import OidcServer, ec_key, public_pem, rsa_key, unsigned

Attack = Callable[[OidcServer, dict[str, Any]], str]


def _other_key(server: OidcServer, claims: dict[str, Any], **header: Any) -> str:
    return jwt.encode(claims, rsa_key("attacker"), algorithm="RS256", headers={"kid": "rsa-1", **header})


def _hmac(claims: dict[str, Any], secret: bytes, kid: str | None = "rsa-1", algorithm: str = "HS256") -> str:
    """Sign as with a shared secret; libraries refuse to make such tokens of public keys, attackers do not."""
    signed = unsigned({"alg": algorithm, "typ": "JWT", "kid": kid}, claims).rsplit(".", 1)[0]
    signature = hmac.digest(secret, signed.encode(), hashlib.sha256)
    return signed + "." + unsigned({}, {}, signature).rsplit(".", 1)[1]


def _attackers_jwk() -> dict[str, Any]:
    return json.loads(RSAAlgorithm.to_jwk(rsa_key("attacker").public_key())) | {"kid": "mine", "alg": "RS256"}


def _tampered(server: OidcServer, claims: dict[str, Any]) -> str:
    head, _, signature = server.sign(claims).split(".")
    return f"{head}.{unsigned({}, claims | {'sub': 'root'}).split('.')[1]}.{signature}"


def _jku(server: OidcServer, claims: dict[str, Any]) -> str:
    return jwt.encode(
        claims, rsa_key("attacker"), algorithm="RS256", headers={"kid": "mine", "jku": f"{server.url}/attacker.json"}
    )


def _plain(change: dict[str, Any], **header: Any) -> Attack:
    """A token that the issuer itself has signed, but not for this."""
    return lambda server, claims: server.sign(claims | change, **header)


def _now() -> int:
    return int(time.time())


ATTACKS: dict[str, Attack] = {
    "alg none": lambda server, claims: unsigned({"alg": "none", "kid": "rsa-1"}, claims),
    "alg None in capitals": lambda server, claims: unsigned({"alg": "NONE", "kid": "rsa-1"}, claims),
    "alg none with a signature": lambda server, claims: unsigned({"alg": "none", "kid": "rsa-1"}, claims, b"x" * 256),
    "no alg": lambda server, claims: unsigned({"kid": "rsa-1"}, claims),
    "signature cut off": lambda server, claims: server.sign(claims).rsplit(".", 1)[0] + ".",
    "claims changed after signing": _tampered,
    "wrong key": _other_key,
    "key in the header": lambda server, claims: _other_key(server, claims, jwk=_attackers_jwk()),
    "key at an address in the header": _jku,
    "certificate in the header": lambda server, claims: _other_key(server, claims, x5c=["MIIB"], x5u=server.url),
    "HS256 with the public key": lambda server, claims: _hmac(claims, public_pem(rsa_key())),
    "HS256 with the modulus": lambda server, claims: _hmac(
        claims, json.loads(RSAAlgorithm.to_jwk(rsa_key().public_key()))["n"].encode()
    ),
    "HS256 with nothing": lambda server, claims: _hmac(claims, b""),
    "HS256 with a file that kid names": lambda server, claims: _hmac(claims, b"", kid="../../../../dev/null"),
    "RS256 key said to be HS512": lambda server, claims: _hmac(claims, public_pem(rsa_key()), algorithm="HS512"),
    "kid with SQL": lambda server, claims: _hmac(claims, b"x", kid="' UNION SELECT 'x' --"),
    "kid of an object's own member": lambda server, claims: _hmac(claims, b"", kid="__proto__"),
    "kid that is no text": lambda server, claims: unsigned({"alg": "RS256", "kid": {"a": 1}}, claims, b"x" * 256),
    "kid of the other kind of key": lambda server, claims: jwt.encode(
        claims, rsa_key(), algorithm="RS256", headers={"kid": "ec-1"}
    ),
    "ES256 with another curve's key": lambda server, claims: jwt.encode(
        claims, ec_key("attacker"), algorithm="ES256", headers={"kid": "ec-1"}
    ),
    "ES256 signature of zeros": lambda server, claims: unsigned({"alg": "ES256", "kid": "ec-1"}, claims, b"\0" * 64),
    "algorithm that the key does not name": lambda server, claims: jwt.encode(
        claims, rsa_key(), algorithm="RS512", headers={"kid": "rsa-1"}
    ),
    "unknown critical header": _plain({}, crit=["x-policy"], **{"x-policy": "strict"}),
    "expired": _plain({"exp": _now() - 60}),
    "without an end": _plain({"exp": None}),
    "end that is no number": _plain({"exp": "never"}),
    "not valid yet": _plain({"nbf": _now() + 86_400}),
    "issued in the future": _plain({"iat": _now() + 86_400}),
    "other audience": _plain({"client_id": "app-of-others", "aud": "app-of-others"}),
    "no audience": _plain({"client_id": None, "aud": None}),
    "audience in the wrong claim": _plain({"client_id": None, "aud": "app-of-people", "token_use": "access"}),
    "client instead of audience": _plain({"token_use": "id", "aud": None}),
    "token to refresh with": _plain({"token_use": "refresh"}),
    "token of another kind": _plain({}, typ="logout+jwt"),
    "without a subject": _plain({"sub": None}),
    "empty subject": _plain({"sub": ""}),
    "other issuer": _plain({"iss": "https://issuer.example"}),
    "issuer as a list": lambda server, claims: unsigned(
        {"alg": "RS256", "kid": "rsa-1"}, claims | {"iss": [server.url]}
    ),
    "issuer with a slash more": lambda server, claims: server.sign(claims | {"iss": f"{server.url}/"}),
    "huge": _plain({"x": "x" * 9000}),
    "claims that are no object": lambda server, claims: unsigned({"alg": "RS256", "kid": "rsa-1"}, [1], b"x"),  # type: ignore[arg-type]
    "three words": lambda server, claims: "eyJ.eyJ.eyJ",
}
