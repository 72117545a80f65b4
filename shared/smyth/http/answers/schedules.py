"""What answers tell of schedules."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel


class LastRun(BaseModel):
    """The newest run of a schedule."""

    id: str
    state: str
    at: str
    cost: str


class Schedule(BaseModel):
    """A schedule; ``state`` is on, off or dead.

    ``problem`` says why it is dead or, where it is on, why that could not be made sure just now.
    """

    id: str
    name: str
    agent_id: str
    kind: str
    rule: dict[str, Any]
    target: dict[str, Any]
    retries: dict[str, Any]
    enabled: bool
    state: str
    problem: str
    next_run: str | None
    next_runs: list[str]
    last_run: LastRun | None
    created_at: str
    updated_at: str
