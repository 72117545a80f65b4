"""Await: wait for background jobs (COMPONENTS section 6; compat README, quirk 68)."""

from __future__ import annotations

import asyncio
import math
from typing import Any

from pydantic import Field

from smyth.components import base
from smyth.components.base import Call, Port
from smyth.connectors.jobs.memory import Job
from smyth.values import to_text

#: The original begins to count when it looks first, and gives up with the look after the last.
_GRACE_S = 1.5


class Settings(base.Settings):
    """How many jobs to wait for, and for how long."""

    jobs_count: int = Field(1, ge=1, le=100, description="Go on when this many of the jobs are done.")
    max_time: int = Field(1, ge=1, le=21_600, description="Longest wait in seconds.")


class Await(base.Component):
    """Wait until enough jobs are done, then tell the state of every job asked for."""

    name = "Await"
    title = "Await"
    summary = "Waits for jobs started by Async and returns their results."
    Settings = Settings
    inputs = (Port("Jobs", "Array", "One job id, or a list of them."),)
    outputs = (Port("Results", "Object", "Status and output of each job, by job id."),)

    async def run(self, call: Call) -> dict[str, Any]:
        """See :meth:`smyth.components.base.Component.run`."""
        asked = call.inputs.get("Jobs")
        ids = [to_text(one) for one in (asked if isinstance(asked, list) else [asked])]
        run = call.run
        jobs = {job_id: run.ports.jobs.get(run.team_id, run.agent_id, job_id) for job_id in ids}
        known = [job for job in jobs.values() if job is not None]
        await _wait(known, min(call.settings.jobs_count, len(known)), call.settings.max_time)
        return {
            "Results": {job_id: job.as_json() if job else {"status": "unknown_job"} for job_id, job in jobs.items()}
        }


async def _wait(jobs: list[Job], count: int, most_seconds: int) -> None:
    """Wait until ``count`` of the jobs are done, or the time is up.

    The original looks once a second. Jobs that end within the second in which enough were done count as it would
    have seen them; nothing is waited for when all are done.
    """
    clock = asyncio.get_running_loop().time
    began = clock()
    until = began + most_seconds + _GRACE_S
    pending = {asyncio.create_task(job.finished.wait()) for job in jobs if not job.finished.is_set()}
    try:
        while len(jobs) - len(pending) < count and clock() < until:
            _, pending = await asyncio.wait(pending, timeout=until - clock(), return_when=asyncio.FIRST_COMPLETED)
        if pending:
            look = began + max(1, math.ceil(clock() - began))
            _, pending = await asyncio.wait(pending, timeout=min(look, until) - clock())
    finally:
        for waiting in pending:
            waiting.cancel()
