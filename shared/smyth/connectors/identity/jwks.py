"""An issuer's signing keys (RFC 7517): fetched when first needed, kept for minutes, fetched again for a new key."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from smyth.connectors.identity.issuers import Issuer, check_address

#: How long keys are believed; a key that the issuer withdraws counts no longer than that.
MAX_AGE_S = 300.0
#: Tokens with unknown keys make us ask no more often than this: anybody can invent such tokens.
REFETCH_S = 60.0
#: After a failure we ask again sooner.
_RETRY_S = 5.0
#: How long keys are believed while the issuer does not answer.
_OUTAGE_S = 3600.0
_MOST_BYTES = 256 * 1024
_MOST_KEYS = 50

#: What a key may sign with, by its type and curve. No shared secrets: they would turn public keys into passwords.
_ALGORITHMS = {
    ("RSA", None): ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("EC", "P-521"): ("ES512",),
    ("OKP", "Ed25519"): ("EdDSA",),
}

Fetch = Callable[[str], Any]


class IssuerUnreachable(Exception):
    """The issuer's keys cannot be had now."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key, and the algorithms that a token signed by it may name."""

    public: Any
    algorithms: tuple[str, ...]


class KeySet:
    """The keys of one issuer."""

    def __init__(self, issuer: Issuer, fetch: Fetch, ticks: Callable[[], float] = time.monotonic) -> None:
        self._issuer = issuer
        self._fetch = fetch
        self._ticks = ticks
        self._keys: dict[str, SigningKey] = {}
        self._read_at: float | None = None
        self._ask_from = ticks()

    def find(self, kid: str | None) -> SigningKey | None:
        """Return the key that a token names; without a name, the only one there is.

        Raises:
            IssuerUnreachable: The keys are not known and cannot be fetched.
        """
        now = self._ticks()
        stale = self._read_at is None or now - self._read_at >= MAX_AGE_S
        if (stale or self._pick(kid) is None) and now >= self._ask_from:
            self._refresh(now)
        if self._read_at is None or now - self._read_at >= _OUTAGE_S:
            raise IssuerUnreachable(f"The keys of {self._issuer.url} cannot be fetched.")
        return self._pick(kid)

    def _pick(self, kid: str | None) -> SigningKey | None:
        if kid is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(kid)

    def _refresh(self, now: float) -> None:
        """Fetch the keys; where that fails the old ones stay."""
        self._ask_from = now + _RETRY_S
        try:
            listed = self._fetch(self._address())["keys"][:_MOST_KEYS]
        except Exception as error:  # Whatever it was: what an issuer answers is not in our hands.
            print(json.dumps({"level": "WARNING", "message": "issuer failed", "error": repr(error)[:500]}))
            return
        found = {str(entry.get("kid", "")): _signing_key(entry) for entry in listed if isinstance(entry, dict)}
        self._keys = {kid: key for kid, key in found.items() if key is not None}
        self._read_at = now
        self._ask_from = now + REFETCH_S

    def _address(self) -> str:
        """Return where the keys are, by OpenID Connect Discovery where no setting tells."""
        if self._issuer.jwks_url:
            return self._issuer.jwks_url
        told = self._fetch(f"{self._issuer.url.rstrip('/')}/.well-known/openid-configuration")
        if told["issuer"] != self._issuer.url:
            raise IssuerUnreachable(f"{self._issuer.url} says that it is {told['issuer']}.")
        check_address(told["jwks_uri"], plain_http=self._issuer.plain_http)
        return str(told["jwks_uri"])


def fetch_json(url: str) -> Any:
    """Return the JSON document at ``url``.

    Raises:
        Exception: It cannot be had, leads elsewhere, is too large or no JSON.
    """
    import httpx

    timeout = httpx.Timeout(3, connect=2)
    with httpx.stream("GET", url, timeout=timeout, headers={"accept": "application/json"}) as response:
        if response.status_code != 200:
            raise IssuerUnreachable(f"{url} answered {response.status_code}.")
        content = bytearray()
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > _MOST_BYTES:
                raise IssuerUnreachable(f"{url} answered with more than {_MOST_BYTES} bytes.")
    return json.loads(content)


def _signing_key(entry: dict[str, Any]) -> SigningKey | None:
    """Return what an entry of a key set can verify; None for what is not for signatures or not understood."""
    import jwt

    kind = entry.get("kty")
    algorithms = _ALGORITHMS.get((str(kind), None if kind == "RSA" else str(entry.get("crv"))), ())
    if entry.get("alg"):
        algorithms = tuple(one for one in algorithms if one == entry["alg"])
    if not algorithms or entry.get("use", "sig") != "sig":
        return None
    try:
        return SigningKey(jwt.PyJWK(entry, algorithms[0]).key, algorithms)
    except jwt.PyJWTError:
        return None
