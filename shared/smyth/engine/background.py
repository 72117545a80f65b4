"""The background branches of a run (ENGINE section 10).

A function may be frozen as soon as it has answered, so nothing may be left behind then: a run ends when its branches
have ended. What is left when its time is over is cancelled, and the log says so.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from smyth.connectors.jobs.memory import Job
from smyth.engine.limits import RunError

logger = logging.getLogger(__name__)

_CUT_SHORT = "The run was over before this branch was: its time was up, or its caller had gone."


class Branches:
    """The branches of one run that are still at work."""

    __slots__ = ("_at_work",)

    def __init__(self) -> None:
        self._at_work: dict[asyncio.Task[None], str] = {}

    def start(self, job_id: str, job: Job, work: Coroutine[Any, Any, Any]) -> None:
        """Let ``work`` run beside the run; ``job`` gets what it returns."""
        task = asyncio.create_task(_finish(job, work))
        self._at_work[task] = job_id
        task.add_done_callback(self._at_work.pop)

    async def finish(self, deadline: float) -> None:
        """Wait for all branches, those that branches start included, at most until ``deadline`` on the loop's clock."""
        if not self._at_work:
            return
        clock = asyncio.get_running_loop().time
        try:
            while self._at_work and (left := deadline - clock()) > 0:
                await asyncio.wait(self._at_work, timeout=left)
        finally:
            await self._cancel()

    async def _cancel(self) -> None:
        while late := dict(self._at_work):
            for task, job_id in late.items():
                logger.warning("The background branch of job %s was cancelled. %s", job_id, _CUT_SHORT)
                task.cancel()
            await asyncio.wait(late)


async def _finish(job: Job, work: Coroutine[Any, Any, Any]) -> None:
    try:
        job.end("done", await work)
    except RunError as error:
        job.end("failed", {"error": str(error), **error.details})
    except asyncio.CancelledError:
        job.end("failed", {"error": _CUT_SHORT})
        raise
    except Exception as error:
        logger.exception("A background branch failed")
        job.end("failed", {"error": str(error) or type(error).__name__})
