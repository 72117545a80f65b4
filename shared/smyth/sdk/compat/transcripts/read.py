"""Read a recorded conversation from its file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: How the recordings write JavaScript's ``undefined``.
_UNDEFINED = "__undefined__"
#: Where the recorded provider and the stub of the skills' API listened.
PROVIDER_ADDRESS = "127.0.0.1:18888"
API_ADDRESS = "127.0.0.1:18889"


@dataclass(frozen=True, slots=True)
class Transcript:
    """A recorded conversation: what to do, and what was seen."""

    name: str
    #: None where a bare model was asked.
    agent: dict[str, Any] | None
    calls: list[dict[str, Any]]
    #: One turn for each request to the provider, in order.
    script: list[dict[str, Any]]
    environment: dict[str, str]
    #: Settings of the original's connectors, by connector.
    settings: dict[str, Any]
    #: The whole file, for the comparison.
    recorded: dict[str, Any]

    def moved(self, provider: str, api: str) -> Transcript:
        """Return the same with other addresses for the provider and the skills' API."""

        def to(value: Any) -> Any:
            text = json.dumps(value, ensure_ascii=False)
            return json.loads(text.replace(PROVIDER_ADDRESS, provider).replace(API_ADDRESS, api))

        return Transcript(
            self.name,
            to(self.agent),
            to(self.calls),
            self.script,
            to(self.environment),
            to(self.settings),
            self.recorded,
        )


def read_transcript(file: Path) -> Transcript:
    """Read one file.

    Raises:
        ValueError: It is no recorded conversation.
    """
    try:
        recorded = json.loads(file.read_text(encoding="utf-8"))
        return Transcript(
            name=file.stem,
            agent=recorded["agent"],
            calls=_defined(recorded["calls"]),
            script=list(recorded["provider_script"]),
            environment={"OPENAI_BASE_URL": f"http://{PROVIDER_ADDRESS}/v1", **(recorded.get("env") or {})},
            settings=_defined(recorded.get("sre_init") or {}),
            recorded=recorded,
        )
    except (ValueError, KeyError, TypeError):
        raise ValueError(
            f'{file} is no recorded conversation: it needs "agent", "calls" and "provider_script".'
        ) from None


def _defined(value: Any) -> Any:
    """Return ``value`` without the members that were undefined."""
    if isinstance(value, dict):
        return {name: _defined(member) for name, member in value.items() if member != _UNDEFINED}
    return [_defined(element) for element in value] if isinstance(value, list) else value
