"""The sample events of every function, about things that exist."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from smyth.http.services import services
from tests.integration.emulator import OPERATOR_KEY
from tests.integration.events import OPERATOR, call, caller_context

ROOT = Path(__file__).resolve().parents[2]

#: What the events call the agent, the tenant, the link to a file and the key.
_AGENT = "agt-01jd0000000000000000000000"
_TENANT = "ten-01jd0000000000000000000000"
_FILE = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
_KEY = "smyth_this-is-the-form-of-a-key-but-not-one-of-them"


def provided(document: dict[str, Any] | None = None) -> dict[str, str]:
    """What the events name -> what is made for them: a tenant, an agent, a file's link, and a key.

    Args:
        document: The agent; by default the example with a hash endpoint.
    """
    tenant = call("POST", "/api/tenants", body={"name": "Sample", "plan": "enterprise"}, caller=OPERATOR).json()["id"]
    document = document or json.loads((ROOT / "examples" / "hash-api.smyth").read_text())
    agent = call("POST", "/api/agents/import", body=document, caller=caller_context(tenant)).json()["id"]
    file = services().file_links.make(f"t/{tenant}/fs/report.txt", "report.txt", None)
    return {_TENANT: tenant, _AGENT: agent, _FILE: file, _KEY: OPERATOR_KEY}


def sample(function: str, ids: dict[str, str]) -> Any:
    """A function's sample event, about what ``ids`` names."""
    text = (ROOT / "events" / f"{function}.json").read_text()
    for name, existing in ids.items():
        text = text.replace(name, existing)
    return json.loads(text)
