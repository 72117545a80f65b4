"""MemoryWriteKeyVal, and who may read what it wrote for how long."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from smyth.components.memory_write_key_val import Settings
from smyth.connectors.memory.port import MAX_VALUE_BYTES, MemoryLimit
from smyth.connectors.ports import Ports
from tests.unit.components.conftest import NOON

Outputs = Callable[..., Any]
FOUND = {"Value": "S"}
NOT_FOUND = {"_warning": "key not found"}


async def write(outputs_of: Outputs, ports: Ports, scope: str = "ttl", ttl: int = 300, **run: Any) -> None:
    settings = {"memoryName": "mem", "key": "k", "value": "S", "scope": scope, "ttl": ttl}
    assert await outputs_of("MemoryWriteKeyVal", settings, ports=ports, **run) == {"Key": "k"}


async def read(outputs_of: Outputs, ports: Ports, **run: Any) -> Any:
    return await outputs_of("MemoryReadKeyVal", {"memoryName": "mem", "key": "k"}, ports=ports, **run)


async def test_key_and_value_are_templates(outputs_of: Outputs) -> None:
    ports = Ports()
    inputs = {"Key": 5, "Value": {"a": [True]}}
    assert await outputs_of("MemoryWriteKeyVal", {}, inputs, ports=ports) == {"Key": "5"}
    assert await outputs_of("MemoryReadKeyVal", {}, {"Key": "5"}, ports=ports) == {"Value": '{"a":[true]}'}


async def test_the_name_of_the_memory_is_no_template(outputs_of: Outputs) -> None:
    ports = Ports()
    await outputs_of("MemoryWriteKeyVal", {"memoryName": "{{Key}}"}, {"Key": "k", "Value": "v"}, ports=ports)
    assert await outputs_of("MemoryReadKeyVal", {"memoryName": "k"}, {"Key": "k"}, ports=ports) == NOT_FOUND


async def test_a_secret_variable_in_a_callers_value_stays_closed(outputs_of: Outputs) -> None:
    ports = Ports()
    inputs = {"Key": "k", "Value": "{{token}}", "token": "s3cr3t"}
    await outputs_of("MemoryWriteKeyVal", {}, inputs, ports=ports, secret_variables=frozenset({"token"}))
    assert await outputs_of("MemoryReadKeyVal", {}, {"Key": "k"}, ports=ports) == {"Value": "{{token}}"}


async def test_session_scope_needs_the_same_session(outputs_of: Outputs) -> None:
    ports = Ports()
    await write(outputs_of, ports, "session", session_id="s1")
    assert await read(outputs_of, ports, session_id="s1") == FOUND
    assert await read(outputs_of, ports, session_id="s2") == NOT_FOUND


async def test_request_scope_ends_with_the_request(outputs_of: Outputs) -> None:
    ports = Ports()
    await write(outputs_of, ports, "request", run_id="r1")
    assert await read(outputs_of, ports, run_id="r1") == FOUND
    assert await read(outputs_of, ports, run_id="r2") == NOT_FOUND


@pytest.mark.parametrize("scope", ["ttl", "", "weird"])
async def test_other_scopes_reach_every_later_request(outputs_of: Outputs, scope: str) -> None:
    ports = Ports()
    await write(outputs_of, ports, scope, session_id="s1", run_id="r1")
    assert await read(outputs_of, ports, session_id="s2", run_id="r2") == FOUND


async def test_a_later_write_takes_the_place_whatever_its_scope(outputs_of: Outputs) -> None:
    ports = Ports()
    await write(outputs_of, ports, "session", session_id="s1")
    await write(outputs_of, ports, "session", session_id="s2")
    assert await read(outputs_of, ports, session_id="s1") == NOT_FOUND


async def test_agents_do_not_read_each_others_memory(outputs_of: Outputs) -> None:
    ports = Ports()
    await write(outputs_of, ports)
    assert await read(outputs_of, ports, agent_id="agt-2") == NOT_FOUND


@pytest.mark.parametrize(("scope", "lives"), [("ttl", 600), ("session", 10_800), ("", 10_800)])
async def test_an_entry_lives_as_long_as_its_scope_says(outputs_of: Outputs, scope: str, lives: int) -> None:
    now = NOON
    ports = Ports(clock=lambda: now)
    await write(outputs_of, ports, scope, ttl=600)
    now = NOON + timedelta(seconds=lives - 1)
    assert await read(outputs_of, ports) == FOUND
    now = NOON + timedelta(seconds=lives + 1)
    assert await read(outputs_of, ports) == NOT_FOUND


async def test_a_value_too_large_is_refused(outputs_of: Outputs) -> None:
    with pytest.raises(MemoryLimit, match="FileStore"):
        await outputs_of("MemoryWriteKeyVal", {"key": "k"}, {"Value": "x" * (MAX_VALUE_BYTES + 1)})


@pytest.mark.parametrize(
    "data",
    [
        {"ttl": 10},
        {"ttl": 604_801},
        {"ttl": "soon"},
        {"key": "k" * 256},
        {"memoryName": "m" * 256},
        {"scope": "s" * 21},
        {"value": "v" * 100_001},
    ],
)
def test_settings_outside_their_range_are_refused(data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(data)
