"""A mailbox that speaks Gmail's API and Google's token endpoint, as far as unread mails need it."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qs

from tests.peers.http_service import Asked, HttpService, Reply

FIRST, SECOND = "ya29.first", "ya29.second"
REFRESH, SECRET = "1//refresh", "GOCSPX-secret"
_MESSAGES = "/gmail/v1/users/me/messages"


def encoded(text: str) -> str:
    """A body as Gmail sends it: URL-safe, without padding."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def mail(identity: str, subject: str = "Hi", text: str = "Grüße") -> dict[str, Any]:
    """A mail with a text, an HTML part and a file."""
    return {
        "id": identity,
        "threadId": f"t-{identity}",
        "labelIds": ["UNREAD", "INBOX"],
        "snippet": text[:10],
        "sizeEstimate": 1234,
        "internalDate": "1700000000123",
        "payload": {
            "mimeType": "multipart/mixed",
            "headers": [
                {"name": "From", "value": "Ann <ann@example.com>"},
                {"name": "To", "value": "bob@example.com"},
                {"name": "Subject", "value": subject},
                {"name": "Date", "value": "Tue, 14 Nov 2023 22:13:20 +0000"},
                {"name": "Message-ID", "value": f"<{identity}@example.com>"},
                {"name": "Received", "value": "by somebody"},
            ],
            "parts": [
                {
                    "mimeType": "multipart/alternative",
                    "parts": [
                        {"mimeType": "text/plain", "filename": "", "body": {"data": encoded(text)}},
                        {"mimeType": "text/html", "filename": "", "body": {"data": encoded(f"<p>{text}</p>")}},
                    ],
                },
                {
                    "mimeType": "text/plain",
                    "filename": "a.txt",
                    "body": {"attachmentId": "att-1", "size": 5},
                },
            ],
        },
    }


class GmailServer(HttpService):
    """Gives out mails to who has the token of the day; an old token is renewed for the refresh token."""

    def __init__(self, *mails: dict[str, Any], token: str = FIRST) -> None:
        super().__init__()
        self.mails = {one["id"]: one for one in mails}
        self.token = token

    def connection(self, **members: Any) -> str:
        """The vault entry of a connection to this server."""
        data = {"primary": FIRST, "secondary": REFRESH, "expires_in": "4102444800000"} | members
        settings = {"type": "oauth2", "tokenURL": f"{self.url}/token", "clientID": "id", "clientSecret": SECRET}
        return json.dumps({"auth_data": data, "auth_settings": settings})

    def answer(self, asked: Asked) -> Reply:
        """See :meth:`HttpService.answer`."""
        if asked.path == "/token":
            return self._renewed(asked)
        if asked.headers.get("authorization") != f"Bearer {self.token}":
            said = {"error": {"code": 401, "message": "Request had invalid authentication credentials."}}
            return Reply(said, 401)
        if asked.path == _MESSAGES:
            assert asked.query["q"] == "is:unread"
            found = [{"id": one["id"], "threadId": one["threadId"]} for one in self.mails.values()]
            most = int(asked.query["maxResults"])
            return Reply(
                {"messages": found[:most], "resultSizeEstimate": len(found)} if found else {"resultSizeEstimate": 0}
            )
        return Reply(self.mails[asked.path.removeprefix(f"{_MESSAGES}/")])

    def _renewed(self, asked: Asked) -> Reply:
        form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
        right = {"grant_type": "refresh_token", "refresh_token": REFRESH, "client_id": "id", "client_secret": SECRET}
        if form != right:
            said = f"Bad token {form.get('refresh_token')} of {form.get('client_secret')}"
            return Reply({"error": "invalid_grant", "error_description": said}, 400)
        return Reply({"access_token": self.token, "expires_in": 3599, "token_type": "Bearer"})
