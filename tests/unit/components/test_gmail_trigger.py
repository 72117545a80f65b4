from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from smyth.components.base import Call, ComponentError
from smyth.components.registry import find
from smyth.connectors.ports import Ports
from tests.peers.gmail_server import FIRST, REFRESH, SECOND, SECRET, GmailServer, mail
from tests.unit.components.services import ports_of

OutputsOf = Callable[..., Any]
DATA = {"triggerEndpoint": "mail", "oauth_cred_id": "google", "interval": 5}


def world(server: GmailServer, connection: str | None = None) -> Ports:
    return ports_of({"google": connection or server.connection()}, gmail=server.url)


async def test_an_unread_mail_is_the_payload(outputs_of: OutputsOf) -> None:
    with GmailServer(mail("m1", "Order 7", "Grüße")) as server:
        found = await outputs_of("GmailTrigger", DATA, ports=world(server))
    assert found == {
        "Payload": {
            "email": {
                "id": "m1",
                "threadId": "t-m1",
                "labelIds": ["UNREAD", "INBOX"],
                "snippet": "Grüße",
                "sizeEstimate": 1234,
                "internalDate": "2023-11-14T22:13:20.123Z",
                "headers": {
                    "from": "Ann <ann@example.com>",
                    "to": "bob@example.com",
                    "cc": "",
                    "bcc": "",
                    "subject": "Order 7",
                    "date": "Tue, 14 Nov 2023 22:13:20 +0000",
                    "messageId": "<m1@example.com>",
                },
                "body": {"text": "Grüße", "html": "<p>Grüße</p>"},
                "attachments": [{"filename": "a.txt", "mimeType": "text/plain", "size": 5, "attachmentId": "att-1"}],
                "isUnread": True,
            }
        }
    }


async def test_the_latest_five_are_looped_over_in_order(make_call: Callable[..., Call]) -> None:
    looped: list[str] = []

    async def each(items: list[Any], at_once: int) -> list[list[Any]]:
        looped.extend(item["email"]["id"] for item in items)
        return [[{"id": "X", "name": "X", "result": {"n": number}}] for number, _ in enumerate(items)]

    with GmailServer(*(mail(f"m{number}") for number in range(7))) as server:
        call = replace(make_call("GmailTrigger", DATA, ports=world(server)), each=each)
        found = await find("GmailTrigger").run(call)
    assert looped == ["m0", "m1", "m2", "m3", "m4"]
    assert found == {"Result": [{"n": number} for number in range(5)]}


async def test_an_empty_mailbox_runs_nothing(outputs_of: OutputsOf) -> None:
    with GmailServer() as server:
        assert await outputs_of("GmailTrigger", DATA, ports=world(server)) == {}


async def test_a_token_that_has_ended_is_renewed(outputs_of: OutputsOf) -> None:
    with GmailServer(mail("m1"), token=SECOND) as server:
        connection = server.connection(expires_in="1700000000000")
        found = await outputs_of("GmailTrigger", DATA, ports=world(server, connection))
    assert found["Payload"]["email"]["id"] == "m1"


async def test_the_older_flat_form_is_read(outputs_of: OutputsOf) -> None:
    with GmailServer(mail("m1")) as server:
        found = await outputs_of("GmailTrigger", DATA, ports=world(server, json.dumps({"primary": FIRST})))
    assert found["Payload"]["email"]["id"] == "m1"


@pytest.mark.parametrize("connection", ["not JSON", "[]", "{}"])
async def test_a_connection_that_is_none_is_told(outputs_of: OutputsOf, connection: str) -> None:
    with GmailServer() as server, pytest.raises(ComponentError, match='"google"'):
        await outputs_of("GmailTrigger", DATA, ports=world(server, connection))


async def test_a_missing_connection_is_told(outputs_of: OutputsOf) -> None:
    with pytest.raises(ComponentError, match='no OAuth tokens for the connection "google"'):
        await outputs_of("GmailTrigger", DATA)


async def test_a_refused_token_is_told_without_secrets(outputs_of: OutputsOf) -> None:
    with GmailServer(token=SECOND) as server, pytest.raises(ComponentError, match="invalid authentication") as error:
        await outputs_of("GmailTrigger", DATA, ports=world(server))
    assert FIRST not in str(error.value)


async def test_a_connection_that_was_taken_back_is_told_without_secrets(outputs_of: OutputsOf) -> None:
    with GmailServer() as server:
        connection = json.loads(server.connection(expires_in="1700000000000"))
        connection["auth_settings"]["clientID"] = "other"
        ports = ports_of({"taken back": json.dumps(connection)}, gmail=server.url)
        with pytest.raises(ComponentError, match="connect the account again") as error:
            await outputs_of("GmailTrigger", DATA | {"oauth_cred_id": "taken back"}, ports=ports)
    assert REFRESH not in str(error.value)
    assert SECRET not in str(error.value)
