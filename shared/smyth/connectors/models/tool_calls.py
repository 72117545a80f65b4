"""Put the pieces of streamed tool calls together.

Servers differ: some stream arguments in pieces under an index, some send whole
calls, several in one chunk, and some leave index or id out (PROTOCOL oddity 17).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from smyth.connectors.models.port import ToolCall


@dataclass(slots=True)
class _Draft:
    id: str | None
    name: str
    arguments: str = ""


class ToolCallAssembler:
    """Collects the ``delta.tool_calls`` of one reply."""

    def __init__(self) -> None:
        self._drafts: list[_Draft] = []
        self._by_index: dict[int, _Draft] = {}

    def add(self, delta: Any) -> None:
        """Take one element of ``delta.tool_calls``."""
        index = delta.index or 0
        name = delta.function.name or ""
        draft = self._by_index.get(index)
        if draft is None or _begins_another(draft, delta.id, name):
            draft = _Draft(delta.id, name)
            self._drafts.append(draft)
            self._by_index[index] = draft
        draft.arguments += delta.function.arguments or ""

    def calls(self) -> tuple[ToolCall, ...]:
        """Return the calls in the order in which they began; one that came without an id gets one."""
        return tuple(
            ToolCall(draft.id or f"call_{number}", draft.name, draft.arguments)
            for number, draft in enumerate(self._drafts, 1)
        )


def _begins_another(draft: _Draft, id: str | None, name: str) -> bool:
    """Tell whether a piece under the draft's index belongs to a new call."""
    if id:
        return draft.id is not None and id != draft.id
    return bool(name)
