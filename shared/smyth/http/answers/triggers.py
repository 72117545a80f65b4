"""What answers tell of triggers and of what became of their deliveries."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from smyth.http.answers.fields import Money, Time

RunState = Literal["running", "waiting", "done", "dead"]


class RunFailure(BaseModel):
    """Why an attempt came to nothing, as a request would be told."""

    status: int
    code: str
    detail: str


class RunInShort(BaseModel):
    """A run in a list."""

    id: str
    delivery_id: str = Field(description="What tells repetitions of a delivery.")
    state: RunState
    at: Time
    begun_at: Time
    ended_at: Time | None
    attempts: int
    retry_at: Time | None = Field(description="When it is tried again, where it waits.")
    request_id: str = Field(description="Of the ledger's entry; empty where no attempt was let in.")
    cost: Money
    failure: RunFailure | None


class RunShown(RunInShort):
    """A run with what it brought and what came of it."""

    output: str = Field(description="The beginning of what the agent answered, as JSON.")
    payload: Any = Field(description="What was delivered.")


class TriggerShown(BaseModel):
    """What starts an agent."""

    id: str
    name: str
    agent_id: str
    kind: str
    rule: dict[str, Any]
    target: dict[str, Any]
    retries: dict[str, int]
    enabled: bool
    disabled_because: str = Field(description="Why the service switched it off; empty where it did not.")
    created_at: Time
    updated_at: Time
    created_by: str
    last_run: RunInShort | None


class DeliveryTaken(BaseModel):
    """A delivery that waits in the queue; the runs of its trigger tell what becomes of it."""

    delivery_id: str


class Redriven(BaseModel):
    """Dead deliveries that are tried anew."""

    runs: list[str]
