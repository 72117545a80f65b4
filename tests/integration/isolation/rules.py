"""What each route demands of its callers, told apart from the code that holds it: a rule for every route.

A rule says how a good request of the route looks, who at least may send it, and what becomes of each parameter that
names a thing when the thing is another tenant's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

#: ``refused``: 403 or 404. ``unknown``: a fault of the request, as any name that nobody has. ``apart``: the name means
#: something else, or nothing, in the caller's own tenant.
Foreign = Literal["refused", "unknown", "apart"]
Least = Literal["viewer", "developer", "admin", "owner", "operator", "person", "public"]

REFUSED: Foreign = "refused"
UNKNOWN: Foreign = "unknown"
APART: Foreign = "apart"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What a route demands."""

    least: Least
    #: ``path.x``, ``query.x`` or ``body.x`` -> what becomes of a foreign one.
    foreign: dict[str, Foreign] = field(default_factory=dict)
    #: Of a good request; ``{x}`` stands for the name of the caller's own thing.
    query: str = ""
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    #: What the good request is answered with.
    good: tuple[int, ...] = (200, 201, 202, 204)
    #: A key that is limited to other agents may call it, and then sees only what those may know.
    for_agent_keys: bool = False
    #: A good request takes away what others need.
    takes: bool = False
    #: A foreign name that is taken for one's own stays, and others would meet it.
    stays: bool = False
    #: Answers everybody the same: there is nothing behind it.
    always: int = 0


AGENT: dict[str, Foreign] = {"path.agent_id": REFUSED}
RUN: dict[str, Foreign] = AGENT | {"path.endpoint": APART}
ASK: dict[str, Foreign] = AGENT | {"body.model": UNKNOWN, "body.session": APART}
TALK: dict[str, Foreign] = ASK | {"body.conversation_id": APART, "body.user": APART}
CHAT: dict[str, Foreign] = AGENT | {"path.conversation_id": REFUSED, "query.user": APART}
OF_TENANT: dict[str, Foreign] = {"query.tenant_id": REFUSED}
OPERATORS: dict[str, Foreign] = {"path.tenant_id": REFUSED}
TRIGGER: dict[str, Foreign] = {"path.trigger_id": REFUSED}
TRIGGER_RUN: dict[str, Foreign] = TRIGGER | {"path.run_id": REFUSED}
CREDENTIAL: dict[str, Any] = {"value": "s3cret-of-the-good-request"}
MODEL = {"provider": "OpenAI", "model": "gpt-4o-mini", "credential": "house-key"}
INPUT = {"name": "who"}
PING = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
MCP = {"Accept": "application/json, text/event-stream"}

RULES: dict[str, Rule] = {
    "POST /api/agents/create": Rule(least="developer", body={"name": "x"}, foreign={"body.model": APART}),
    "POST /api/agents/import": Rule(least="developer", body={"components": [], "connections": []}),
    "GET /api/agents": Rule(least="viewer", for_agent_keys=True),
    "GET /api/agents/{agent_id}": Rule(least="viewer", foreign=AGENT),
    "PATCH /api/agents/{agent_id}": Rule(
        least="developer", body={"name": "x"}, foreign=AGENT | {"body.model": APART}, takes=True
    ),
    "DELETE /api/agents/{agent_id}": Rule(least="developer", foreign=AGENT, takes=True),
    "GET /api/agents/{agent_id}/versions": Rule(least="viewer", foreign=AGENT),
    "POST /api/agents/{agent_id}/publish": Rule(least="developer", body={"version": 1}, foreign=AGENT),
    "GET /api/agents/{agent_id}/export": Rule(least="viewer", foreign=AGENT),
    "GET /api/agents/{agent_id}/openapi.json": Rule(least="viewer", foreign=AGENT),
    # The agent's endpoint is one for POST; for GET it is not there.
    "GET /api/agents/{agent_id}/run/{endpoint}": Rule(least="developer", foreign=RUN, good=(404, 405)),
    "POST /api/agents/{agent_id}/run/{endpoint}": Rule(least="developer", foreign=RUN, body={"name": "x"}),
    "POST /api/agents/{agent_id}/prompt": Rule(least="developer", foreign=ASK, body={"message": "x"}),
    "GET /api/agents/{agent_id}/chat": Rule(
        least="developer",
        query="message=x",
        foreign=AGENT
        | {"query.model": UNKNOWN, "query.conversation_id": APART, "query.session": APART, "query.user": APART},
    ),
    "POST /api/agents/{agent_id}/chat": Rule(least="developer", foreign=TALK, body={"message": "x"}, stays=True),
    "POST /api/agents/{agent_id}/stream": Rule(least="developer", foreign=TALK, body={"message": "x"}, stays=True),
    "POST /api/agents/{agent_id}/mcp": Rule(least="developer", foreign=AGENT, body=PING, headers=MCP),
    "GET /api/agents/{agent_id}/mcp": Rule(least="viewer", foreign=AGENT, always=405),
    "DELETE /api/agents/{agent_id}/mcp": Rule(least="viewer", foreign=AGENT, always=405),
    "GET /api/agents/{agent_id}/conversations": Rule(least="viewer", foreign=AGENT | {"query.user": APART}),
    "GET /api/agents/{agent_id}/conversations/{conversation_id}": Rule(least="viewer", foreign=CHAT),
    "DELETE /api/agents/{agent_id}/conversations/{conversation_id}": Rule(least="developer", foreign=CHAT, takes=True),
    "POST /api/skills/add": Rule(
        least="developer",
        body={
            "agent_id": "{agent_id}",
            "name": "shout",
            "description": "Shouts.",
            "inputs": [INPUT],
            "steps": [{"id": "one", "component": "FHash", "inputs": {"Data": "{{who}}"}}],
            "output": {"said": "one.Hash"},
        },
        foreign={"body.agent_id": REFUSED},
        takes=True,
    ),
    "GET /api/components": Rule(least="viewer", for_agent_keys=True),
    "GET /api/connectors": Rule(least="viewer", for_agent_keys=True),
    "GET /api/models": Rule(least="viewer"),
    "GET /api/models/{name}": Rule(least="viewer", foreign={"path.name": REFUSED}),
    "PUT /api/models/{name}": Rule(
        least="developer",
        body=MODEL,
        foreign={"path.name": APART, "body.model": APART, "body.credential": APART, "body.fallbacks": APART},
        stays=True,
    ),
    "DELETE /api/models/{name}": Rule(least="developer", foreign={"path.name": REFUSED}, takes=True),
    "GET /api/credentials": Rule(least="viewer"),
    "GET /api/credentials/{name}": Rule(least="viewer", foreign={"path.name": REFUSED}),
    "PUT /api/credentials/{name}": Rule(least="developer", body=CREDENTIAL, foreign={"path.name": APART}, stays=True),
    "DELETE /api/credentials/{name}": Rule(least="developer", foreign={"path.name": REFUSED}, takes=True),
    "POST /api/credentials/{name}/rotate": Rule(
        least="developer", body=CREDENTIAL, foreign={"path.name": REFUSED}, takes=True
    ),
    # There is one version, so a good request names it.
    "POST /api/credentials/{name}/rollback": Rule(
        least="developer", body={"version": 1}, foreign={"path.name": REFUSED}
    ),
    "POST /api/vectordb/search": Rule(
        least="developer", body={"namespace": "{namespace}", "vector": [1, 0]}, foreign={"body.namespace": APART}
    ),
    "POST /api/vectordb/upsert": Rule(
        least="developer",
        body={"namespace": "{namespace}", "items": [{"id": "one", "vector": [0, 1]}]},
        foreign={"body.namespace": APART},
    ),
    "GET /api/vectordb": Rule(least="viewer"),
    "GET /api/vectordb/{namespace}": Rule(least="viewer", foreign={"path.namespace": APART}),
    "DELETE /api/vectordb/{namespace}": Rule(least="developer", foreign={"path.namespace": APART}, takes=True),
    "DELETE /api/vectordb/{namespace}/{item_id}": Rule(
        least="developer", foreign={"path.namespace": APART, "path.item_id": APART}
    ),
    "POST /api/vectordb/{namespace}/delete": Rule(
        least="developer", body={"ids": ["other"]}, foreign={"path.namespace": APART}
    ),
    "GET /api/knowledge": Rule(least="viewer", foreign={"query.namespace": APART}),
    "POST /api/knowledge": Rule(
        least="developer",
        body={"namespace": "{namespace}", "name": "x.txt", "text": "x"},
        foreign={"body.namespace": APART},
    ),
    "GET /api/knowledge/{document_id}": Rule(least="viewer", foreign={"path.document_id": REFUSED}),
    "DELETE /api/knowledge/{document_id}": Rule(least="developer", foreign={"path.document_id": REFUSED}, takes=True),
    "POST /api/knowledge/{document_id}/reindex": Rule(least="developer", foreign={"path.document_id": REFUSED}),
    # This stack has no model for it.
    "POST /api/knowledge/search": Rule(
        least="developer",
        body={"namespace": "{namespace}", "query": "x"},
        good=(422,),
        foreign={"body.namespace": UNKNOWN, "body.document_id": UNKNOWN},
    ),
    "GET /api/triggers": Rule(least="viewer", foreign={"query.agent_id": REFUSED}),
    "POST /api/triggers": Rule(
        least="developer",
        body={"name": "x", "agent_id": "{agent_id}", "rule": {"kind": "queue"}, "target": {"prompt": "x"}},
        foreign={"body.agent_id": REFUSED},
    ),
    "GET /api/triggers/{trigger_id}": Rule(least="viewer", foreign=TRIGGER),
    "PATCH /api/triggers/{trigger_id}": Rule(least="developer", body={"name": "y"}, foreign=TRIGGER),
    "DELETE /api/triggers/{trigger_id}": Rule(least="developer", foreign=TRIGGER, takes=True),
    "POST /api/triggers/{trigger_id}/test": Rule(least="developer", body={"payload": {}}, foreign=TRIGGER),
    "POST /api/triggers/{trigger_id}/redrive": Rule(least="developer", foreign=TRIGGER, takes=True),
    "GET /api/triggers/{trigger_id}/runs": Rule(least="viewer", foreign=TRIGGER),
    "GET /api/triggers/{trigger_id}/runs/{run_id}": Rule(least="viewer", foreign=TRIGGER_RUN),
    "POST /api/triggers/{trigger_id}/runs/{run_id}/redrive": Rule(least="developer", foreign=TRIGGER_RUN, takes=True),
    "POST /api/storage/upload": Rule(
        least="developer",
        body={"name": "x.txt", "size": 1, "content_type": "text/plain"},
        foreign={"body.name": APART},
    ),
    "GET /api/storage": Rule(least="viewer"),
    "GET /api/storage/{key}": Rule(least="viewer", foreign={"path.key": REFUSED}),
    "POST /api/storage/{key}/complete": Rule(least="developer", foreign={"path.key": REFUSED}),
    "DELETE /api/storage/{key}": Rule(least="developer", foreign={"path.key": REFUSED}, takes=True),
    "GET /api/usage": Rule(least="viewer", foreign=OF_TENANT),
    "GET /api/billing/plans": Rule(least="viewer"),
    "GET /api/billing/invoices": Rule(least="viewer"),
    "GET /api/billing/invoice": Rule(least="viewer"),
    "GET /api/billing/payments": Rule(least="viewer"),
    # This tenant's plan is none of packages.
    "POST /api/billing/prepaid": Rule(least="admin", body={"packages": 1}, good=(409, 422)),
    # Signed by the payment provider, which has no key of ours; this stack has none.
    "POST /api/billing/stripe-webhook": Rule(least="public", good=(400, 404, 409)),
    "GET /api/audit": Rule(least="admin", foreign=OF_TENANT),
    "GET /api/audit/export": Rule(least="admin", foreign=OF_TENANT),
    "GET /api/alerts": Rule(least="viewer"),
    "PUT /api/alerts": Rule(least="admin", body={"levels": [50]}),
    # Once in a while.
    "POST /api/alerts/test": Rule(least="admin", good=(202, 429)),
    "GET /api/budgets": Rule(least="viewer"),
    "PUT /api/budgets/{scope}": Rule(
        least="admin", body={"amount": "5.000000", "period": "month"}, foreign={"path.scope": REFUSED}
    ),
    "DELETE /api/budgets/{scope}": Rule(least="admin", foreign={"path.scope": REFUSED}, takes=True),
    "GET /api/keys": Rule(least="admin", foreign=OF_TENANT),
    "POST /api/keys": Rule(
        least="admin",
        body={"name": "x", "role": "viewer"},
        foreign={"body.tenant_id": REFUSED, "body.agents": APART},
    ),
    "PATCH /api/keys/{key_id}": Rule(
        least="admin",
        body={"name": "x"},
        foreign={"path.key_id": REFUSED, "query.tenant_id": REFUSED, "body.agents": APART},
    ),
    "DELETE /api/keys/{key_id}": Rule(least="admin", foreign={"path.key_id": REFUSED} | OF_TENANT, takes=True),
    "POST /api/keys/{key_id}/rotate": Rule(
        least="admin", body={}, foreign={"path.key_id": REFUSED} | OF_TENANT, takes=True
    ),
    "GET /api/members": Rule(least="admin", foreign=OF_TENANT),
    "PATCH /api/members/{member_id}": Rule(
        least="admin", body={"name": "x"}, foreign={"path.member_id": REFUSED} | OF_TENANT
    ),
    "DELETE /api/members/{member_id}": Rule(least="admin", foreign={"path.member_id": REFUSED} | OF_TENANT, takes=True),
    "GET /api/invitations": Rule(least="admin", foreign=OF_TENANT),
    "POST /api/invitations": Rule(
        least="admin", body={"name": "x", "role": "viewer"}, foreign={"body.tenant_id": REFUSED}
    ),
    "DELETE /api/invitations/{invitation_id}": Rule(
        least="admin", foreign={"path.invitation_id": REFUSED} | OF_TENANT, takes=True
    ),
    # Whoever signed in and has the code, which is the invitation.
    "POST /api/invitations/accept": Rule(least="person", body={"code": "{code}"}, takes=True),
    "GET /api/tenants": Rule(least="operator"),
    "POST /api/tenants": Rule(least="operator", body={"name": "x", "plan": "basic"}),
    "GET /api/tenants/{tenant_id}": Rule(least="operator", foreign=OPERATORS),
    "PATCH /api/tenants/{tenant_id}": Rule(least="operator", body={"name": "x"}, foreign=OPERATORS, takes=True),
    "DELETE /api/tenants/{tenant_id}": Rule(least="operator", foreign=OPERATORS, takes=True),
    "GET /api/tenants/{tenant_id}/export": Rule(least="operator", foreign=OPERATORS),
    "POST /api/tenants/{tenant_id}/impersonate": Rule(
        least="operator", body={"reason": "to help"}, foreign=OPERATORS, takes=True
    ),
    "POST /api/tenants/{tenant_id}/payments": Rule(
        least="operator", body={"kind": "credit", "amount": "1.000000"}, foreign=OPERATORS
    ),
    "GET /api/tenants/{tenant_id}/payments": Rule(least="operator", foreign=OPERATORS),
    "GET /api/tenants/{tenant_id}/invoice": Rule(least="operator", foreign=OPERATORS),
    "POST /api/tenants/{tenant_id}/rebuild": Rule(
        least="operator", body={"from": "2026-01-01", "to": "2026-01-02"}, foreign=OPERATORS
    ),
    "POST /v1/chat/completions": Rule(
        least="developer",
        body={"model": "{agent_id}", "messages": [{"role": "user", "content": "x"}]},
        foreign={"body.model": REFUSED, "body.user": APART},
    ),
    "POST /v1/responses": Rule(
        least="developer",
        body={"model": "{agent_id}", "input": "x"},
        foreign={"body.model": REFUSED, "body.user": APART},
    ),
    # This stack has no model for it.
    "POST /v1/embeddings": Rule(
        least="developer", body={"model": "x", "input": "x"}, good=(404,), foreign={"body.model": REFUSED}
    ),
    "GET /v1/models": Rule(least="viewer", for_agent_keys=True),
    "GET /v1/models/{model}": Rule(least="viewer", foreign={"path.model": REFUSED}),
    # A queue has no secret, and no caller may post to what is no webhook.
    "POST /api/triggers/{trigger_id}/secret": Rule(
        least="developer", foreign={"path.trigger_id": REFUSED}, good=(409,)
    ),
    "GET /api/schedules": Rule(least="viewer", foreign={"query.agent_id": REFUSED}),
    "POST /api/schedules": Rule(
        least="developer",
        body={
            "name": "x",
            "agent_id": "{agent_id}",
            "rule": {"cron": "0 0 1 1 *"},
            "target": {"prompt": "x"},
        },
        foreign={"body.agent_id": REFUSED},
    ),
    "GET /api/schedules/{schedule_id}": Rule(least="viewer", foreign={"path.schedule_id": REFUSED}),
    "PATCH /api/schedules/{schedule_id}": Rule(
        least="developer", body={"name": "x"}, foreign={"path.schedule_id": REFUSED}, takes=True
    ),
    "DELETE /api/schedules/{schedule_id}": Rule(least="developer", foreign={"path.schedule_id": REFUSED}, takes=True),
    "POST /hooks/{trigger_id}": Rule(least="public", foreign={"path.trigger_id": REFUSED}, always=404),
    "GET /trigger/{agent_id}/{endpoint}": Rule(
        least="public", foreign={"path.agent_id": REFUSED, "path.endpoint": APART}, always=404
    ),
    "POST /trigger/{agent_id}/{endpoint}": Rule(
        least="public", foreign={"path.agent_id": REFUSED, "path.endpoint": APART}, always=404
    ),
    # The link is the right: whoever has it reads the file.
    "GET /files/{token}": Rule(least="public", foreign={"path.token": APART}, good=(302,)),
    "GET /health": Rule(least="public"),
    "GET /docs": Rule(least="public"),
    "GET /docs/{asset}": Rule(least="public", foreign={"path.asset": APART}),
    "GET /openapi.json": Rule(least="public"),
}
