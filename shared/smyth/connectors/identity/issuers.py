"""The issuers whose tokens this stack takes, as its settings name them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_MEMBERS = {"issuer", "audience", "jwks_url", "groups_claim", "groups", "scope_prefix"}


class IssuerError(ValueError):
    """A setting of an issuer cannot be used."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """One issuer of tokens."""

    #: What tokens bear as ``iss``, to the letter.
    url: str
    #: For whom tokens must be: ``aud``, or Cognito's ``client_id`` of access tokens.
    audience: frozenset[str]
    #: Where its keys are; empty: its discovery document tells.
    jwks_url: str = ""
    #: The claim that lists groups; empty: groups mean nothing here.
    groups_claim: str = ""
    #: Group -> ``<tenant id>:<role>``; a group may also bear such a name itself.
    groups: Mapping[str, str] = field(default_factory=dict)
    #: Scopes of this prefix and a role limit a token to that role.
    scope_prefix: str = "smyth/"
    #: Whether its addresses may be plain HTTP; only on a laptop.
    plain_http: bool = False


def read_issuers(entries: Iterable[Any], *, plain_http: bool = False) -> dict[str, Issuer]:
    """Return issuers by their URL.

    Args:
        entries: Objects with ``issuer``, ``audience`` and what else :class:`Issuer` has.
        plain_http: Whether addresses may be plain HTTP.

    Raises:
        IssuerError: An entry cannot be used.
    """
    issuers = [_issuer(entry, plain_http) for entry in entries]
    return {issuer.url: issuer for issuer in issuers}


def check_address(url: str, *, plain_http: bool) -> None:
    """Refuse an address at which anybody could answer in the issuer's place.

    Raises:
        IssuerError: It is no address, or not HTTPS.
    """
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    if parts.scheme not in (("https", "http") if plain_http else ("https",)) or not parts.hostname:
        raise IssuerError(f'"{url}" is no https address. Write it like https://login.example.com.')


def _issuer(entry: Any, plain_http: bool) -> Issuer:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("issuer"), str):
        raise IssuerError('An issuer is an object with the members "issuer" and "audience".')
    url = entry["issuer"]
    unknown = sorted(entry.keys() - _MEMBERS)
    if unknown:
        raise IssuerError(
            f'The issuer {url} has the unknown member "{unknown[0]}". Known: {", ".join(sorted(_MEMBERS))}.'
        )
    audience = entry.get("audience")
    named = frozenset([audience] if isinstance(audience, str) else audience or ())
    if not named or not all(isinstance(one, str) and one for one in named):
        raise IssuerError(f"The issuer {url} needs an audience: the client ids for which its tokens are made.")
    check_address(url, plain_http=plain_http)
    jwks_url = str(entry.get("jwks_url") or "")
    if jwks_url:
        check_address(jwks_url, plain_http=plain_http)
    return Issuer(
        url=url,
        audience=named,
        jwks_url=jwks_url,
        groups_claim=str(entry.get("groups_claim") or ""),
        groups=dict(entry.get("groups") or {}),
        scope_prefix=str(entry.get("scope_prefix") or "smyth/"),
        plain_http=plain_http,
    )
