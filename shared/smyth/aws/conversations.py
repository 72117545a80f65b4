"""Conversations in the table.

============  =================================  ================
item          partition                          sort key
============  =================================  ================
conversation  ``T#<tenant>#C#<conversation>``    ``META``
turn          ``T#<tenant>#C#<conversation>``    ``TURN#<nnnnnn>``
============  =================================  ================

Turns too large for an item lie in the bucket, under
``t/<tenant>/conversations/<conversation>/<nnnnnn>-<holder>.json``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

from smyth.aws.bucket import Bucket
from smyth.aws.table import ConditionFailed, Item, Table, delete, key, put, update
from smyth.platform.conversations import KEEP_TURNS, LEASE, ChatTurn, Conversation, Held
from smyth.platform.times import rfc3339

#: An item holds 400 KB at the most, the rest of the turn included.
_INLINE_BYTES = 350_000
_META = "META"
_TURN_PAGE = 20

_OURS = "#holder = :holder"
_FREE = f"(attribute_not_exists(#holder) OR #busy_until < :now OR {_OURS})"


class DynamoConversations:
    """A :class:`~smyth.platform.conversations.ConversationStore` in the table."""

    def __init__(self, table: Table, bucket: Bucket) -> None:
        self._table = table
        self._bucket = bucket

    def take(
        self, tenant_id: str, conversation_id: str, agent_id: str, holder: str, now: datetime, *, create: bool
    ) -> Conversation | None:
        """See :meth:`smyth.platform.conversations.ConversationStore.take`: one conditional write."""
        condition = f"#agent_id = :agent_id AND {_FREE}"
        write = update(
            _at(tenant_id, conversation_id),
            "SET #agent_id = :agent_id, #holder = :holder, #busy_until = :until, #expires_at = :expires_at, "
            "#turns = if_not_exists(#turns, :none), #created_at = if_not_exists(#created_at, :now), "
            "#updated_at = if_not_exists(#updated_at, :now)",
            {
                "agent_id": agent_id,
                "holder": holder,
                "now": rfc3339(now),
                "until": rfc3339(now + LEASE),
                "expires_at": _expiry(now),
                "none": 0,
            },
            condition=f"attribute_not_exists(#pk) OR ({condition})" if create else condition,
        )
        try:
            item = self._table.write(write, returning=True)
        except ConditionFailed as failed:
            if failed.item.get("agent_id") == agent_id:
                raise Held from None
            return None
        return _conversation(tenant_id, conversation_id, item)

    def append(self, conversation: Conversation, turn: ChatTurn, holder: str) -> bool:
        """See :meth:`smyth.platform.conversations.ConversationStore.append`: one transaction."""
        write = update(
            _at(conversation.tenant_id, conversation.id),
            "SET #turns = :number, #updated_at = :at, #expires_at = :expires_at REMOVE #holder, #busy_until",
            {
                "number": turn.number,
                "seen": conversation.turns,
                "at": rfc3339(turn.at),
                "expires_at": _expiry(turn.at),
                "holder": holder,
            },
            condition=f"{_OURS} AND #turns = :seen",
        )
        try:
            self._table.transact([write, put(self._turn_item(conversation, turn, holder))])
        except ConditionFailed:
            return False
        return True

    def free(self, conversation: Conversation, holder: str) -> None:
        """See :meth:`smyth.platform.conversations.ConversationStore.free`."""
        at = _at(conversation.tenant_id, conversation.id)
        if conversation.turns == 0:
            write = delete(at, condition=f"{_OURS} AND #turns = :none", values={"holder": holder, "none": 0})
        else:
            write = update(at, "REMOVE #holder, #busy_until", {"holder": holder}, condition=_OURS)
        try:
            self._table.write(write)
        except ConditionFailed:
            return  # Another turn has it already.

    def get(self, tenant_id: str, conversation_id: str) -> Conversation | None:
        """See :meth:`smyth.platform.conversations.ConversationStore.get`."""
        item = self._table.get(_partition(tenant_id, conversation_id), _META)
        return _conversation(tenant_id, conversation_id, item) if item else None

    def newest_first(self, tenant_id: str, conversation_id: str, now: datetime) -> Iterator[ChatTurn]:
        """See :meth:`smyth.platform.conversations.ConversationStore.newest_first`."""
        items = self._table.query(
            _partition(tenant_id, conversation_id), prefix="TURN#", newest_first=True, page_size=_TURN_PAGE
        )
        for item in items:
            if item["expires_at"] > now.timestamp():  # Deletion by TTL may come days late.
                yield self._turn(item)

    def _turn_item(self, conversation: Conversation, turn: ChatTurn, holder: str) -> Item:
        partition = _partition(conversation.tenant_id, conversation.id)
        item = key(partition, f"TURN#{turn.number:06d}") | turn.model_dump(exclude={"messages"})
        item |= {"at": rfc3339(turn.at), "expires_at": _expiry(turn.at)}
        body = json.dumps(turn.messages, ensure_ascii=False).encode()
        if len(body) <= _INLINE_BYTES:
            return item | {"messages": body.decode()}
        # Under the holder's name, so that a turn which lost its conversation overwrites nothing.
        place = f"t/{conversation.tenant_id}/conversations/{conversation.id}/{turn.number:06d}-{holder}.json"
        self._bucket.put(place, body, "application/json")
        return item | {"body": place}

    def _turn(self, item: Item) -> ChatTurn:
        text = item["messages"] if "messages" in item else self._bucket.get(item["body"])
        return ChatTurn.model_validate(item | {"messages": json.loads(text or "[]")})


def _partition(tenant_id: str, conversation_id: str) -> str:
    return f"T#{tenant_id}#C#{conversation_id}"


def _at(tenant_id: str, conversation_id: str) -> Item:
    return key(_partition(tenant_id, conversation_id), _META)


def _expiry(moment: datetime) -> int:
    return int((moment + KEEP_TURNS).timestamp())


def _conversation(tenant_id: str, conversation_id: str, item: Item) -> Conversation:
    return Conversation.model_validate(item | {"id": conversation_id, "tenant_id": tenant_id})
