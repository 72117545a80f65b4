"""Conversations in the table.

==============  ======================================  ==============================
item            partition                               sort key
==============  ======================================  ==============================
conversation    ``T#<tenant>#C#[<user>#]<name>``        ``META``
turn            ``T#<tenant>#C#[<user>#]<name>``        ``TURN#<life>#<nnnnnn>``
for listing     ``T#<tenant>#CHATS#<agent>``            ``<user>#<last turn>#<name>``
==============  ======================================  ==============================

A conversation that is deleted and begun again under the same name has another life, so what a crash leaves of the
first is never seen again. Attachments lie in the bucket, and turns too large for an item: under
``t/<tenant>/conversations/[@<user>/]<name>/<life>/``. Their tag lets the bucket forget them after their turns.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

from smyth.aws.bucket import Bucket
from smyth.aws.storage import EXPIRES_DAYS, EXPIRES_TAG
from smyth.aws.table import ConditionFailed, Item, Table, Write, delete, key, put, update
from smyth.platform.conversation_records import ChatTurn, Conversation, Owner
from smyth.platform.conversation_store import LEASE, Held
from smyth.platform.times import rfc3339

#: An item holds 400 KB at the most, the rest of the turn included.
_INLINE_BYTES = 350_000
_META = "META"
_TURN_PAGE = 20

_OURS = "#holder = :holder"
_FREE = f"(attribute_not_exists(#holder) OR #busy_until < :now OR {_OURS})"


class DynamoConversations:
    """A :class:`~smyth.platform.conversation_store.ConversationStore` in the table."""

    def __init__(self, table: Table, bucket: Bucket) -> None:
        self._table = table
        self._bucket = bucket

    def take(
        self, owner: Owner, conversation_id: str, holder: str, now: datetime, *, create: bool, keep: timedelta
    ) -> Conversation | None:
        """See :meth:`smyth.platform.conversation_store.ConversationStore.take`: one conditional write."""
        condition = f"#agent_id = :agent_id AND {_FREE}"
        write = update(
            key(_partition(owner, conversation_id), _META),
            "SET #agent_id = :agent_id, #holder = :holder, #busy_until = :until, #expires_at = :expires_at, "
            "#turns = if_not_exists(#turns, :none), #life = if_not_exists(#life, :holder), "
            "#created_at = if_not_exists(#created_at, :now), #updated_at = if_not_exists(#updated_at, :now)",
            {
                "agent_id": owner.agent_id,
                "holder": holder,
                "now": rfc3339(now),
                "until": rfc3339(now + LEASE),
                "expires_at": _expiry(now, keep),
                "none": 0,
            },
            condition=f"attribute_not_exists(#pk) OR ({condition})" if create else condition,
        )
        try:
            item = self._table.write(write, returning=True)
        except ConditionFailed as failed:
            if failed.item.get("agent_id") == owner.agent_id:
                raise Held from None
            return None
        return _conversation(owner, conversation_id, item)

    def append(
        self, conversation: Conversation, turn: ChatTurn, holder: str, *, texts: dict[str, str], keep: timedelta
    ) -> bool:
        """See :meth:`smyth.platform.conversation_store.ConversationStore.append`: one transaction."""
        ended = conversation.model_copy(update={"turns": turn.number, "updated_at": turn.at})
        news = ended.model_dump(include={"title", "tokens", "summary", "summarised", "turns"})
        news |= {"updated_at": rfc3339(turn.at), "expires_at": _expiry(turn.at, keep)}
        for sha256, text in texts.items():
            # Again in each turn that has it: the newest decides when it may go.
            self._put(_attachment(conversation, sha256), text.encode("utf-8", "surrogatepass"), "text/plain", keep)
        write = update(
            _at(conversation),
            f"SET {', '.join(f'#{name} = :{name}' for name in news)} REMOVE #holder, #busy_until",
            news | {"seen": conversation.turns, "holder": holder},
            condition=f"{_OURS} AND #turns = :seen",
        )
        writes = [write, put(self._turn_item(conversation, turn, holder, keep)), *_relisted(conversation, ended, news)]
        try:
            self._table.transact(writes)
        except ConditionFailed:
            return False
        return True

    def free(self, conversation: Conversation, holder: str) -> None:
        """See :meth:`smyth.platform.conversation_store.ConversationStore.free`."""
        at = _at(conversation)
        if conversation.turns == 0:
            write = delete(at, condition=f"{_OURS} AND #turns = :none", values={"holder": holder, "none": 0})
        else:
            write = update(at, "REMOVE #holder, #busy_until", {"holder": holder}, condition=_OURS)
        try:
            self._table.write(write)
        except ConditionFailed:
            return  # Another turn has it already, or it was deleted.

    def get(self, owner: Owner, conversation_id: str) -> Conversation | None:
        """See :meth:`smyth.platform.conversation_store.ConversationStore.get`."""
        item = self._table.get(_partition(owner, conversation_id), _META)
        if item is None or item["agent_id"] != owner.agent_id:
            return None
        return _conversation(owner, conversation_id, item)

    def listed(self, owner: Owner, now: datetime, after: str = "") -> Iterator[tuple[str, Conversation]]:
        """See :meth:`smyth.platform.conversation_store.ConversationStore.listed`."""
        prefix = f"{owner.user}#"
        items = self._table.query(
            _list(owner.tenant_id, owner.agent_id),
            prefix=prefix,
            newest_first=True,
            after=prefix + after if after else "",
        )
        for item in items:
            if item["expires_at"] > now.timestamp():
                yield item["sk"].removeprefix(prefix), _from_list(owner.tenant_id, owner.agent_id, item)

    def of_agent(self, tenant_id: str, agent_id: str) -> Iterator[Conversation]:
        """See :meth:`smyth.platform.conversation_store.ConversationStore.of_agent`."""
        return (_from_list(tenant_id, agent_id, item) for item in self._table.query(_list(tenant_id, agent_id)))

    def newest_first(self, conversation: Conversation, now: datetime) -> Iterator[ChatTurn]:
        """See :meth:`smyth.platform.conversation_store.ConversationStore.newest_first`."""
        items = self._table.query(
            _partition(conversation.owner, conversation.id),
            prefix=_turn_prefix(conversation),
            newest_first=True,
            page_size=_TURN_PAGE,
        )
        return self._kept(items, now)

    def oldest_first(self, conversation: Conversation, now: datetime, first: int) -> Iterator[ChatTurn]:
        """See :meth:`smyth.platform.conversation_store.ConversationStore.oldest_first`."""
        prefix = _turn_prefix(conversation)
        items = self._table.query(
            _partition(conversation.owner, conversation.id),
            prefix=prefix,
            after=f"{prefix}{first - 1:06d}" if first > 1 else "",
            page_size=_TURN_PAGE,
        )
        return self._kept(items, now)

    def attachment(self, conversation: Conversation, sha256: str) -> str | None:
        """See :meth:`smyth.platform.conversation_store.ConversationStore.attachment`."""
        text = self._bucket.get(_attachment(conversation, sha256))
        return None if text is None else text.decode("utf-8", "surrogatepass")

    def delete(self, conversation: Conversation) -> bool:
        """See :meth:`smyth.platform.conversation_store.ConversationStore.delete`."""
        seen = {"life": conversation.life, "turns": conversation.turns}
        unchanged = "#life = :life AND #turns = :turns"
        writes = [delete(_at(conversation), condition=f"attribute_not_exists(#pk) OR ({unchanged})", values=seen)]
        if conversation.turns:
            writes.append(delete(_listed_at(conversation)))
        try:
            self._table.transact(writes)
        except ConditionFailed:
            return False
        # Nothing leads to the rest any more. A turn that is at work finds no conversation to write to.
        turns = self._table.query(
            _partition(conversation.owner, conversation.id), prefix=_turn_prefix(conversation), fields="#pk, #sk"
        )
        self._table.delete_many([key(item["pk"], item["sk"]) for item in turns])
        self._bucket.delete(*self._bucket.keys(_folder(conversation)))
        return True

    def _kept(self, items: Iterator[Item], now: datetime) -> Iterator[ChatTurn]:
        for item in items:
            if item["expires_at"] > now.timestamp():  # Deletion by TTL may come days late.
                yield self._turn(item)

    def _turn_item(self, conversation: Conversation, turn: ChatTurn, holder: str, keep: timedelta) -> Item:
        item = key(_partition(conversation.owner, conversation.id), f"{_turn_prefix(conversation)}{turn.number:06d}")
        item |= turn.model_dump(exclude={"messages"})
        item |= {"at": rfc3339(turn.at), "expires_at": _expiry(turn.at, keep)}
        # Models may write halves of characters, which no store takes.
        body = json.dumps(turn.messages, ensure_ascii=False).encode("utf-8", "replace")
        if len(body) <= _INLINE_BYTES:
            return item | {"messages": body.decode()}
        # Under the holder's name, so that a turn which lost its conversation overwrites nothing.
        place = f"{_folder(conversation)}{turn.number:06d}-{holder}.json"
        self._put(place, body, "application/json", keep)
        return item | {"body": place}

    def _put(self, place: str, body: bytes, content_type: str, keep: timedelta) -> None:
        # A day more than the item, which the table forgets at its second.
        days = next((days for days in EXPIRES_DAYS if days > keep.days), EXPIRES_DAYS[-1])
        self._bucket.put(place, body, content_type, tags={EXPIRES_TAG: str(days)})

    def _turn(self, item: Item) -> ChatTurn:
        text = item["messages"] if "messages" in item else self._bucket.get(item["body"])
        return ChatTurn.model_validate(item | {"messages": json.loads(text or "[]")})


def _partition(owner: Owner, conversation_id: str) -> str:
    user = f"{owner.user}#" if owner.user else ""
    return f"T#{owner.tenant_id}#C#{user}{conversation_id}"


def _at(conversation: Conversation) -> Item:
    return key(_partition(conversation.owner, conversation.id), _META)


def _turn_prefix(conversation: Conversation) -> str:
    return f"TURN#{conversation.life}#"


def _folder(conversation: Conversation) -> str:
    user = f"@{conversation.user}/" if conversation.user else ""
    return f"t/{conversation.tenant_id}/conversations/{user}{conversation.id}/{conversation.life}/"


def _attachment(conversation: Conversation, sha256: str) -> str:
    return f"{_folder(conversation)}attachments/{sha256}"


def _list(tenant_id: str, agent_id: str) -> str:
    return f"T#{tenant_id}#CHATS#{agent_id}"


def _listed_at(conversation: Conversation) -> Item:
    place = f"{conversation.user}#{rfc3339(conversation.updated_at)}#{conversation.id}"
    return key(_list(conversation.tenant_id, conversation.agent_id), place)


def _relisted(before: Conversation, ended: Conversation, news: Item) -> list[Write]:
    """Return what moves a conversation to the top of its list."""
    shown = ended.model_dump(include={"id", "user", "life", "turns", "title", "tokens"})
    times = {"created_at": rfc3339(ended.created_at), "updated_at": news["updated_at"]}
    at = _listed_at(ended)
    moved = [put(at | shown | times | {"expires_at": news["expires_at"]})]
    if before.turns and _listed_at(before) != at:
        moved.append(delete(_listed_at(before)))
    return moved


def _from_list(tenant_id: str, agent_id: str, item: Item) -> Conversation:
    return Conversation.model_validate(item | {"tenant_id": tenant_id, "agent_id": agent_id})


def _expiry(moment: datetime, keep: timedelta) -> int:
    return int((moment + keep).timestamp())


def _conversation(owner: Owner, conversation_id: str, item: Item) -> Conversation:
    given = {"id": conversation_id, "tenant_id": owner.tenant_id, "user": owner.user}
    return Conversation.model_validate(item | given)
