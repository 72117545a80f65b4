"""Whatever turns do to one conversation, what ended well is remembered, in order, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from smyth.http.services import services
from smyth.platform.conversation_records import Conversation, Owner
from smyth.platform.conversation_store import LEASE
from smyth.platform.conversations import Conversations
from smyth.platform.errors import Conflict, NotFound
from tests.integration.events import new_tenant_id

AGENT = "agt-01k00000000000000000000000"

Deed = Literal["begin", "end", "abandon", "renew", "delete", "silence"]
deeds = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(["begin", "end", "end", "abandon", "renew", "delete", "silence"])),
    min_size=1,
    max_size=25,
)


class Story:
    """Three clients at one conversation, and what should be remembered."""

    def __init__(self, user: str) -> None:
        self.now = datetime(2026, 3, 1, tzinfo=UTC)
        self.memory = Conversations(services().conversations._store, self._tick, patience_s=0)
        self.owner = Owner(new_tenant_id(), AGENT, user)
        self.held: dict[int, tuple[str, Conversation]] = {}
        self.remembered: list[str] = []
        self.holder: str | None = None
        self.lease = self.now
        self.turns = 0

    def _tick(self) -> datetime:
        return self.now

    def do(self, client: int, deed: Deed) -> None:
        self.now += timedelta(seconds=1)
        if deed == "silence":
            self.now += LEASE
        elif deed == "delete":
            self.delete()
        elif deed == "begin":
            self.begin(client)
        elif client in self.held:
            getattr(self, deed)(client, *self.held[client])

    def begin(self, client: int) -> None:
        self.turns += 1
        holder = f"turn-{self.turns}"
        free = self.holder is None or self.lease < self.now
        try:
            taken = self.memory.begin(self.owner, "room", holder)
        except Conflict:
            assert not free
            return
        assert free
        self.held[client] = (holder, taken)
        self.holder, self.lease = holder, self.now + LEASE

    def end(self, client: int, holder: str, taken: Conversation) -> None:
        del self.held[client]
        try:
            said = [{"role": "user", "content": holder}]
            self.memory.end(taken, holder, said, model="m", input_tokens=1, output_tokens=1)
        except Conflict:
            assert self.holder != holder
            return
        assert self.holder == holder
        self.remembered.append(holder)
        self.holder = None

    def abandon(self, client: int, holder: str, taken: Conversation) -> None:
        del self.held[client]
        self.memory.abandon(taken, holder)
        if self.holder == holder:
            self.holder = None

    def renew(self, client: int, holder: str, taken: Conversation) -> None:
        if self.holder == holder:
            self.memory.renew(taken, holder)
            self.lease = self.now + LEASE

    def delete(self) -> None:
        try:
            self.memory.delete(self.owner, "room")
        except NotFound:
            assert not self.remembered
            return
        self.remembered, self.holder = [], None

    def check(self) -> None:
        listed = self.memory.page(self.owner, limit=5)[0]
        if not self.remembered:
            assert listed == []
            return
        assert [message["content"] for message in self.memory.history(self.owner, "room")] == self.remembered
        assert [(one.turns, one.tokens) for one in listed] == [(len(self.remembered), 2 * len(self.remembered))]
        assert listed[0].title == self.remembered[0]


@given(deeds, st.sampled_from(["", "ada"]))
@settings(max_examples=40, deadline=None)
def test_what_ended_well_is_remembered_in_order(deeds: list[tuple[int, Deed]], user: str) -> None:
    story = Story(user)
    for client, deed in deeds:
        story.do(client, deed)
    story.check()
