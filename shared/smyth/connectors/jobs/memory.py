"""Jobs in the memory of this process, as in the original: another process does not know them."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Literal

#: Kept over all agents; the oldest are forgotten first.
MOST_JOBS = 1_000

JobKey = tuple[str, str, str]


@dataclass(slots=True)
class Job:
    """A background branch and what came of it."""

    status: Literal["pending", "done", "failed"] = "pending"
    output: Any = None
    finished: asyncio.Event = field(default_factory=asyncio.Event)

    def end(self, status: Literal["done", "failed"], output: Any) -> None:
        """Note the outcome and wake those who wait."""
        self.status, self.output = status, output
        self.finished.set()

    def as_json(self) -> dict[str, Any]:
        """Return what Await tells of the job: no output while it is pending."""
        return {"status": self.status} if self.status == "pending" else {"output": self.output, "status": self.status}


class Jobs:
    """Jobs by team, agent and id: no agent sees those of another."""

    def __init__(self, at_most: int = MOST_JOBS) -> None:
        self._at_most = at_most
        self._jobs: OrderedDict[JobKey, Job] = OrderedDict()

    def add(self, team_id: str, agent_id: str, job_id: str) -> Job:
        """Note a job that begins."""
        job = self._jobs[team_id, agent_id, job_id] = Job()
        if len(self._jobs) > self._at_most:
            self._jobs.popitem(last=False)
        return job

    def get(self, team_id: str, agent_id: str, job_id: str) -> Job | None:
        """Return a job, or None where this process knows none with this id."""
        return self._jobs.get((team_id, agent_id, job_id))
