"""What every key-value memory owes, run over each adapter; then what only one does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from smyth.aws.memory import DynamoMemory
from smyth.connectors.memory import in_process
from smyth.connectors.memory.in_process import InProcessMemory
from smyth.connectors.memory.port import MAX_ENTRIES, MAX_VALUE_BYTES, Entry, KeyValueMemory, MemoryLimit

from .conftest import Clock, Cloud

ENTRY = Entry("cart", "k", "v", "session", "s1", 1_900_000_000)


@pytest.fixture(params=["process", "table"])
def memory(request: pytest.FixtureRequest, clock: Clock) -> KeyValueMemory:
    if request.param == "process":
        return InProcessMemory(clock)
    return DynamoMemory(request.getfixturevalue("cloud").table, "ten-a")


async def test_an_entry_comes_back_as_it_was(memory: KeyValueMemory) -> None:
    await memory.write("agt-1", [ENTRY])
    assert await memory.read("agt-1", "cart", "k") == ENTRY


@pytest.mark.parametrize("value", ["", "ä ☃ 🎉", "half \ud83d of a character", "a\x00b\n"])
async def test_any_text_is_kept(memory: KeyValueMemory, value: str) -> None:
    await memory.write("agt-1", [replace(ENTRY, key=value, value=value)])
    found = await memory.read("agt-1", "cart", value)
    assert found is not None
    assert found.value == value


async def test_the_last_write_of_a_key_counts(memory: KeyValueMemory) -> None:
    await memory.write("agt-1", [ENTRY])
    await memory.write("agt-1", [replace(ENTRY, value="2"), replace(ENTRY, value="3", scope="ttl", owner="")])
    found = await memory.read("agt-1", "cart", "k")
    assert found == replace(ENTRY, value="3", scope="ttl", owner="")


async def test_agents_memories_and_keys_are_apart(memory: KeyValueMemory) -> None:
    await memory.write("agt-1", [replace(ENTRY, memory="a", key="b:c")])
    assert await memory.read("agt-2", "a", "b:c") is None
    assert await memory.read("agt-1", "a:b", "c") is None
    assert await memory.read("agt-1", "ab", ":c") is None


async def test_a_deleted_entry_is_gone_and_may_be_deleted_again(memory: KeyValueMemory) -> None:
    await memory.write("agt-1", [ENTRY])
    await memory.delete("agt-1", "cart", "k")
    await memory.delete("agt-1", "cart", "k")
    assert await memory.read("agt-1", "cart", "k") is None


async def test_many_entries_are_written_at_once(memory: KeyValueMemory) -> None:
    await memory.write("agt-1", [replace(ENTRY, key=str(number), value=str(number)) for number in range(60)])
    found = await memory.read("agt-1", "cart", "59")
    assert found is not None
    assert found.value == "59"


async def test_no_entries_are_no_error(memory: KeyValueMemory) -> None:
    await memory.write("agt-1", [])


async def test_the_largest_value_fits(memory: KeyValueMemory) -> None:
    entry = replace(ENTRY, memory="m" * 255, key="ä" * 255, value="ü" * (MAX_VALUE_BYTES // 2))
    await memory.write("agt-1", [entry])
    assert await memory.read("agt-1", entry.memory, entry.key) == entry


async def test_what_is_too_large_is_refused_before_anything_is_written(memory: KeyValueMemory) -> None:
    large = replace(ENTRY, key="large", value="x" * (MAX_VALUE_BYTES + 1))
    with pytest.raises(MemoryLimit, match="FileStore"):
        await memory.write("agt-1", [ENTRY, large])
    with pytest.raises(MemoryLimit, match="1,001 entries"):
        await memory.write("agt-1", [replace(ENTRY, key=str(number)) for number in range(MAX_ENTRIES + 1)])
    assert await memory.read("agt-1", "cart", "k") is None


async def test_tenants_have_memories_of_their_own(cloud: Cloud) -> None:
    await DynamoMemory(cloud.table, "ten-a").write("agt-1", [ENTRY])
    assert await DynamoMemory(cloud.table, "ten-b").read("agt-1", "cart", "k") is None


async def test_the_table_deletes_an_entry_after_its_time(cloud: Cloud) -> None:
    await DynamoMemory(cloud.table, "ten-a").write("agt-1", [ENTRY])
    [item] = cloud.table.query("T#ten-a#A#agt-1#MEMORY")
    assert item["expires_at"] == ENTRY.expires_at


async def test_forgotten_entries_do_not_pile_up(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_process, "_FIRST_SWEEP", 10)
    memory = InProcessMemory(clock)
    for number in range(200):
        await memory.write("agt-1", [replace(ENTRY, key=str(number), expires_at=int(clock.now) + 5)])
        clock.now += 1
    assert len(memory._entries) < 20
