"""Tokens of people and machines (RFC 7519, RFC 9068, OpenID Connect): checked, never believed.

A token's header names a key of its issuer and nothing else: keys and addresses in it (``jwk``, ``jku``, ``x5u``) are
not looked at, and which algorithms count is the key's matter (RFC 8725).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from smyth.connectors.identity.issuers import Issuer
from smyth.connectors.identity.jwks import Fetch, KeySet, fetch_json

#: How far clocks may be apart.
LEEWAY_S = 30
_MOST_CHARACTERS = 8192
#: What ``typ`` may be; a token of another kind was made for another purpose.
_TYPES = {"", "jwt", "at+jwt", "application/at+jwt"}
_MOST_GROUPS = 200
#: Our words for what PyJWT finds wrong; all else is malformed.
_REASONS = {
    "ExpiredSignatureError": "expired",
    "ImmatureSignatureError": "not_yet_valid",
    "InvalidSignatureError": "wrong_signature",
    "InvalidAlgorithmError": "wrong_algorithm",
    "MissingRequiredClaimError": "claim_missing",
}


class TokenRefused(Exception):
    """The token is not one of ours; ``reason`` is for the log and the audit, not for who sent it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Person:
    """Who signed in: a person, or a machine by client credentials."""

    issuer: str
    subject: str
    #: Only when the issuer has verified it.
    email: str = ""
    machine: bool = False
    #: ``<tenant id>:<role>`` of each group that says so.
    grants: tuple[str, ...] = ()
    #: The roles that the token's scopes name; None: no scope limits it.
    scopes: tuple[str, ...] | None = None

    @property
    def id(self) -> str:
        """Return what tells this one from all others: a subject is unique within its issuer only."""
        return f"{self.issuer}#{self.subject}"


class Tokens:
    """Checks tokens of the issuers that the stack names."""

    def __init__(
        self,
        issuers: Mapping[str, Issuer],
        fetch: Fetch = fetch_json,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuers = issuers
        self._keys = {url: KeySet(issuer, fetch, ticks) for url, issuer in issuers.items()}

    def verify(self, token: str) -> Person:
        """Return whom a token stands for.

        Raises:
            TokenRefused: It is forged, has ended, is for somebody else, or not understood.
            IssuerUnreachable: The issuer's keys cannot be had now.
        """
        import jwt

        if len(token) > _MOST_CHARACTERS:
            raise TokenRefused("too_long")
        try:
            header = jwt.get_unverified_header(token)
            issuer = self._issuers.get(_text(jwt.decode(token, options={"verify_signature": False}), "iss"))
            if issuer is None:
                raise TokenRefused("unknown_issuer")
            if str(header.get("typ") or "").lower() not in _TYPES:
                raise TokenRefused("wrong_type")
            key = self._keys[issuer.url].find(header.get("kid"))
            if key is None:
                raise TokenRefused("unknown_key")
            claims = jwt.decode(
                token,
                key.public,
                algorithms=list(key.algorithms),
                issuer=issuer.url,
                leeway=LEEWAY_S,
                options={
                    "require": ["exp", "iss", "sub"],
                    "verify_aud": False,  # Done below: Cognito's access tokens bear client_id instead.
                    "enforce_minimum_key_length": True,
                },
            )
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as error:
            raise TokenRefused(_REASONS.get(type(error).__name__, "malformed")) from None
        _check_audience(claims, issuer)
        return _person(claims, issuer)


def _check_audience(claims: Mapping[str, Any], issuer: Issuer) -> None:
    use = claims.get("token_use")
    if use == "access":
        named = {_text(claims, "client_id")}
    elif use in (None, "id"):
        audience = claims.get("aud")
        named = {one for one in (audience if isinstance(audience, list) else [audience]) if isinstance(one, str)}
    else:
        raise TokenRefused("wrong_use")
    if not named & issuer.audience:
        raise TokenRefused("other_audience")


def _person(claims: Mapping[str, Any], issuer: Issuer) -> Person:
    if not claims["sub"]:
        raise TokenRefused("no_subject")
    verified = claims.get("email_verified") in (True, "true")  # Cognito writes it as text in some flows.
    return Person(
        issuer=issuer.url,
        subject=claims["sub"],
        email=_text(claims, "email").strip().lower() if verified else "",
        machine=claims["sub"] in (claims.get("client_id"), claims.get("azp")),
        grants=_grants(claims, issuer),
        scopes=_scopes(claims, issuer),
    )


def _grants(claims: Mapping[str, Any], issuer: Issuer) -> tuple[str, ...]:
    listed = claims.get(issuer.groups_claim) if issuer.groups_claim else None
    groups = [listed] if isinstance(listed, str) else listed if isinstance(listed, list) else []
    named = (issuer.groups.get(group, group) for group in groups[:_MOST_GROUPS] if isinstance(group, str))
    return tuple(name for name in named if ":" in name)


def _scopes(claims: Mapping[str, Any], issuer: Issuer) -> tuple[str, ...] | None:
    prefix = issuer.scope_prefix
    named = [scope.removeprefix(prefix) for scope in _text(claims, "scope").split() if scope.startswith(prefix)]
    return tuple(named) if named else None


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) else ""
