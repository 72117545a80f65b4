"""Where conversations are kept, and how one turn at a time has one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol

from smyth.platform.conversation_records import ChatTurn, Conversation, Owner

#: How long a turn has its conversation unless it renews that: longer than a buffered function lives.
LEASE = timedelta(seconds=45)


class Held(Exception):
    """Another turn has the conversation."""


class ConversationStore(Protocol):
    """Where conversations live."""

    def take(
        self, owner: Owner, conversation_id: str, holder: str, now: datetime, *, create: bool, keep: timedelta
    ) -> Conversation | None:
        """Give the conversation to ``holder`` until the lease ends; taking it again renews the lease.

        Returns None where there is none with this agent and ``create`` is False, or where it is another agent's.

        Raises:
            Held: Another holder has it.
        """
        ...

    def append(
        self, conversation: Conversation, turn: ChatTurn, holder: str, *, texts: dict[str, str], keep: timedelta
    ) -> bool:
        """Write the turn and free the conversation, which is as given here but for the turn's count and time.

        Args:
            conversation: The conversation with what is new of it.
            turn: The turn.
            holder: Whose turn it is.
            texts: The attachments by SHA-256.
            keep: How long the turn is kept.

        Returns:
            False, and nothing written, where ``holder`` lost the conversation or it is gone.
        """
        ...

    def free(self, conversation: Conversation, holder: str) -> None:
        """Free the conversation; one without turns goes away."""
        ...

    def get(self, owner: Owner, conversation_id: str) -> Conversation | None:
        """Return the conversation; None also where it is another agent's."""
        ...

    def listed(self, owner: Owner, now: datetime, after: str = "") -> Iterable[tuple[str, Conversation]]:
        """Yield the owner's conversations with their places in the list, newest first, behind the place ``after``."""
        ...

    def of_agent(self, tenant_id: str, agent_id: str) -> Iterable[Conversation]:
        """Yield the conversations of all users."""
        ...

    def newest_first(self, conversation: Conversation, now: datetime) -> Iterable[ChatTurn]:
        """Yield the turns that are still kept."""
        ...

    def oldest_first(self, conversation: Conversation, now: datetime, first: int) -> Iterable[ChatTurn]:
        """Yield the turns that are still kept, from number ``first``."""
        ...

    def attachment(self, conversation: Conversation, sha256: str) -> str | None:
        """Return the text of an attachment."""
        ...

    def delete(self, conversation: Conversation) -> bool:
        """Delete the conversation with all that belongs to it; False where it has changed since it was read."""
        ...
