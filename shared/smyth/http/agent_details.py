"""How an agent looks alone, with what its document says."""

from __future__ import annotations

from typing import Any

from smyth.document import Document
from smyth.document.guardrails import guardrails_of
from smyth.document.memory import memory_source
from smyth.http.agents import summary
from smyth.platform.agent_records import Agent


def details(agent: Agent, document: Document) -> dict[str, Any]:
    """Return an agent with what its document says; the document itself comes by export."""
    return summary(agent) | {
        "description": document.description,
        "behavior": document.behavior,
        "variables": document.variables,
        "guardrails": guardrails_of(document),
        "memory": memory_source(document),
        "components": len(document.components),
        "endpoints": [
            {"method": str(one.data.get("method") or "POST").upper(), "endpoint": str(one.data.get("endpoint") or "")}
            for one in document.components
            if one.name == "APIEndpoint"
        ],
    }
