"""What stays when very much was done: memory after 20,000 runs, and a loop over 10,000 items.

Each in a process of its own, since memory that was used once is seldom given back: run as
``python -m tests.bench.endurance runs|loop``, it prints what it found as JSON.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import json
import os
import resource
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUNS = 20_000
_WARM_RUNS = 1_000
ITEMS = 10_000


@dataclass(frozen=True)
class Runs:
    """Memory before and after :data:`RUNS` runs of the hash agent."""

    before_mb: float
    after_mb: float


@dataclass(frozen=True)
class Loop:
    """A loop that hashes :data:`ITEMS` texts."""

    cpu_s: float
    peak_mb: float
    is_right: bool


def runs() -> Runs:
    """Measure :class:`Runs` in a fresh process."""
    return Runs(**_in_a_process("runs"))


def loop() -> Loop:
    """Measure :class:`Loop` in a fresh process."""
    return Loop(**_in_a_process("loop"))


def _in_a_process(what: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.endurance", what],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'shared'}:{ROOT}"},
        stdout=subprocess.PIPE,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


async def _runs() -> Runs:
    from smyth.components.base import Request
    from smyth.connectors.ports import Ports
    from smyth.engine import run
    from tests.bench.engine import CASES, read_plan

    case, ports = CASES[0], Ports()
    plan, request = read_plan(case.file), Request(path=case.path, body=case.body)
    before = 0.0
    for number in range(_WARM_RUNS + RUNS):
        if number == _WARM_RUNS:
            before = _resident_mb()
        await run(plan, request, ports=ports, session_id=f"session-{number}")
        await asyncio.sleep(0)  # a request's end; only between them does the event loop drop timers that are not needed
    return Runs(before, _resident_mb())


async def _loop() -> Loop:
    from smyth.components.base import Request
    from smyth.engine import run
    from tests.bench.engine import cpu_seconds, read_plan

    plan = read_plan("d_foreach.smyth")
    items = [f"item {number}" for number in range(ITEMS)]
    before = cpu_seconds()
    result = await run(plan, Request(path="/api/each", body={"items": items}))
    spent = cpu_seconds() - before
    expected = [hashlib.md5(item.encode(), usedforsecurity=False).hexdigest() for item in items]
    [found] = [value for value in result.data.values() if isinstance(value, list)]
    return Loop(spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, found == expected)


def _resident_mb() -> float:
    """Return the memory that this process holds now; where that cannot be read, the most it ever held."""
    gc.collect()
    status = Path("/proc/self/statm")
    if status.exists():
        return int(status.read_text().split()[1]) * resource.getpagesize() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run({"runs": _runs, "loop": _loop}[sys.argv[1]]()))))
