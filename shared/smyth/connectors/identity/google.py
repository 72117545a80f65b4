"""The tokens with which Google's Pub/Sub proves that a push is its own (OpenID Connect, RS256)."""

from __future__ import annotations

from functools import lru_cache

from smyth.connectors.identity.issuers import Issuer
from smyth.connectors.identity.jwks import Fetch, fetch_json
from smyth.connectors.identity.tokens import TokenRefused, Tokens

ISSUER = "https://accounts.google.com"
_CERTIFICATES = "https://www.googleapis.com/oauth2/v3/certs"


class GooglePushTokens:
    """Checks such tokens."""

    def __init__(self, fetch: Fetch = fetch_json, certificates: str = _CERTIFICATES) -> None:
        self._of = lru_cache(100)(lambda audience: _tokens(audience, fetch, certificates))

    def verify(self, token: str, *, audience: str, service_account: str) -> None:
        """Check a token.

        Args:
            token: From the header ``Authorization: Bearer``.
            audience: For whom the subscription says it is.
            service_account: The address of the account that the subscription pushes as.

        Raises:
            TokenRefused: It is not Google's, has ended, is for somebody else or of another account.
            IssuerUnreachable: Google's keys cannot be had now.
        """
        person = self._of(audience).verify(token)
        if person.email != service_account.lower():
            raise TokenRefused("other_account")


def _tokens(audience: str, fetch: Fetch, certificates: str) -> Tokens:
    issuer = Issuer(ISSUER, audience=frozenset([audience]), jwks_url=certificates)
    return Tokens({ISSUER: issuer}, fetch)
