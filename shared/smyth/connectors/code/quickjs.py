"""User code in QuickJS: a fresh context per call, inside child processes that are kept for the next call."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from smyth.connectors.code.port import INPUT_BYTES, CodeLimits, CodeResult
from smyth.connectors.code.process import Child, ChildFailed, ChildLate
from smyth.values import to_json

#: What the child gets to notice by itself that its time is over.
_GRACE_SECONDS = 0.5


class QuickJsSandbox:
    """Runs code in at most ``at_once`` child processes, started when first needed.

    A child that broke a limit, or did not answer as it should, is replaced. Calls wait their turn; their time runs
    from when a child has them.
    """

    def __init__(self, limits: CodeLimits | None = None, *, at_once: int = 4) -> None:
        self._limits = limits or CodeLimits()
        # Threads of its own: waiting for user code must not use up those of the event loop.
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="code")
        self._idle: list[Child] = []

    async def run(
        self,
        source: str,
        inputs: Mapping[str, Any],
        *,
        environment: Mapping[str, str] | None = None,
        limits: CodeLimits | None = None,
    ) -> CodeResult:
        """See :meth:`smyth.connectors.code.port.CodeSandbox.run`. Cancelling it ends the code at once."""
        text = to_json(dict(inputs))
        if len(text) > INPUT_BYTES:
            return CodeResult(error=f"The inputs are longer than {INPUT_BYTES:,} bytes as JSON. Pass smaller values.")
        job = _Job(self._idle, limits or self._limits)
        call = {"source": source, "inputs": text, "environment": environment and dict(environment)}
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, job.work, call)
        except asyncio.CancelledError:
            job.cancel()
            raise

    def close(self) -> None:
        """End all processes; calls that are under way end first."""
        self._threads.shutdown()
        while self._idle:
            self._idle.pop().kill()


class _Job:
    """One call on its way through a thread and a child; cancelled from another thread."""

    def __init__(self, idle: list[Child], limits: CodeLimits) -> None:
        self._idle = idle
        self._limits = limits
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._cancelled = False

    def work(self, call: dict[str, Any]) -> CodeResult:
        """Make the call with an idle child or a new one."""
        child = self._idle.pop() if self._idle else Child()
        with self._lock:
            if self._cancelled:
                self._idle.append(child)
                return CodeResult(error="The run was cancelled.")
            self._child = child
        try:
            limits = self._limits.model_dump()
            answer = child.ask({**call, "limits": limits}, self._limits.wall_s + _GRACE_SECONDS)
        except ChildLate:
            return CodeResult(error=f"The code did not end within {self._limits.wall_s:g} s. Do less at once.")
        except ChildFailed:
            return CodeResult(error="The code broke its sandbox, most likely by its use of memory. Work on less data.")
        with self._lock:
            self._child = None
        if answer.get("spent") is False:
            self._idle.append(child)
        else:
            child.kill()
        return CodeResult.from_answer(answer)

    def cancel(self) -> None:
        """End the child that works for this call, if one does."""
        with self._lock:
            self._cancelled = True
            if self._child:
                self._child.kill()


@cache
def local_sandbox() -> QuickJsSandbox:
    """Return the sandbox that this process keeps for all its runs."""
    return QuickJsSandbox()
