"""What is kept of deliveries: the message that brings one, the run that it starts, and where both are."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal, Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

State = Literal["running", "waiting", "done", "dead"]


class Delivery(BaseModel):
    """A message on the queue of triggers."""

    model_config = ConfigDict(frozen=True)

    trigger_id: str = Field(max_length=100)
    #: Empty where the account's own senders leave it out: the trigger tells it.
    tenant_id: str = Field(default="", max_length=100)
    #: Tells repetitions; the message's own id where the sender names none.
    delivery_id: str = Field(default="", max_length=300)
    at: AwareDatetime | None = None
    payload: JsonValue = None
    #: How many runs in a row led to this one.
    depth: int = Field(default=0, ge=0)


class Failure(BaseModel):
    """Why an attempt came to nothing."""

    model_config = ConfigDict(frozen=True)

    status: int
    code: str
    detail: str


class Run(BaseModel):
    """What became of a delivery."""

    model_config = ConfigDict(frozen=True)

    id: str
    trigger_id: str
    tenant_id: str
    delivery_id: str
    state: State = "running"
    #: When it happened, as the source says, and when the delivery was first taken up.
    at: datetime
    begun_at: datetime
    ended_at: datetime | None = None
    attempts: int = 1
    #: While running: until when nobody else takes it up. While waiting: when it is tried again.
    until: datetime | None = None
    depth: int = 0
    #: Grows with each change.
    revision: int = 1
    #: Of the last attempt that was admitted.
    request_id: str = ""
    #: What it cost, in micro-USD.
    cost: int = 0
    #: The beginning of what the agent answered, as JSON.
    output: str = ""
    failure: Failure | None = None


class RunStore(Protocol):
    """Where runs live, for 30 days."""

    def begin(self, run: Run, payload: str) -> Run:
        """Write a new run with its payload, unless the delivery has one; return the one that is stored."""
        ...

    def replace(self, run: Run) -> bool:
        """Write a changed run; False unless its revision is the next after the stored one's."""
        ...

    def get(self, tenant_id: str, trigger_id: str, run_id: str) -> Run | None:
        """Return a run."""
        ...

    def payload(self, run: Run) -> str:
        """Return what the delivery brought, as JSON."""
        ...

    def newest_first(self, tenant_id: str, trigger_id: str, after: str = "") -> Iterable[Run]:
        """Yield the runs of a trigger behind one id."""
        ...


class DeliveryQueue(Protocol):
    """The queue of triggers."""

    def send(self, body: str) -> None:
        """Put a message on it.

        Raises:
            Busy: The queue did not take it.
        """
        ...
