"""The sample events of every function, about things that exist."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from smyth.http.services import services
from tests.integration.emulator import OPERATOR_KEY
from tests.integration.events import OPERATOR, call, caller_context

ROOT = Path(__file__).resolve().parents[2]

#: What the events call the agent, the tenant, the link to a file, the key and the webhook.
_AGENT = "agt-01jd0000000000000000000000"
_TENANT = "ten-01jd0000000000000000000000"
_FILE = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
_KEY = "smyth_this-is-the-form-of-a-key-but-not-one-of-them"
_WEBHOOK = "trg-01jd0000000000000000000000"
#: What the event of the webhook is signed with.
_SECRET = "sample-secret-of-this-webhook"


def provided(document: dict[str, Any] | None = None) -> dict[str, str]:
    """What the events name -> what is made for them: a tenant, an agent, a file's link, a key, a webhook.

    Args:
        document: The agent; by default the example with a hash endpoint.
    """
    tenant = call("POST", "/api/tenants", body={"name": "Sample", "plan": "enterprise"}, caller=OPERATOR).json()["id"]
    document = document or json.loads((ROOT / "examples" / "hash-api.smyth").read_text())
    caller = caller_context(tenant)
    agent = call("POST", "/api/agents/import", body=document, caller=caller).json()["id"]
    file = services().file_links.make(f"t/{tenant}/fs/report.txt", "report.txt", None)
    rule = {"kind": "webhook", "scheme": "github"}
    hook = {"name": "sample", "agent_id": agent, "rule": rule, "target": {"prompt": "Look: {{zen}}"}}
    webhook = call("POST", "/api/triggers", body=hook, caller=caller).json()["id"]
    call("POST", f"/api/triggers/{webhook}/secret", body={"secret": _SECRET}, caller=caller)
    return {_TENANT: tenant, _AGENT: agent, _FILE: file, _KEY: OPERATOR_KEY, _WEBHOOK: webhook}


def sample(function: str, ids: dict[str, str]) -> Any:
    """A function's sample event, about what ``ids`` names."""
    text = (ROOT / "events" / f"{function}.json").read_text()
    for name, existing in ids.items():
        text = text.replace(name, existing)
    return json.loads(text)
