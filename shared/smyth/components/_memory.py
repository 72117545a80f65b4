"""What the memory components share: settings, and who may read what for how long (COMPONENTS section 7)."""

from __future__ import annotations

from pydantic import Field

from smyth.components._filling import filled
from smyth.components.base import Call, Run
from smyth.components.base import Settings as BaseSettings
from smyth.connectors.memory.port import Entry

#: Seconds that entries live whose scope is not ``ttl``.
_UNTIMED_SECONDS = 10_800
NOT_FOUND = {"_warning": "key not found"}


class MemorySettings(BaseSettings):
    """Which memory."""

    memory_name: str = Field(
        "", alias="memoryName", max_length=255, description="Name of the memory; entries of others are others."
    )


class KeySettings(MemorySettings):
    """Which entry of which memory."""

    key: str = Field("{{Key}}", max_length=255, description="Key of the entry; {{name}} stands for an input.")


class ScopeSettings(MemorySettings):
    """Who may read what is written, for how long."""

    scope: str = Field(
        "session",
        max_length=20,
        description="session: for requests of the same session; request: for this one only; "
        "ttl: for every request while it lives.",
    )
    ttl: int = Field(300, ge=300, le=604_800, description="Seconds that entries of the scope ttl live.")


def entry(key: str, value: str, settings: ScopeSettings, run: Run) -> Entry:
    """Return what is to be remembered."""
    seconds = settings.ttl if settings.scope == "ttl" else _UNTIMED_SECONDS
    ends = int(run.ports.clock().timestamp()) + seconds
    return Entry(settings.memory_name, key, value, settings.scope, _owner(settings.scope, run), ends)


async def find(call: Call) -> Entry | None:
    """Return the entry that the settings name, or None where there is none that this run may read."""
    run, settings = call.run, call.settings
    found = await run.ports.memory.read(run.agent_id, settings.memory_name, filled(settings.key, call))
    if found is None or found.expires_at <= run.ports.clock().timestamp():
        return None
    return found if found.owner == _owner(found.scope, run) else None


def _owner(scope: str, run: Run) -> str:
    return {"session": run.session_id, "request": run.run_id}.get(scope, "")
