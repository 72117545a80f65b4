"""Conversations of an agent: list, read, delete."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import Query

from smyth.http.answers.conversations import Conversation, WholeConversation
from smyth.http.answers.page import Page
from smyth.http.app import create_app, lambda_handler
from smyth.http.caller import TenantCaller
from smyth.http.paging import Cursor, Limit, page, read_cursor
from smyth.http.services import services
from smyth.platform import conversation_records
from smyth.platform.acl import Asker
from smyth.platform.conversation_records import Owner
from smyth.platform.conversations import USER_PATTERN
from smyth.platform.times import rfc3339

#: Behind the last turn's time and the name of a conversation, or behind a turn's number and a message's in it.
_LISTED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z#[A-Za-z0-9_.-]{1,80}")
_MESSAGE = re.compile(r"(\d{1,6})\.(\d{1,6})")

User = Annotated[
    str, Query(pattern=f"^$|{USER_PATTERN}", description="Whose; without it, those that the tenant has in common.")
]

app = create_app("conversations")


@app.get("/api/agents/{agent_id}/conversations", response_model=Page[Conversation])
def listing(
    caller: TenantCaller, agent_id: str, user: User = "", limit: Limit = 20, cursor: Cursor = ""
) -> dict[str, Any]:
    after = read_cursor(cursor, lambda text: _LISTED.fullmatch(text) is not None)
    owner = _owner(caller, agent_id, user)
    found, place = services().conversations.page(owner, limit=limit, after=after)
    return page([_view(conversation) for conversation in found], place)


@app.get(
    "/api/agents/{agent_id}/conversations/{conversation_id}",
    response_model=WholeConversation,
    response_model_exclude_unset=True,
)
def read(
    caller: TenantCaller,
    agent_id: str,
    conversation_id: str,
    user: User = "",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict[str, Any]:
    after = _MESSAGE.fullmatch(read_cursor(cursor, lambda text: _MESSAGE.fullmatch(text) is not None))
    conversation, messages, place = services().conversations.read(
        _owner(caller, agent_id, user),
        conversation_id,
        limit=limit,
        after=(int(after[1]), int(after[2])) if after else (0, 0),
    )
    return _view(conversation) | page(messages, f"{place[0]}.{place[1]}" if place else "")


@app.delete("/api/agents/{agent_id}/conversations/{conversation_id}", status_code=204)
def delete(caller: TenantCaller, agent_id: str, conversation_id: str, user: User = "") -> None:
    services().conversations.delete(_owner(caller, agent_id, user), conversation_id)


def _owner(caller: TenantCaller, agent_id: str, user: str) -> Owner:
    return Owner(caller.tenant_id, services().agents.get(caller.tenant_id, agent_id, Asker.of(caller)).id, user)


def _view(conversation: conversation_records.Conversation) -> dict[str, Any]:
    return {
        "conversation_id": conversation.id,
        "user": conversation.user or None,
        "title": conversation.title,
        "turns": conversation.turns,
        "tokens": conversation.tokens,
        "created_at": rfc3339(conversation.created_at),
        "updated_at": rfc3339(conversation.updated_at),
    }


handler = lambda_handler(app)
