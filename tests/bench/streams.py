"""Many streams at once on the laptop's stream process: do all complete, and how much memory does it take?"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.e2e.laptop import Dev, processes_of, start

STREAMS = 200
MOST_MB = 400
#: Words half a second apart, so that all streams are open at once.
_MESSAGE = "slow: 0.5 one two three four five six"


@dataclass(frozen=True)
class Many:
    """What came of it."""

    completed: int
    seconds: float
    peak_mb: float

    @property
    def is_right(self) -> bool:
        """Whether all streams completed in the memory that they may take."""
        return self.completed == STREAMS and self.peak_mb < MOST_MB


def measure() -> Many:
    """Start a laptop cloud and open the streams."""
    with tempfile.TemporaryDirectory() as folder:
        dev = start(Path(folder) / "data")
        try:
            return asyncio.run(many(dev))
        finally:
            dev.stop()


async def many(dev: Dev) -> Many:
    """Open all streams at once on a running cloud."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(
        base_url=dev.url, headers={"x-api-key": dev.tenant_key}, timeout=120, limits=limits, trust_env=False
    ) as client:
        made = await client.post("/api/agents/create", json={"name": "Many", "model": "scripted"})
        path = f"/api/agents/{made.raise_for_status().json()['id']}/stream"
        await _completes(client, path)  # The model library is loaded by the first.
        started = time.perf_counter()
        done = await asyncio.gather(*(_completes(client, path) for _ in range(STREAMS)))
        return Many(sum(done), time.perf_counter() - started, _peak_mb(dev))


async def _completes(client: httpx.AsyncClient, path: str) -> bool:
    async with client.stream("POST", path, json={"message": _MESSAGE}) as answer:
        lines = [line async for line in answer.aiter_lines() if line.startswith("data: ")]
    last = json.loads(lines[-1].removeprefix("data: ")) if lines else {}
    return answer.status_code == 200 and last.get("output") == "one two three four five six"


def _peak_mb(dev: Dev) -> float:
    """Return the most memory that the stream process ever took."""
    for pid in processes_of(dev.data):
        if b"smyth.local.stream_process" in Path(f"/proc/{pid}/cmdline").read_bytes():
            status = Path(f"/proc/{pid}/status").read_text()
            return int(status.split("VmHWM:")[1].split()[0]) / 1024
    raise RuntimeError("there is no stream process")
