"""What the engine needs for one run, beside what the original needed (its best figures, measured on a like machine)."""

from __future__ import annotations

import asyncio
import json
import resource
import shutil
import statistics
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from smyth.components.base import Request
from smyth.connectors.http.addresses import AddressGuard
from smyth.connectors.http.client import HttpClient
from smyth.connectors.ports import Ports
from smyth.connectors.telemetry.port import Span
from smyth.document import load
from smyth.engine import Plan, run
from smyth.engine import compile as compile_plan

AGENTS = Path(__file__).resolve().parents[2] / "../shared/lab/bench-agents"
CLIENTS = (1, 8, 32)


@dataclass(frozen=True)
class Original:
    """SmythOS SRE 1.7.42, tuned: the least CPU, p50 for one client, runs a second by clients."""

    cpu_ms: float
    p50_ms: float
    per_second: tuple[float, float, float]


@dataclass(frozen=True)
class Case:
    """An agent, the request sent to it, and the CPU that a run may need."""

    file: str
    path: str
    body: dict[str, Any]
    budget_ms: float
    original: Original


CASES = (
    Case("a_hash.smyth", "/api/hash", {"data": "Hello World"}, 0.3, Original(2.5, 7.1, (139, 395, 388))),
    Case("b_chain10.smyth", "/api/chain", {"data": "Hello World"}, 2.0, Original(8.4, 26.6, (36, 101, 144))),
    Case("c_fanout10.smyth", "/api/fan", {"data": "Hello World"}, 2.0, Original(6.4, 11.8, (76, 127, 127))),
    Case(
        "d_foreach.smyth",
        "/api/each",
        {"items": [str(number) for number in range(99)]},
        15.0,
        Original(139.0, 393.0, (2.5, 6.7, 6.4)),
    ),
    Case("e_echo.smyth", "/api/say", {"message": "Hello World"}, 0.8, Original(4.0, 9.9, (98, 251, 224))),
)
#: Calls a server on this machine, which needs Node; it may cost no more than it cost the original.
CALLING = Case("f_apicall.smyth", "/api/call", {"msg": "Hello World"}, 5.1, Original(5.1, 9.2, (96, 176, 198)))
#: Keeps connections, as the server did that the original was measured with.
_SERVER = """
require("http").createServer((asked, answer) => {
  asked.on("data", () => {}).on("end", () => {
    answer.setHeader("content-type", "application/json");
    answer.end('{"ok":true,"msg":"Hello World"}');
  });
}).listen(19977, "127.0.0.1", () => console.log("listening"));
"""


@dataclass
class Cost:
    """Medians of one case over several windows."""

    case: Case
    cpu_ms: float
    p50_ms: float
    #: Runs a second by clients at once; empty where only one was measured.
    per_second: dict[int, float] = field(default_factory=dict)

    @property
    def is_within_budget(self) -> bool:
        """Whether a run needs no more CPU than it may."""
        return self.cpu_ms < self.case.budget_ms


class Nobody:
    """Hears every span and forgets it."""

    def ended(self, span: Span) -> None:
        """See :meth:`smyth.connectors.telemetry.port.Telemetry.ended`."""


def measure(windows: int = 5, seconds: float = 0.4, clients: tuple[int, ...] = (1,)) -> list[Cost]:
    """Run every case with so many clients at once; empty where the agents to measure are not at hand."""
    return [asyncio.run(_measure(case, windows, seconds, clients)) for case in CASES if (AGENTS / case.file).exists()]


def measure_calling(windows: int = 5, seconds: float = 0.4, clients: tuple[int, ...] = (1,)) -> list[Cost]:
    """Run the case that calls a server; empty where the agent or Node is not at hand."""
    node = shutil.which("node")
    if node is None or not (AGENTS / CALLING.file).exists():
        return []
    server = subprocess.Popen([node, "-e", _SERVER], stdout=subprocess.PIPE)
    try:
        assert server.stdout is not None
        server.stdout.readline()  # it tells when it listens
        ports = Ports(http=HttpClient(AddressGuard(allow_private=True)))
        return [asyncio.run(_measure(CALLING, windows, seconds, clients, ports))]
    finally:
        server.kill()
        server.wait()


def measure_observed(windows: int = 5, seconds: float = 0.4) -> Cost:
    """Run the first case while somebody listens to its spans."""
    return asyncio.run(_measure(CASES[0], windows, seconds, (1,), Ports(telemetry=Nobody())))


def read_plan(file: str) -> Plan:
    """Return the plan of an agent to measure."""
    return compile_plan(load(json.loads((AGENTS / file).read_text())))


async def _measure(
    case: Case, windows: int, seconds: float, clients: tuple[int, ...], ports: Ports | None = None
) -> Cost:
    work = _Work(read_plan(case.file), Request(method="POST", path=case.path, body=case.body), ports or Ports())
    await work.window(1, seconds / 4)  # the first runs load what is loaded when first used
    cost = Cost(case, 0, 0)
    for at_once in clients:
        found = [await work.window(at_once, seconds) for _ in range(windows)]
        cost.per_second[at_once] = statistics.median(window.per_second for window in found)
        if at_once == 1:
            cost.cpu_ms = statistics.median(window.cpu_ms for window in found)
            cost.p50_ms = statistics.median(window.p50_ms for window in found)
    return cost


@dataclass(frozen=True)
class _Window:
    cpu_ms: float
    p50_ms: float
    per_second: float


@dataclass(frozen=True)
class _Work:
    plan: Plan
    request: Request
    ports: Ports

    async def window(self, clients: int, seconds: float) -> _Window:
        """Let ``clients`` send one request after the other for ``seconds``."""
        walls: list[float] = []
        began, cpu = time.perf_counter(), cpu_seconds()
        end = began + seconds

        async def client() -> None:
            while (started := time.perf_counter()) < end:
                result = await run(self.plan, self.request, ports=self.ports)
                walls.append(time.perf_counter() - started)
                _check(result.data)
                await asyncio.sleep(0)

        await asyncio.gather(*(client() for _ in range(clients)))
        spent, taken = cpu_seconds() - cpu, time.perf_counter() - began
        return _Window(spent / len(walls) * 1000, statistics.median(walls) * 1000, len(walls) / taken)


def _check(answer: Any) -> None:
    """Refuse to measure an agent that does not work."""
    if not answer or (isinstance(answer, Mapping) and ("error" in answer or "_error" in answer)):
        raise RuntimeError(f"The run failed: {answer}")


def cpu_seconds() -> float:
    """Return the CPU time of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
