"""What a handler itself costs: the whole path from API Gateway's event to its answer, without a network."""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


class FreeMeter:
    """A meter store that writes nothing, so that only the handler is measured."""

    def reserve(self, entry: Any, *_: object) -> Any:
        """Let everybody in."""
        return entry

    def end(self, *_: object) -> bool:
        """Say that this was the first end."""
        return True

    def note(self, *_: object) -> None:
        """Forget what was used."""

    def used(self, *_: object) -> int:
        """Say that nothing was used."""
        return 0

    def overdue(self, now: datetime) -> Iterator[Any]:
        """Say that nothing is overdue."""
        return iter(())

    def entries(self, tenant_id: str, day: date) -> Iterable[Any]:
        """Say that there is nothing."""
        return ()


class OneAgent:
    """An agent directory that holds one agent, compiled."""

    def __init__(self, document: dict[str, Any]) -> None:
        from smyth.document import load
        from smyth.engine import compile
        from smyth.platform.agent_records import Agent

        self._plan = compile(load(document))
        now = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
        self._agent = Agent(
            id="agt-bench",
            tenant_id="ten-bench",
            name="bench",
            slug="bench",
            version=1,
            sha256="0",
            created_at=now,
            updated_at=now + timedelta(0),
        )

    def plan(self, *_: object) -> tuple[Any, Any]:
        """Return the agent and its plan."""
        return self._agent, self._plan


@dataclass(frozen=True)
class Path50:
    """One handler's path: the median of many calls in a warm process."""

    name: str
    p50_ms: float


def measure(calls: int = 400) -> list[Path50]:
    """Call handlers with their sample events."""
    os.environ.update(TABLE_NAME="bench", BUCKET_NAME="bench", POWERTOOLS_LOG_LEVEL="CRITICAL")
    from functions.health.handler import handler as health
    from functions.prompt_agent.handler import handler as prompt
    from functions.run_endpoint.handler import handler as run
    from smyth.http.services import services
    from smyth.platform.metering import Metering
    from smyth.platform.plans import PLANS

    vars(services())["meter"] = Metering(FreeMeter(), PLANS)
    vars(services())["agents"] = OneAgent(json.loads((ROOT / "examples" / "hash-api.smyth").read_text()))
    handlers = {"health": health, "run_endpoint": run, "prompt_agent": prompt}
    return [Path50(name, _p50(handler, name, calls)) for name, handler in handlers.items()]


def _p50(handler: Any, name: str, calls: int) -> float:
    from tests.integration.events import LambdaContext

    event = json.loads((ROOT / "events" / f"{name}.json").read_text())
    walls = []
    for _ in range(calls):
        started = time.perf_counter()
        answer = handler(event, LambdaContext())
        walls.append(time.perf_counter() - started)
        if answer["statusCode"] != 200:
            raise RuntimeError(f"{name} answered {answer['statusCode']}: {answer['body']}")
    return statistics.median(walls) * 1000
