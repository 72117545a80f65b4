"""The memory port: texts that agents keep by name and key (COMPONENTS section 7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

#: Largest value, in UTF-8: an item of the table holds 400 KB at the most, its key and the rest included.
MAX_VALUE_BYTES = 380_000
#: Most entries of one write.
MAX_ENTRIES = 1_000


class MemoryLimit(ValueError):
    """Something is too large to be remembered; the message says what and how large it may be."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One remembered text."""

    #: The memory's name; entries of other memories are others, whatever their key.
    memory: str
    key: str
    value: str
    #: ``session``, ``request``, or anything else for every later request of the agent.
    scope: str
    #: The session or the request that may read it, by ``scope``.
    owner: str
    #: Seconds since 1970; from then on it is forgotten.
    expires_at: int


class KeyValueMemory(Protocol):
    """What the agents of one tenant remember. There is one entry per agent, memory and key."""

    async def read(self, agent_id: str, memory: str, key: str) -> Entry | None:
        """Return an entry; one whose time is over may still come, for nobody tells when it is deleted."""
        ...

    async def write(self, agent_id: str, entries: list[Entry]) -> None:
        """Keep entries, each in the place of the one with its memory and key."""
        ...

    async def delete(self, agent_id: str, memory: str, key: str) -> None:
        """Forget an entry; one that is not there is no error."""
        ...


def check(entries: list[Entry]) -> None:
    """Refuse what is too large; every adapter does so before it writes anything.

    Raises:
        MemoryLimit: There are too many entries, or one is too large.
    """
    if len(entries) > MAX_ENTRIES:
        raise MemoryLimit(
            f"{len(entries):,} entries are too many to be remembered at once. Write up to {MAX_ENTRIES:,}."
        )
    for entry in entries:
        size = len(entry.value.encode("utf-8", "surrogatepass"))
        if size > MAX_VALUE_BYTES:
            raise MemoryLimit(
                f'The value of "{entry.key[:100]}" has {size:,} bytes; up to {MAX_VALUE_BYTES:,} can be remembered. '
                "Store it as a file (FileStore), or in parts."
            )
