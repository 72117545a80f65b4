"""System texts and tools as the original sent them, for every recorded conversation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from smyth.conversation.skills import skills_of, system_text
from smyth.document import load

TRANSCRIPTS = Path(__file__).resolve().parents[3] / "../shared/compat/transcripts"

#: Where we differ on purpose, and the oddity of PROTOCOL section 6 that tells why.
BETTER_TOOLS = {
    "call-lower-method-and-put": "31: of two endpoints with one name the first keeps its inputs",
    "schema-exposure": "31",
    "schema-typed-inputs": "29: defaults have the type that the schema promises, those of GET too",
    "schema-typed-get-call": "29",
}
#: Settings of single calls that change the system text.
OTHER_SYSTEM_TEXT = {"conv-system-prompt-and-tool-choice", "model-json-format", "model-o1-mini"}


def recorded() -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Return name, agent and first chat request of each conversation with an agent."""
    found = []
    for file in sorted(TRANSCRIPTS.glob("*.json")):
        transcript = json.loads(file.read_text(encoding="utf-8"))
        bodies = [request.get("body") or {} for request in transcript["provider_requests"]]
        chats = [body for body in bodies if "messages" in body and "system" not in body]
        if isinstance(transcript.get("agent"), dict) and chats:
            found.append((file.stem, transcript["agent"], chats[0]))
    return found


CASES = [pytest.param(*case, id=case[0]) for case in recorded()]
pytestmark = pytest.mark.skipif(not CASES, reason="the recorded conversations are not beside this checkout")


@pytest.mark.parametrize(("name", "agent", "request_body"), CASES)
def test_the_model_is_offered_the_recorded_tools(
    name: str, agent: dict[str, Any], request_body: dict[str, Any]
) -> None:
    if name in BETTER_TOOLS:
        offered = [tool["function"]["name"] for tool in request_body["tools"]]
        assert list(skills_of(load(agent))) == offered
    else:
        assert [skill.tool for skill in skills_of(load(agent)).values()] == request_body.get("tools", [])


@pytest.mark.parametrize(
    ("name", "agent", "request_body"), [case for case in CASES if case.id not in OTHER_SYSTEM_TEXT]
)
def test_the_model_is_told_the_recorded_system_text(
    name: str, agent: dict[str, Any], request_body: dict[str, Any]
) -> None:
    told = [message["content"] for message in request_body["messages"] if message["role"] == "system"]
    assert "".join(told) == system_text(load(agent))
