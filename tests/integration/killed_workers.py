"""Many worker processes on one meter and one budget, killed at random moments; run as a program of its own.

``python -m tests.integration.killed_workers '{"tenant_id": ..., "workers": 32, "requests": 5000, "kills": 60,
"seed": 1}'`` prints what the workers said before they went: request id -> "admitted", "settled" or "released".
A worker takes a request from a pipe and says each step through another one; writes of a few bytes are whole
or not at all, however a worker goes.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from ulid import ULID

from smyth.http.services import services
from smyth.platform.access import Caller
from smyth.platform.errors import PlatformError
from smyth.platform.metering import Admission, Figures, Metering
from smyth.platform.plans import PLANS

ROUTE = "POST /api/agents/{agent_id}/prompt"
NOW = datetime(2030, 5, 10, 12, tzinfo=UTC)


def work(metering: Metering, caller: Caller, chance: random.Random, said: int) -> None:
    """Do one request as a function does: let it in, note what it used, settle it or give it back."""
    request_id = str(ULID())

    def say(step: str) -> None:
        os.write(said, f"{request_id} {step}\n".encode())

    admission = metering.admit(caller, request_id=request_id, route=ROUTE, allowance=chance.randrange(5_000))
    assert isinstance(admission, Admission)
    say("admitted")
    figures = Figures(model="m", provider_cost=chance.randrange(5_000))
    if chance.random() < 0.3:
        metering.note(admission, figures)
    if chance.random() < 0.2:
        metering.release(admission)
        say("released")
    else:
        metering.settle(admission, figures)
        say("settled")


def fork_worker(metering: Metering, caller: Caller, seed: int, tasks: int, said: int, unused: int | None) -> int:
    """Start a worker and return its process id."""
    worker = os.fork()
    if worker:
        return worker
    if unused is not None:  # Else the end of the tasks would never come.
        os.close(unused)
    chance = random.Random(seed)
    try:
        while os.read(tasks, 1):
            with suppress(PlatformError):  # Refused, or the store is too busy to tell how it ended.
                work(metering, caller, chance, said)
    finally:
        os._exit(0)


def run(*, tenant_id: str, workers: int, requests: int, kills: int, seed: int, limit: int) -> dict[str, str]:
    """Have all requests done, killing workers and starting others in their place."""
    limits = (("requests_per_month", limit),)
    caller = Caller(tenant_id, "owner", "key-1", "basic", limits, budgeted=True)
    services().table.prepare()
    metering = Metering(services().meter.store, PLANS, lambda: NOW)
    tasks, giving = os.pipe()
    heard, say = os.pipe()
    give: int | None = giving
    chance = random.Random(seed)
    alive = {fork_worker(metering, caller, seed * 1_000 + number, tasks, say, give) for number in range(workers)}
    started, said, given = workers, "", 0
    while alive:
        # The last requests wait until all are killed who will be.
        feeding = not kills or given < requests - workers
        readable, writable, _ = select.select([heard], [give] if feeding and give is not None else [], [], 0.01)
        if readable:
            said += os.read(heard, 65_536).decode()
        if writable and give is not None:  # A few at a time: a full pipe would block.
            given += os.write(give, b"." * min(workers, requests - given))
            if given == requests:
                os.close(give)
                give = None
        done = {worker for worker in alive if os.waitpid(worker, os.WNOHANG)[0]}
        alive -= done
        if alive and kills and said.count("\n") > 10 and chance.random() < 0.2:
            time.sleep(chance.random() / 100)
            victim = chance.choice(sorted(alive))
            os.kill(victim, signal.SIGKILL)
            os.waitpid(victim, 0)
            kills -= 1
            alive = alive - {victim} | {fork_worker(metering, caller, seed * 1_000 + started, tasks, say, give)}
            started += 1
    while select.select([heard], [], [], 0)[0]:
        said += os.read(heard, 65_536).decode()
    return dict(line.split() for line in said.splitlines())


if __name__ == "__main__":
    arguments: dict[str, Any] = json.loads(sys.argv[1])
    print(json.dumps(run(**arguments)))
