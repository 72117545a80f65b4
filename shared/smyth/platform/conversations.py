"""Chat memory: conversations of an agent's users, turn by turn.

A turn begins by taking the conversation and ends by writing the whole turn or
nothing. One turn at a time has the conversation; a second waits, so turns neither
interleave nor get lost. Who goes silent loses it when the lease ends.
"""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from itertools import islice
from typing import Any

from smyth.platform.attachments import put_back, set_aside, shown, text_of
from smyth.platform.conversation_records import ChatTurn, Conversation, Owner, Summary
from smyth.platform.conversation_store import ConversationStore, Held
from smyth.platform.errors import Conflict, NotFound
from smyth.platform.ids import is_id, new_id
from smyth.platform.times import Clock, utc_now

CONVERSATION = "cnv"
#: Turns are forgotten this many days after they were spoken, unless the agent says otherwise.
KEEP_DAYS = 90
#: Ids that a client may choose.
ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,79}$"
#: Users as clients name them: numbers, names, e-mail addresses, ids of identity providers.
USER_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.@|:+-]{0,127}$"

_PATIENCE_S = 10.0
#: More than any model is sent; older turns are not even read.
_MOST_CHARACTERS = 1_000_000
_LONGEST_TITLE = 80
_ATTEMPTS = 20


class Conversations:
    """The use cases of chat memory. A foreign conversation is as unknown as one that does not exist."""

    def __init__(self, store: ConversationStore, clock: Clock = utc_now, *, patience_s: float = _PATIENCE_S) -> None:
        self._store = store
        self._now = clock
        self._patience_s = patience_s

    def begin(
        self, owner: Owner, conversation_id: str | None, holder: str, *, keep_days: int = KEEP_DAYS
    ) -> Conversation:
        """Take a conversation for a turn, waiting while another turn is at work.

        Args:
            owner: Whose conversation, and with which agent.
            conversation_id: None for a new one. A name that the client chose is made when missing.
            holder: Names the turn.
            keep_days: How long turns are kept.

        Raises:
            NotFound: There is no such conversation with this agent.
            Conflict: The other turn takes too long.
        """
        create = conversation_id is None or not is_id(CONVERSATION, conversation_id)
        conversation_id = conversation_id or new_id(CONVERSATION)
        keep = timedelta(days=keep_days)
        deadline = time.monotonic() + self._patience_s
        while True:
            try:
                taken = self._store.take(owner, conversation_id, holder, self._now(), create=create, keep=keep)
            except Held:
                if time.monotonic() >= deadline:
                    raise Conflict(
                        "Another message of this conversation is still being answered. Send this one again after it.",
                        retry_after_s=2,
                    ) from None
                time.sleep(random.uniform(0.05, 0.25))  # noqa: S311 - spreads callers, guards nothing
                continue
            if taken is None:
                raise _unknown(conversation_id)
            return taken

    def renew(self, conversation: Conversation, holder: str, *, keep_days: int = KEEP_DAYS) -> None:
        """Keep the conversation for a turn that takes long.

        Raises:
            Held: It was lost to another turn.
        """
        keep = timedelta(days=keep_days)
        self._store.take(conversation.owner, conversation.id, holder, self._now(), create=False, keep=keep)

    def end(
        self,
        conversation: Conversation,
        holder: str,
        messages: list[dict[str, Any]],
        *,
        model: str,
        input_tokens: int,
        output_tokens: int,
        keep_days: int = KEEP_DAYS,
        summary: Summary | None = None,
        names: Mapping[str, str] | None = None,
    ) -> None:
        """Remember a finished turn and let the next one in.

        Args:
            conversation: As it was when the turn began.
            holder: Names the turn.
            messages: What was said.
            model: Who answered.
            input_tokens: What the model was sent.
            output_tokens: What it wrote.
            keep_days: How long the turn is kept.
            summary: Made in this turn, of earlier ones.
            names: What people call the attachments, by their data URLs.

        Raises:
            Conflict: The conversation was deleted, or the turn took so long that another one took it over; it is
                not remembered.
        """
        left, attachments, texts = set_aside(messages, names)
        turn = ChatTurn(
            number=conversation.turns + 1,
            messages=left,
            attachments=attachments,
            model=model,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            at=self._now(),
        )
        news: dict[str, Any] = {"tokens": conversation.tokens + input_tokens + output_tokens}
        if not conversation.title:
            news["title"] = _title(left)
        if summary is not None:
            news |= {"summary": summary.text, "summarised": summary.until}
        known = conversation.model_copy(update=news)
        if not self._store.append(known, turn, holder, texts=texts, keep=timedelta(days=keep_days)):
            raise Conflict(
                "This message is not remembered: its conversation was deleted meanwhile, or the answer took so long "
                "that another message overtook it. Send it again, or begin a new conversation."
            )

    def abandon(self, conversation: Conversation, holder: str) -> None:
        """Let the next turn in without remembering this one."""
        self._store.free(conversation, holder)

    def turns(self, conversation: Conversation) -> list[ChatTurn]:
        """Return the turns that no summary covers, oldest first: as many of the newest as any model takes.

        Attachments are in their places again, those of the newest turns first.
        """
        turns = self._newest(conversation, beyond=conversation.summarised)

        def read(sha256: str) -> str | None:
            return self._store.attachment(conversation, sha256)

        whole = put_back([(turn.messages, turn.attachments) for turn in turns], read)
        return [turn.model_copy(update={"messages": said}) for turn, said in zip(turns, whole, strict=True)][::-1]

    def get(self, owner: Owner, conversation_id: str) -> Conversation:
        """Return a conversation.

        Raises:
            NotFound: There is no such conversation with this agent.
        """
        conversation = self._store.get(owner, conversation_id) if re.match(ID_PATTERN, conversation_id) else None
        if conversation is None:
            raise _unknown(conversation_id)
        return conversation

    def history(self, owner: Owner, conversation_id: str) -> list[dict[str, Any]]:
        """Return what user and agent said to each other, oldest first, for people to read.

        Raises:
            NotFound: There is no such conversation with this agent.
        """
        return [
            _spoken(turn, index, message)
            for turn in reversed(self._newest(self.get(owner, conversation_id)))
            for index, message in enumerate(turn.messages)
            if message["role"] in ("user", "assistant") and message.get("content")
        ]

    def page(self, owner: Owner, *, limit: int, after: str = "") -> tuple[list[Conversation], str]:
        """Return conversations by their last turn, newest first, and where the next page begins, empty at the end."""
        found = list(islice(self._store.listed(owner, self._now(), after), limit + 1))
        shown = [conversation for _, conversation in found[:limit]]
        return shown, found[limit - 1][0] if len(found) > limit else ""

    def read(
        self, owner: Owner, conversation_id: str, *, limit: int, after: tuple[int, int] = (0, 0)
    ) -> tuple[Conversation, list[dict[str, Any]], tuple[int, int] | None]:
        """Return a conversation, messages of it, oldest first, and where the next page begins.

        Args:
            owner: Whose conversation, and with which agent.
            conversation_id: Which one.
            limit: How many messages at the most.
            after: The last message of the page before: number of the turn, and place in it.

        Raises:
            NotFound: There is no such conversation with this agent.
        """
        conversation = self.get(owner, conversation_id)
        turns = self._store.oldest_first(conversation, self._now(), max(after[0], 1))
        all_left = (
            ((turn.number, index), _spoken(turn, index, message) | _tools(message))
            for turn in turns
            for index, message in enumerate(turn.messages)
            if (turn.number, index) > after or after == (0, 0)
        )
        found = list(islice(all_left, limit + 1))
        return (
            conversation,
            [message for _, message in found[:limit]],
            found[limit - 1][0] if len(found) > limit else None,
        )

    def delete(self, owner: Owner, conversation_id: str) -> None:
        """Delete a conversation with its turns and attachments. A turn at work on it is not remembered.

        Raises:
            NotFound: There is no such conversation with this agent.
            Conflict: So many turns end that it never stands still.
        """
        for _ in range(_ATTEMPTS):
            if self._store.delete(self.get(owner, conversation_id)):
                return
        raise Conflict("The conversation changes all the time. Send the request again.", retry_after_s=1)

    def delete_all(self, tenant_id: str, agent_id: str, *, in_time: Callable[[], bool]) -> bool:
        """Delete an agent's conversations with all users as long as there is time; tell whether all are gone."""
        for listed in self._store.of_agent(tenant_id, agent_id):
            if not in_time():
                return False
            try:
                self.delete(listed.owner, listed.id)
            except NotFound:
                self._store.delete(listed)  # Its place in the list is all that was left.
        return True

    def _newest(self, conversation: Conversation, *, beyond: int = 0) -> list[ChatTurn]:
        """Return turns with a number above ``beyond``, newest first: as many as any model takes."""
        turns: list[ChatTurn] = []
        room = _MOST_CHARACTERS
        for turn in self._store.newest_first(conversation, self._now()):
            room -= len(json.dumps(turn.messages))
            if turn.number <= beyond or (turns and room < 0):
                break
            turns.append(turn)
        return turns


def _spoken(turn: ChatTurn, index: int, message: dict[str, Any]) -> dict[str, Any]:
    """Return a message as people read it: attachments by name and type."""
    attachments = shown(index, turn.attachments)
    told = {"role": message["role"], "content": text_of(message.get("content")), "at": turn.at}
    return told | ({"attachments": attachments} if attachments else {})


def _tools(message: dict[str, Any]) -> dict[str, Any]:
    """Return what a message has to do with tools."""
    if message["role"] == "tool":
        return {"tool_call_id": message.get("tool_call_id", ""), "name": message.get("name", "")}
    calls = [
        {"id": call["id"], "name": call["function"]["name"], "arguments": call["function"]["arguments"]}
        for call in message.get("tool_calls") or ()
    ]
    return {"tool_calls": calls} if calls else {}


def _title(messages: list[dict[str, Any]]) -> str:
    said = next((text_of(message.get("content")) for message in messages if message["role"] == "user"), "")
    line = " ".join(said[: 10 * _LONGEST_TITLE].encode("utf-8", "replace").decode().split())
    return line if len(line) <= _LONGEST_TITLE else f"{line[: _LONGEST_TITLE - 1].rstrip()}…"


def _unknown(conversation_id: str) -> NotFound:
    return NotFound(
        f"There is no conversation {conversation_id} with this agent. Leave conversation_id out to begin a new one."
    )
