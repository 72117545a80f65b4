"""What a trigger is made of: what sets it off, what it starts, and how often that is tried.

A trigger belongs to one agent. Each kind has a rule of its own; what places the rule in the world, such as a schedule
at EventBridge, is a source in :mod:`smyth.platform.triggers`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, model_validator

from smyth.connectors.hooks.schemes import Scheme
from smyth.platform.names import Name
from smyth.platform.schedule_rules import ScheduleRule

MOST_ATTEMPTS = 5
_LONGEST_PAUSE = timedelta(hours=6)
_MOST_PATTERN_MEMBERS = 20
_MOST_PATTERN_DEPTH = 8

#: Where a tenant's files lie: uploads, files of agents (smythfs), knowledge.
Place = Literal["uploads", "files", "knowledge"]


class ObjectRule(BaseModel):
    """A file arrived whose name begins and ends so."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["object"]
    place: Place = "uploads"
    prefix: str = Field(default="", max_length=500)
    suffix: str = Field(default="", max_length=100)

    def matches(self, place: str, name: str) -> bool:
        """Tell whether a file at ``place`` sets the trigger off."""
        return place == self.place and name.startswith(self.prefix) and name.endswith(self.suffix)


class QueueRule(BaseModel):
    """Somebody of the account sent a message to the stack's queue of triggers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["queue"]


def _check_pattern(part: JsonValue, depth: int = 0) -> JsonValue:
    """Check the shape of a part of an EventBridge pattern: objects down to lists of values."""
    if isinstance(part, dict):
        if len(part) > _MOST_PATTERN_MEMBERS or depth > _MOST_PATTERN_DEPTH:
            raise ValueError("an object of the pattern is too large or too deep")
        for inner in part.values():
            _check_pattern(inner, depth + 1)
    elif not isinstance(part, list) or not part:
        raise ValueError('each field of the pattern takes a list of what it may be, such as ["order.paid"]')
    return part


class EventPattern(BaseModel):
    """An event pattern of EventBridge; the tenant is added to it."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    source: list[JsonValue] | None = Field(default=None, min_length=1, max_length=20)
    detail_type: list[JsonValue] | None = Field(default=None, alias="detail-type", min_length=1, max_length=20)
    detail: Annotated[dict[str, JsonValue], AfterValidator(_check_pattern)] = {}

    def of_tenant(self, tenant_id: str) -> dict[str, Any]:
        """Return the pattern that EventBridge gets: nobody listens to another tenant's events."""
        said = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return said | {"detail": said["detail"] | {"tenant_id": [tenant_id]}}


class EventRule(BaseModel):
    """An event on the stack's own bus whose detail names the tenant."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["event"]
    pattern: EventPattern = EventPattern()


class WebhookRule(BaseModel):
    """Somebody posted a signed message to the trigger's own address."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["webhook"]
    scheme: Scheme = Field(default="standard", description="How the sender signs.")


class GooglePush(BaseModel):
    """Whose tokens Google's Pub/Sub shows when it pushes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    service_account: str = Field(max_length=200, pattern=r"^[^@\s]+@[^@\s]+$", description="Its e-mail address.")
    audience: str = Field(min_length=1, max_length=500, description="As the subscription's settings name it.")


class ComponentRule(BaseModel):
    """A trigger component of the agent is called: by its service over HTTP, or every so often."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["component"]
    every_minutes: int | None = Field(
        default=None, ge=1, le=720, description="Call it so often; the component's own interval unless told."
    )
    push: GooglePush | None = Field(default=None, description="For Gmail: Pub/Sub calls it when mails come.")


Rule = Annotated[
    ObjectRule | QueueRule | EventRule | ScheduleRule | WebhookRule | ComponentRule, Field(discriminator="kind")
]


class Target(BaseModel):
    """What is started: a skill's endpoint, a prompt, or a trigger component of the agent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    skill: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]{1,100}$", description="The skill's endpoint.")
    input: dict[str, JsonValue] | None = Field(
        default=None, max_length=100, description="The skill's inputs; {{name}} is filled from the payload."
    )
    prompt: str | None = Field(
        default=None, min_length=1, max_length=20_000, description="What the agent is told; {{name}} is filled."
    )
    trigger: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9_-]{1,50}$", description="The triggerEndpoint of a trigger component."
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(part is not None for part in (self.skill, self.prompt, self.trigger)) != 1:
            raise ValueError("name exactly one of skill, prompt and trigger")
        if self.input is not None and self.skill is None:
            raise ValueError("input belongs to a skill")
        return self


class Retries(BaseModel):
    """How often a delivery is tried, and how long the first pause is; each further one is twice as long."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    attempts: int = Field(default=3, ge=1, le=MOST_ATTEMPTS)
    backoff_s: int = Field(default=30, ge=1, le=3_600)

    def pause(self, attempt: int) -> timedelta:
        """Return how long to wait after a failed attempt, counted from one."""
        return min(_LONGEST_PAUSE, timedelta(seconds=self.backoff_s * 2 ** (attempt - 1)))


class Trigger(BaseModel):
    """A trigger as it is stored."""

    model_config = ConfigDict(frozen=True)

    id: str
    tenant_id: str
    agent_id: str
    name: str
    rule: Rule
    target: Target
    enabled: bool = True
    #: Why it was switched off by the service; empty where that was the tenant, or nobody.
    disabled_because: str = ""
    retries: Retries = Retries()
    created_at: datetime
    updated_at: datetime
    #: Who made it: a key or a member.
    created_by: str = ""
    #: Where the service was found by who made it: links to files of its runs begin with it.
    public_url: str = ""
    #: Grows with each change; a change of what is no longer the newest is refused.
    version: int = 1
    #: What the rule needs and nobody is shown, such as the secret of a webhook.
    secrets: dict[str, str] = Field(default={}, repr=False)

    @property
    def kind(self) -> str:
        """What sets it off."""
        return self.rule.kind


class NewTrigger(BaseModel):
    """What a trigger is made from."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    agent_id: str = Field(max_length=100)
    rule: Rule
    target: Target
    enabled: bool = True
    retries: Retries = Retries()


class TriggerChanges(BaseModel):
    """What of a trigger is to change; its kind and its agent stay."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    rule: Rule | None = None
    target: Target | None = None
    enabled: bool | None = None
    retries: Retries | None = None
