"""The one route table: the stack, the laptop's front and the OpenAPI document are made from it.

Nothing heavy may be imported here: the stack reads it at synthesis, the front at start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: ``public`` needs no key, ``tenant`` a tenant's or the operator's key, ``operator`` the operator's, ``person``
#: the token of somebody who signed in, who need not be a member of any tenant.
Auth = Literal["public", "tenant", "operator", "person"]
#: The folders of ``layers/``: nearly everything, numpy for searches, what documents are read with, what bills are made
#: and paid with, or the sandbox of users' code and nothing else.
Layer = Literal["runtime", "vectors", "documents", "billing", "code"]


@dataclass(frozen=True, slots=True)
class Route:
    """One method on one path, answered by one function."""

    method: str
    path: str
    function: str
    auth: Auth = "tenant"
    #: Billable routes are admitted against the plan and pass API Gateway's usage plan.
    billable: bool = False
    #: Streamed routes are answered by a web app while the answer is being made.
    stream: bool = False
    #: It brings an event, of which the runs of the trigger tell.
    event: bool = False

    @property
    def changes(self) -> bool:
        """Whether it alters what is kept, so that the audit tells of it. Runs and talks are in the ledger."""
        return self.method not in ("GET", "HEAD") and not (self.billable or self.stream or self.event)


@dataclass(frozen=True, slots=True)
class Function:
    """One Lambda function; its code is ``functions/<name>/handler.py``."""

    name: str
    #: Loads the model library, so it needs the memory and the time for it.
    models: bool = False
    timeout_s: int = 29
    memory_mb: int = 512

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers of dependencies that it carries; our own package comes with every function."""
        if self.name == CODE_FUNCTION:
            return ("code",)
        if self.name in BILLING_FUNCTIONS:
            return ("runtime", "billing")
        if self.name in DOCUMENT_FUNCTIONS:
            return ("runtime", "vectors", "documents")
        # Who asks models also embeds and searches: agents may do either.
        return ("runtime", "vectors") if self.models else ("runtime",)


ROUTES: tuple[Route, ...] = (
    Route("POST", "/api/agents/create", "create_agent"),
    Route("POST", "/api/agents/import", "import_agent"),
    Route("GET", "/api/agents", "list_agents"),
    Route("GET", "/api/agents/{agent_id}", "get_agent"),
    Route("PATCH", "/api/agents/{agent_id}", "update_agent"),
    Route("DELETE", "/api/agents/{agent_id}", "delete_agent"),
    Route("GET", "/api/agents/{agent_id}/versions", "get_agent"),
    Route("POST", "/api/agents/{agent_id}/publish", "update_agent"),
    Route("GET", "/api/agents/{agent_id}/export", "export_agent"),
    Route("GET", "/api/agents/{agent_id}/openapi.json", "export_agent"),
    Route("GET", "/api/agents/{agent_id}/run/{endpoint}", "run_endpoint", billable=True),
    Route("POST", "/api/agents/{agent_id}/run/{endpoint}", "run_endpoint", billable=True),
    Route("POST", "/api/agents/{agent_id}/prompt", "prompt_agent", billable=True),
    Route("GET", "/api/agents/{agent_id}/chat", "chat_agent", billable=True),
    Route("POST", "/api/agents/{agent_id}/chat", "chat_agent", billable=True),
    Route("POST", "/api/agents/{agent_id}/stream", "stream_agent", billable=True, stream=True),
    # Not billable, though calls of tools are billed: all else is free, and API Gateway would count it.
    Route("POST", "/api/agents/{agent_id}/mcp", "agent_mcp", stream=True),
    # The protocol's words for a server without sessions: 405.
    Route("GET", "/api/agents/{agent_id}/mcp", "agent_mcp", stream=True),
    Route("DELETE", "/api/agents/{agent_id}/mcp", "agent_mcp", stream=True),
    Route("GET", "/api/agents/{agent_id}/conversations", "manage_conversations"),
    Route("GET", "/api/agents/{agent_id}/conversations/{conversation_id}", "manage_conversations"),
    Route("DELETE", "/api/agents/{agent_id}/conversations/{conversation_id}", "manage_conversations"),
    Route("POST", "/api/skills/add", "add_skill"),
    Route("GET", "/api/components", "list_components"),
    Route("GET", "/api/connectors", "list_connectors"),
    Route("GET", "/api/models", "manage_models"),
    Route("GET", "/api/models/{name}", "manage_models"),
    Route("PUT", "/api/models/{name}", "manage_models"),
    Route("DELETE", "/api/models/{name}", "manage_models"),
    Route("GET", "/api/credentials", "manage_credentials"),
    Route("GET", "/api/credentials/{name}", "manage_credentials"),
    Route("PUT", "/api/credentials/{name}", "manage_credentials"),
    Route("DELETE", "/api/credentials/{name}", "manage_credentials"),
    Route("POST", "/api/credentials/{name}/rotate", "manage_credentials"),
    Route("POST", "/api/credentials/{name}/rollback", "manage_credentials"),
    Route("POST", "/api/vectordb/search", "search_vectors", billable=True),
    # Not billable as such, though an upsert that embeds texts is billed: one with vectors is free.
    Route("POST", "/api/vectordb/upsert", "upsert_vectors"),
    Route("GET", "/api/vectordb", "manage_knowledge"),
    Route("GET", "/api/vectordb/{namespace}", "manage_knowledge"),
    Route("DELETE", "/api/vectordb/{namespace}", "manage_knowledge"),
    Route("DELETE", "/api/vectordb/{namespace}/{item_id}", "manage_knowledge"),
    Route("POST", "/api/vectordb/{namespace}/delete", "manage_knowledge"),
    Route("GET", "/api/knowledge", "manage_knowledge"),
    Route("POST", "/api/knowledge", "manage_knowledge"),
    Route("GET", "/api/knowledge/{document_id}", "manage_knowledge"),
    Route("DELETE", "/api/knowledge/{document_id}", "manage_knowledge"),
    Route("POST", "/api/knowledge/{document_id}/reindex", "manage_knowledge"),
    Route("POST", "/api/knowledge/search", "search_vectors", billable=True),
    Route("POST", "/api/storage/upload", "upload_file"),
    Route("GET", "/api/storage", "manage_files"),
    Route("GET", "/api/storage/{key}", "manage_files"),
    Route("DELETE", "/api/storage/{key}", "manage_files"),
    Route("POST", "/api/storage/{key}/complete", "manage_files"),
    Route("GET", "/api/triggers", "manage_triggers"),
    Route("POST", "/api/triggers", "manage_triggers"),
    Route("GET", "/api/triggers/{trigger_id}", "manage_triggers"),
    Route("PATCH", "/api/triggers/{trigger_id}", "manage_triggers"),
    Route("DELETE", "/api/triggers/{trigger_id}", "manage_triggers"),
    Route("POST", "/api/triggers/{trigger_id}/test", "manage_triggers"),
    Route("POST", "/api/triggers/{trigger_id}/redrive", "manage_triggers"),
    Route("GET", "/api/triggers/{trigger_id}/runs", "manage_triggers"),
    Route("GET", "/api/triggers/{trigger_id}/runs/{run_id}", "manage_triggers"),
    Route("POST", "/api/triggers/{trigger_id}/runs/{run_id}/redrive", "manage_triggers"),
    Route("POST", "/api/triggers/{trigger_id}/secret", "manage_triggers"),
    Route("GET", "/api/schedules", "manage_triggers"),
    Route("POST", "/api/schedules", "manage_triggers"),
    Route("GET", "/api/schedules/{schedule_id}", "manage_triggers"),
    Route("PATCH", "/api/schedules/{schedule_id}", "manage_triggers"),
    Route("DELETE", "/api/schedules/{schedule_id}", "manage_triggers"),
    Route("GET", "/api/usage", "get_usage"),
    Route("GET", "/api/billing/plans", "manage_billing"),
    Route("GET", "/api/billing/invoices", "manage_billing"),
    Route("GET", "/api/billing/invoice", "manage_billing"),
    Route("GET", "/api/billing/payments", "manage_billing"),
    Route("POST", "/api/billing/prepaid", "manage_billing"),
    Route("POST", "/api/billing/stripe-webhook", "manage_billing", auth="public"),
    Route("GET", "/api/audit", "read_audit"),
    Route("GET", "/api/audit/export", "read_audit"),
    Route("GET", "/api/alerts", "manage_billing"),
    Route("PUT", "/api/alerts", "manage_billing"),
    Route("POST", "/api/alerts/test", "manage_billing"),
    Route("GET", "/api/budgets", "manage_billing"),
    Route("PUT", "/api/budgets/{scope}", "manage_billing"),
    Route("DELETE", "/api/budgets/{scope}", "manage_billing"),
    Route("GET", "/api/keys", "manage_keys"),
    Route("POST", "/api/keys", "manage_keys"),
    Route("PATCH", "/api/keys/{key_id}", "manage_keys"),
    Route("DELETE", "/api/keys/{key_id}", "manage_keys"),
    Route("POST", "/api/keys/{key_id}/rotate", "manage_keys"),
    Route("GET", "/api/members", "manage_members"),
    Route("PATCH", "/api/members/{member_id}", "manage_members"),
    Route("DELETE", "/api/members/{member_id}", "manage_members"),
    Route("GET", "/api/invitations", "manage_members"),
    Route("POST", "/api/invitations", "manage_members"),
    Route("DELETE", "/api/invitations/{invitation_id}", "manage_members"),
    Route("POST", "/api/invitations/accept", "manage_members", auth="person"),
    Route("GET", "/api/tenants", "manage_tenants", auth="operator"),
    Route("POST", "/api/tenants", "manage_tenants", auth="operator"),
    Route("GET", "/api/tenants/{tenant_id}", "manage_tenants", auth="operator"),
    Route("PATCH", "/api/tenants/{tenant_id}", "manage_tenants", auth="operator"),
    Route("DELETE", "/api/tenants/{tenant_id}", "manage_tenants", auth="operator"),
    Route("GET", "/api/tenants/{tenant_id}/export", "manage_tenants", auth="operator"),
    Route("POST", "/api/tenants/{tenant_id}/impersonate", "manage_tenants", auth="operator"),
    Route("POST", "/api/tenants/{tenant_id}/payments", "manage_billing", auth="operator"),
    Route("GET", "/api/tenants/{tenant_id}/payments", "manage_billing", auth="operator"),
    Route("GET", "/api/tenants/{tenant_id}/invoice", "manage_billing", auth="operator"),
    Route("POST", "/api/tenants/{tenant_id}/rebuild", "manage_billing", auth="operator"),
    Route("POST", "/v1/chat/completions", "openai_api", billable=True, stream=True),
    Route("POST", "/v1/responses", "openai_api", billable=True, stream=True),
    Route("POST", "/v1/embeddings", "openai_api", billable=True, stream=True),
    Route("GET", "/v1/models", "openai_api", stream=True),
    Route("GET", "/v1/models/{model}", "openai_api", stream=True),
    # Each proves by itself who sent it; a webhook's signature, Meta's, or a token of Google's.
    Route("POST", "/hooks/{trigger_id}", "receive_webhook", auth="public", event=True),
    Route("GET", "/trigger/{agent_id}/{endpoint}", "receive_webhook", auth="public"),
    Route("POST", "/trigger/{agent_id}/{endpoint}", "receive_webhook", auth="public", event=True),
    Route("GET", "/files/{token}", "get_file", auth="public"),
    Route("GET", "/health", "health", auth="public"),
    Route("GET", "/docs", "docs", auth="public"),
    Route("GET", "/docs/{asset}", "docs", auth="public"),
    Route("GET", "/openapi.json", "docs", auth="public"),
)

#: Where Lambda enters every function that is not behind the adapter of streams; it loads the function's own handler.
ENTRY = "smyth.http.start.handler"

#: Functions whose routes are streamed; all routes of such a function are.
STREAMED = frozenset(route.function for route in ROUTES if route.stream)

#: They make invoices or speak to Stripe.
BILLING_FUNCTIONS = ("manage_billing", "table_changes")

#: They read documents.
DOCUMENT_FUNCTIONS = ("index_knowledge",)

#: Runs users' code; it alone may do nothing and knows nothing of the stack.
CODE_FUNCTION = "run_code"

#: Every function of the stack. Those without a route answer the gateway (authorizer) or events.
FUNCTIONS: tuple[Function, ...] = (
    Function("create_agent"),
    Function("import_agent"),
    Function("list_agents"),
    Function("get_agent"),
    Function("update_agent"),
    Function("delete_agent"),
    Function("export_agent"),
    Function("run_endpoint", models=True, memory_mb=1024),
    Function("prompt_agent", models=True, memory_mb=1024),
    Function("chat_agent", models=True, memory_mb=1024),
    Function("stream_agent", models=True, memory_mb=1024, timeout_s=900),
    Function("agent_mcp", models=True, memory_mb=1024, timeout_s=900),
    Function("openai_api", models=True, memory_mb=1024, timeout_s=900),
    Function("manage_conversations"),
    Function("add_skill"),
    Function("list_components", memory_mb=256),
    Function("list_connectors", memory_mb=256),
    Function("manage_models"),
    Function("manage_credentials"),
    Function("search_vectors", models=True, memory_mb=1024),
    Function("upsert_vectors", models=True, memory_mb=1024),
    # Deletes vectors, which takes their searching.
    Function("manage_knowledge", models=True, memory_mb=1024),
    # Reads documents in a child process, embeds and stores them; what takes longer goes on in the next call.
    Function("index_knowledge", models=True, memory_mb=2048, timeout_s=300),
    Function("manage_triggers"),
    Function("receive_webhook"),
    # Runs what triggers start, one delivery at a time.
    Function("run_trigger", models=True, memory_mb=1024, timeout_s=900),
    Function("upload_file"),
    Function("manage_files"),
    Function("get_file", memory_mb=256),
    Function("get_usage"),
    Function("manage_billing"),
    Function("read_audit"),
    Function("manage_keys"),
    Function("manage_members"),
    Function("manage_tenants"),
    Function("health", memory_mb=256),
    Function("docs", memory_mb=256),
    Function("authorizer", timeout_s=10),
    Function("object_created", memory_mb=256),
    # Memory buys CPU: the code itself is held to far less.
    Function(CODE_FUNCTION, memory_mb=512),
    # It holds an archive of an export, and what goes into it.
    Function("schedule_tick", timeout_s=60, memory_mb=512),
    # Follows the table's stream.
    Function("table_changes", timeout_s=60),
    # Called by whoever deploys, again and again until nothing is left.
    Function("migrate", timeout_s=120),
)
