"""CPU that the engine needs for one run, beside the original's recorded best."""

from __future__ import annotations

import asyncio
import json
import resource
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smyth.components.base import Request
from smyth.connectors.ports import Ports
from smyth.document import load
from smyth.engine import compile as compile_plan
from smyth.engine import run

AGENTS = Path(__file__).resolve().parents[2] / "../shared/lab/bench-agents"


@dataclass(frozen=True)
class Case:
    """An agent, the request sent to it, and the original's best CPU milliseconds a run."""

    file: str
    path: str
    body: dict[str, Any]
    original_ms: float


CASES = (
    Case("a_hash.smyth", "/api/hash", {"data": "Hello World"}, 2.5),
    Case("b_chain10.smyth", "/api/chain", {"data": "Hello World"}, 8.4),
    Case("c_fanout10.smyth", "/api/fan", {"data": "Hello World"}, 6.4),
    Case("d_foreach.smyth", "/api/each", {"items": [str(n) for n in range(99)]}, 139.0),
    Case("e_echo.smyth", "/api/say", {"message": "Hello World"}, 4.0),
)


@dataclass(frozen=True)
class Cost:
    """Medians of one case over several windows."""

    case: Case
    cpu_ms: float
    p50_ms: float


def measure(windows: int = 5, seconds: float = 0.4) -> list[Cost]:
    """Run every case; empty where the agents to measure are not at hand."""
    return [asyncio.run(_measure(case, windows, seconds)) for case in CASES if (AGENTS / case.file).exists()]


async def _measure(case: Case, windows: int, seconds: float) -> Cost:
    plan = compile_plan(load(json.loads((AGENTS / case.file).read_text())))
    request = Request(method="POST", path=case.path, body=case.body)
    ports = Ports()
    cpu, walls = [], []
    for _ in range(windows):
        before, end, runs = _cpu(), time.perf_counter() + seconds, 0
        while time.perf_counter() < end:
            started = time.perf_counter()
            await run(plan, request, ports=ports)
            walls.append(time.perf_counter() - started)
            runs += 1
        cpu.append((_cpu() - before) / runs)
    return Cost(case, statistics.median(cpu) * 1000, statistics.median(walls) * 1000)


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
