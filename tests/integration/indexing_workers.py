"""Workers that index one document one after the other, each killed in the middle of it; a program of its own.

``python -m tests.integration.indexing_workers '{"tenant_id": ..., "key": ..., "kills": 20, "seed": 1}'`` prints how
many were killed at work. A worker says each step through a pipe before it takes it, and is killed while it does.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
from datetime import timedelta
from typing import Any

from smyth.http.services import services
from smyth.platform import knowledge_runs
from smyth.platform.knowledge_indexing import Turn
from smyth.platform.knowledge_records import Task
from smyth.platform.times import utc_now
from tests.integration.knowing import Words

#: So that a short document has many of them.
_BATCH = 2
#: Longer than a worker that says nothing counts as alive.
_BETWEEN = timedelta(minutes=4)
_STEPS = ("keep", "save", "replace", "note", "end", "clear")


class Telling:
    """Does what another object does, and says each step before."""

    def __init__(self, other: Any, said: int) -> None:
        self._other = other
        self._said = said

    def __getattr__(self, name: str) -> Any:
        if name in _STEPS:
            os.write(self._said, b".")
        return getattr(self._other, name)


def start(task: Task, life: int, said: int) -> int:
    """Start a worker, the ``life``-th one, and return its process id."""
    worker = os.fork()
    if worker:
        return worker
    code = 1
    try:
        asyncio.run(_work(task, life, said))
        code = 0
    finally:
        os._exit(code)


async def _work(task: Task, life: int, said: int) -> None:
    knowledge_runs._BATCH = _BATCH
    vars(services())["embeddings"] = Words()
    vars(services())["vectors"] = Telling(services().vectors, said)
    indexing = services().indexing
    indexing._records = Telling(indexing._records, said)  # type: ignore[assignment]
    indexing._contents = Telling(indexing._contents, said)  # type: ignore[assignment]
    indexing._meter.store = Telling(indexing._meter.store, said)  # type: ignore[assignment]
    indexing._now = lambda: utc_now() + life * _BETWEEN
    await indexing.agree(task, Turn(again=life > 0))


def run(*, tenant_id: str, key: str, kills: int, seed: int) -> int:
    """Kill workers until ``kills`` are dead, then let one come to its end; return how many were killed."""
    chance, task = random.Random(seed), Task(tenant_id, key)
    killed = life = 0
    while True:
        heard, said = os.pipe()
        worker = start(task, life, said)
        os.close(said)
        life += 1
        if killed == kills:
            _, status = os.waitpid(worker, 0)
            os.close(heard)
            if status:
                raise RuntimeError("the last worker failed")
            return killed
        for _ in range(chance.randint(1, 9)):
            if not os.read(heard, 1):
                break
        os.kill(worker, signal.SIGKILL)
        _, status = os.waitpid(worker, 0)
        os.close(heard)
        killed += os.WIFSIGNALED(status)


if __name__ == "__main__":
    print(json.dumps(run(**json.loads(sys.argv[1]))))
