"""The shapes of answers, as the OpenAPI document tells them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

Row = TypeVar("Row")
#: RFC 3339 in UTC, as text.
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
#: USD with six places.
Money = Annotated[str, Field(pattern=r"^\d+\.\d{6}$")]
#: Money that may be owed the other way.
Balance = Annotated[str, Field(pattern=r"^-?\d+\.\d{6}$")]


class Page(BaseModel, Generic[Row]):
    """A part of a list; ``next_cursor`` asks for the next one."""

    items: list[Row]
    next_cursor: str | None = None


class Finding(TypedDict, total=False):
    """Something to know about a document, and where in it."""

    level: Literal["error", "warning"]
    code: str
    message: str
    path: str
    component_id: str
    port: str
    connection: int


class Agent(BaseModel):
    """An agent as lists show it."""

    id: str
    name: str
    slug: str
    description: str
    model: str | None
    version: int
    published_version: int | None
    access: dict[str, list[str]] = Field(description="Who may do what, by candidate; docs/access.md.")
    created_at: Time
    updated_at: Time


class ChangedAgent(Agent):
    """An agent after a change, with what should be known about its document."""

    warnings: list[Finding]


class Endpoint(BaseModel):
    """What an agent can be called with under ``/run/``."""

    method: str
    endpoint: str


class AgentDetails(Agent):
    """An agent with what its document says."""

    behavior: str
    variables: dict[str, Any]
    guardrails: Any = Field(description="Rules for what is said, as the document has them; null where there are none.")
    memory: Any = Field(description="How chats are remembered, as the document has it; null for the usual way.")
    components: int = Field(description="How many.")
    endpoints: list[Endpoint]


class AgentVersion(BaseModel):
    """A version of an agent's document."""

    version: int
    sha256: str
    published: bool
    created_at: Time
    created_by: str


class ToolCall(BaseModel):
    """A skill that the model called, and what it returned."""

    model_config = ConfigDict(extra="allow")

    id: str
    name: str
    arguments: Any
    result: Any


class Tokens(BaseModel):
    """What the model was sent and what it wrote."""

    model_config = ConfigDict(extra="allow")

    input_tokens: int
    output_tokens: int
    total_tokens: int


class GuardrailAction(BaseModel):
    """What a rule of the agent did; never what it found."""

    stage: Literal["input", "tool", "output"]
    rule: str
    action: Literal["block", "mask", "pass"]
    count: int


class PromptAnswer(BaseModel):
    """What the agent said."""

    output: str
    tool_calls: list[ToolCall]
    model: str
    finish_reason: str = Field(description="Why the model's last reply ended.")
    usage: Tokens
    cost: Money
    request_id: str
    warnings: list[str] = Field(default=[], description="What to know though all went well; left out where nothing.")
    guardrails: list[GuardrailAction] = Field(default=[], description="What guardrails did; left out where nothing.")


class ChatAnswer(PromptAnswer):
    """What the agent said, and the conversation to go on with."""

    conversation_id: str


class ShownAttachment(BaseModel):
    """A file of a message; its content is not shown."""

    name: str
    type: str
    size: int = Field(description="Characters of its data URL.")


class ChatMessage(BaseModel):
    """A message of a conversation."""

    role: Literal["user", "assistant"]
    content: str
    at: datetime
    attachments: list[ShownAttachment] = []


class ChatHistory(BaseModel):
    """What was said, oldest first."""

    conversation_id: str
    messages: list[ChatMessage]


class Conversation(BaseModel):
    """A conversation as lists show it."""

    conversation_id: str
    user: str | None = Field(description="null: it is common to the tenant.")
    title: str = Field(description="The beginning of the first message.")
    turns: int
    tokens: int = Field(description="Of all turns together.")
    created_at: Time
    updated_at: Time = Field(description="When the last turn ended.")


class CalledTool(BaseModel):
    """A call that the model asked for."""

    id: str
    name: str
    arguments: str = Field(description="JSON text as the model wrote it.")


class StoredMessage(BaseModel):
    """A message of a conversation, tool rounds included."""

    role: Literal["user", "assistant", "tool"]
    content: str
    at: datetime
    attachments: list[ShownAttachment] = []
    tool_calls: list[CalledTool] = []
    tool_call_id: str = Field(default="", description="Of a tool's result: which call it answers.")
    name: str = Field(default="", description="Of a tool's result: the tool.")


class WholeConversation(Conversation, Page[StoredMessage]):
    """A conversation and a part of its messages, oldest first."""


class Model(BaseModel):
    """A model that agents may name; one of the tenant's ``own`` has more members."""

    model_config = ConfigDict(extra="allow")

    name: str
    own: bool
    provider: str
    model: str
    context_window: int
    max_output: int
    interface: str
    features: list[str]


class ApiKey(BaseModel):
    """A key as lists show it; its secret is shown once, when it is made."""

    id: str
    tenant_id: str
    name: str
    role: str
    prefix: str
    agents: list[str]
    routes: list[str]
    created_at: Time
    expires_at: Time | None
    requests_per_minute: int | None = Field(description="Of billable requests; null: the tenant's limit alone holds.")
    last_used: str | None = Field(description="To within five minutes.")
    previous_until: Time | None = Field(description="Until when the secret before the last rotation counts.")


class CreatedApiKey(ApiKey):
    """A new key with its secret."""

    key: str = Field(description="The secret. It is never shown again.")


class Member(BaseModel):
    """Somebody who may act in the tenant after signing in."""

    id: str
    tenant_id: str
    name: str
    email: str | None
    role: str
    kind: Literal["person", "machine"]
    joined_at: Time
    invited_by: str = Field(description="The key or member that invited them.")


class Invitation(BaseModel):
    """An invitation that is open."""

    id: str
    tenant_id: str
    name: str
    email: str | None = Field(description="Only who signs in with this address may accept; null: whoever has the code.")
    role: str
    created_at: Time
    created_by: str
    expires_at: Time


class CreatedInvitation(Invitation):
    """A new invitation with its code."""

    code: str = Field(description="What accepts it. It is never shown again.")


class TenantLimits(BaseModel):
    """What the tenant may use; null means without limit."""

    requests_per_month: int | None
    agents: int | None


class TenantPlan(BaseModel):
    """A plan that a tenant came to."""

    plan: str
    since: Time


class Tenant(BaseModel):
    """A tenant."""

    id: str
    name: str
    plan: str
    status: Literal["active", "suspended", "erasing"]
    limits: TenantLimits
    time_zone: str = Field(description="Where its months begin and end.")
    trial_until: Time | None = Field(description="No monthly price is charged before.")
    requests_per_minute: int | None = Field(description="Its own limit; null: the plan's holds.")
    budgeted: bool
    plan_history: list[TenantPlan] = Field(description="Every plan that it has had, oldest first.")
    created_at: Time


class Impersonation(BaseModel):
    """A key by which the operator acts as a tenant, for a short time."""

    tenant_id: str
    key_id: str
    key: str = Field(description="The secret. It is never shown again.")
    role: str
    acting_for: str = Field(description="The operator's key; it stands in the audit beside all that is done.")
    expires_at: Time


class TenantErasure(BaseModel):
    """A tenant that is being erased."""

    tenant_id: str
    status: Literal["erasing"]
    requested_at: Time
    begins_at: Time = Field(description="When no request of it can be at work any more.")


class TenantExport(BaseModel):
    """A tenant's data; while it is being collected without links."""

    tenant_id: str
    status: Literal["running", "ready"]
    requested_at: Time
    finished_at: Time | None
    kept_until: Time | None
    links: list[str] = Field(description="Of the archives; each holds for an hour. Ask again for new ones.")


class Period(BaseModel):
    """From ``start`` up to, not including, ``end``."""

    start: Time
    end: Time


class Requests(BaseModel):
    """Requests of the plan's period; null means without limit."""

    limit: int | None
    used: int
    remaining: int | None


class UsageGroup(BaseModel):
    """What was used under one value of ``group_by``, which is a member here."""

    model_config = ConfigDict(extra="allow")

    requests: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    provider_cost: Money
    cost: Money


class UsageReport(BaseModel):
    """What was used, and what is left."""

    period: Period
    plan: str
    requests: Requests
    cost: Money
    currency: Literal["USD"]
    items: list[UsageGroup]


class PackageOffer(BaseModel):
    """What prepaid requests are sold by."""

    requests: int
    price: Money


class PlanOffer(BaseModel):
    """A plan of the price list; null means without limit, or that there is none."""

    name: str
    mine: bool = Field(description="Whether the caller's tenant has it.")
    price_per_month: Money
    price_per_request: Money
    overage_per_request: Money | None = Field(
        description="What requests beyond the limit cost; null: they are refused."
    )
    model_markup_percent: int
    prepaid: bool
    package: PackageOffer | None
    requests_per_month: int | None
    agents: int | None


class InvoiceIssuer(BaseModel):
    """Who sends the invoice."""

    name: str
    address: list[str]
    tax_id: str


class InvoiceLine(BaseModel):
    """A line of an invoice."""

    kind: str
    description: str
    quantity: int | None
    unit_price: Money | None
    amount: Balance


class InvoiceTax(BaseModel):
    """The tax on the subtotal."""

    name: str
    percent: str
    amount: Money


class InvoiceSummary(BaseModel):
    """What an invoice comes to."""

    number: str
    month: str
    status: Literal["open", "final"] = Field(description="Final once the month is over and nothing of it can change.")
    currency: Literal["USD"]
    total: Balance
    paid: Balance
    due: Balance = Field(description="In whole cents; negative where more has been paid.")


class Invoice(InvoiceSummary):
    """A month's invoice."""

    tenant_id: str
    tenant_name: str
    period: Period
    issuer: InvoiceIssuer
    lines: list[InvoiceLine]
    subtotal: Balance
    tax: InvoiceTax


class Payment(BaseModel):
    """Money that came or went, or requests that were given."""

    id: str
    kind: Literal["topup", "payment", "credit", "refund", "grant"]
    amount: Money
    requests: int
    month: str = Field(description="The month whose invoice it belongs to.")
    at: Time
    by: str
    reference: str
    note: str


class CheckoutPage(BaseModel):
    """Where an order is paid; the requests are there once it is."""

    id: str
    url: str
    requests: int
    price: Money


class Received(BaseModel):
    """The message arrived and is what it claims to be."""

    received: Literal[True]


class AuditEntry(BaseModel):
    """Who did what, when, from where, and what came of it."""

    seq: int = Field(description="Its place in the chain, from 1 on, without a gap.")
    at: Time
    action: str = Field(description="The route, or a word for what was no request.")
    target: str = Field(description="What it was done to.")
    outcome: Literal["done", "refused"]
    status: int
    code: str = Field(description="Of a refusal; empty otherwise.")
    actor: str = Field(description="The id of the key; empty where it was unknown.")
    role: str
    subject: str = Field(description="The person, where one signed in.")
    acting_for: str = Field(description="The operator's key, while the operator acts as the tenant.")
    source_ip: str
    request_id: str
    fields: list[str] = Field(description="The names of the members that were sent, never what they held.")
    tenant_id: str = Field(description="Empty in the operator's own chain.")
    previous: str = Field(description="The hash of the entry before.")
    hash: str = Field(description="SHA-256 over all else.")


class Budget(BaseModel):
    """How much a tenant, an agent or a key may spend, and where that stands in this period."""

    scope: str = Field(description='"tenant", "agent:<id>" or "key:<id>".')
    amount: Money
    period: Literal["day", "month", "total"]
    per_run: Money | None = Field(description="What the models of one request may cost; null: as the stack has it.")
    spent: Money
    reserved: Money = Field(description="Set aside for requests at work.")
    left: Money
    renews_at: Time | None = Field(description="null: never.")


class SpikeRule(BaseModel):
    """When spending counts as a spike."""

    factor: int
    minimum: Money


class RaisedAlert(BaseModel):
    """An alert and what came of it; ``used`` and ``limit`` are requests, or USD where money is meant."""

    id: str
    tenant_id: str
    kind: Literal["quota", "budget", "spend_spike", "test"]
    subject: str
    level: int | None
    used: int | Money
    limit: int | Money
    message: str
    at: Time
    state: Literal["pending", "done", "failed"]
    attempts: int
    deliveries: dict[str, str] = Field(description='By channel: "delivered", or why not.')


class AlertTargets(BaseModel):
    """What the tenant is told, and where."""

    levels: list[int]
    spend_spike: SpikeRule | None
    webhook_url: str | None
    emails: list[str]


class AlertsShown(AlertTargets):
    """What the tenant is told, where, and the newest alerts."""

    recent: list[RaisedAlert]


class AlertsWritten(AlertTargets):
    """What the tenant is told, and where, as it is now."""

    webhook_secret: str | None = Field(description="The new secret that signs; shown once. null: there is no new one.")


class TotalDifference(BaseModel):
    """A total that is not what the ledger says: requests of a meter, USD of a budget or a day's roll-up."""

    kind: Literal["rollup", "meter", "budget"]
    name: str
    ledger: int | str
    found: int | str
    repaired: bool


class RebuiltTotals(BaseModel):
    """What differs from the ledger; nothing, where all is well."""

    tenant_id: str
    differences: list[TotalDifference]
