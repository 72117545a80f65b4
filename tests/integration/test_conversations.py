"""Chat memory on a real table: leases, takeovers, turns that are forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from smyth.http.services import services
from smyth.platform.conversation_records import Conversation, Owner
from smyth.platform.conversation_store import LEASE
from smyth.platform.conversations import KEEP_DAYS, Conversations
from smyth.platform.errors import Conflict, NotFound
from tests.integration.events import new_tenant_id

AGENT = "agt-01k00000000000000000000000"
START = datetime(2026, 3, 1, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def memory(clock: Clock) -> Conversations:
    return Conversations(services().conversations._store, clock, patience_s=0)


def talk(memory: Conversations, tenant_id: str, text: str, conversation_id: str | None = None) -> Conversation:
    held = memory.begin(Owner(tenant_id, AGENT), conversation_id, text[:20])
    end(memory, held, text)
    return held


def end(memory: Conversations, held: Conversation, text: str) -> None:
    messages: list[dict[str, Any]] = [{"role": "user", "content": text}]
    memory.end(held, text[:20], messages, model="m", input_tokens=1, output_tokens=1)


def texts(memory: Conversations, held: Conversation) -> list[str]:
    return [message["content"] for message in memory.history(held.owner, held.id)]


def test_a_silent_turn_is_overtaken_when_its_lease_ends(memory: Conversations, clock: Clock) -> None:
    tenant_id = new_tenant_id()
    first = talk(memory, tenant_id, "first")
    silent = memory.begin(Owner(tenant_id, AGENT), first.id, "silent")
    with pytest.raises(Conflict, match="still being answered"):
        memory.begin(Owner(tenant_id, AGENT), first.id, "second")
    clock.now += LEASE + timedelta(seconds=1)
    talk(memory, tenant_id, "second", first.id)
    with pytest.raises(Conflict, match="overtook"):
        end(memory, silent, "silent")
    memory.abandon(silent, "silent")
    assert texts(memory, first) == ["first", "second"]


def test_a_turn_that_says_it_is_at_work_is_not_overtaken(memory: Conversations, clock: Clock) -> None:
    tenant_id = new_tenant_id()
    held = memory.begin(Owner(tenant_id, AGENT), None, "long")
    for _ in range(5):
        clock.now += LEASE * 0.9
        memory.renew(held, "long")
    with pytest.raises(Conflict):
        memory.begin(Owner(tenant_id, AGENT), held.id, "other")
    end(memory, held, "long")
    assert texts(memory, held) == ["long"]


def test_a_turn_is_taken_and_ended_twice_as_if_once(memory: Conversations) -> None:
    tenant_id = new_tenant_id()
    held = memory.begin(Owner(tenant_id, AGENT), "again", "same")
    assert memory.begin(Owner(tenant_id, AGENT), "again", "same") == held
    end(memory, held, "same")
    with pytest.raises(Conflict):
        end(memory, held, "same")
    assert texts(memory, held) == ["same"]


def test_turns_are_forgotten_in_time(memory: Conversations, clock: Clock) -> None:
    tenant_id = new_tenant_id()
    held = talk(memory, tenant_id, "old")
    clock.now += timedelta(days=KEEP_DAYS / 2)
    talk(memory, tenant_id, "newer", held.id)
    clock.now += timedelta(days=KEEP_DAYS / 2)
    assert texts(memory, held) == ["newer"]


def test_a_long_conversation_keeps_its_order(memory: Conversations) -> None:
    tenant_id = new_tenant_id()
    held = talk(memory, tenant_id, "0")
    for number in range(1, 45):
        talk(memory, tenant_id, str(number), held.id)
    assert texts(memory, held) == [str(number) for number in range(45)]


def test_more_than_any_model_takes_is_not_even_read(memory: Conversations) -> None:
    tenant_id = new_tenant_id()
    held = talk(memory, tenant_id, "a" * 300_000)
    for letter in "bcde":
        talk(memory, tenant_id, letter * 300_000, held.id)
    assert [text[0] for text in texts(memory, held)] == ["c", "d", "e"]


def test_halves_of_characters_do_not_cost_the_turn(memory: Conversations) -> None:
    held = memory.begin(Owner(new_tenant_id(), AGENT), None, "holder")
    said = [{"role": "user", "content": "half \ud83d of it"}]
    memory.end(held, "holder", said, model="m", input_tokens=1, output_tokens=1)
    assert memory.get(held.owner, held.id).title == "half ? of it"
    assert texts(memory, held) == ["half ? of it"]


def test_conversations_of_tenants_are_apart(memory: Conversations) -> None:
    mine, theirs = new_tenant_id(), new_tenant_id()
    talk(memory, mine, "mine", "room")
    talk(memory, theirs, "theirs", "room")
    assert [message["content"] for message in memory.history(Owner(mine, AGENT), "room")] == ["mine"]
    with pytest.raises(NotFound):
        memory.history(Owner(mine, "agt-01k00000000000000000000001"), "room")
