"""The code port: run a user's JavaScript where it can do no harm."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from smyth.values import UNDEFINED, to_json

#: How much JSON goes in: what Lambda takes, with room to spare.
INPUT_BYTES = 5_000_000
#: Deeper values than this are no data, and would overflow whoever walks them.
_DEEPEST = 200


class CodeLimits(BaseModel):
    """What one call of user code may use up."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    memory_mb: int = Field(64, ge=8, le=256)
    cpu_s: float = Field(2, gt=0, le=15)
    wall_s: float = Field(5, gt=0, le=20)
    output_bytes: int = Field(1_000_000, ge=1, le=2_000_000)
    log_bytes: int = Field(64_000, ge=0, le=250_000)


@dataclass(frozen=True, slots=True)
class CodeResult:
    """How a call of user code ended."""

    #: What ``main`` returned, by way of JSON; UNDEFINED where it returned nothing.
    output: Any = UNDEFINED
    #: What was written to the console, cut at the limit.
    logs: tuple[str, ...] = ()
    #: Why there is no output; blank where ``main`` came to its end.
    error: str = ""

    def as_answer(self) -> dict[str, Any]:
        """Return the form in which results travel: the output as JSON text, blank for UNDEFINED."""
        output = "" if self.output is UNDEFINED else to_json(self.output)
        return {"output": output, "logs": list(self.logs), "error": self.error}

    @classmethod
    def from_answer(cls, answer: Mapping[str, Any]) -> CodeResult:
        """Read the form in which results travel. Foreign code had a hand in it, so nothing is taken for granted."""
        logs = tuple(str(line) for line in answer.get("logs") or ())
        error, output = str(answer.get("error") or ""), str(answer.get("output") or "")
        if error or not output:
            return cls(logs=logs, error=error)
        try:
            value = json.loads(output)
        except RecursionError:
            value = UNDEFINED
        except ValueError:
            return cls(logs=logs, error="The output is not JSON.")
        if value is UNDEFINED or _deeper(value, _DEEPEST):
            return cls(logs=logs, error=f"The output is nested deeper than {_DEEPEST} levels. Return flatter data.")
        return cls(output=value, logs=logs)


def _deeper(value: Any, most: int) -> bool:
    """Tell whether ``value`` has more than so many levels; level by level, for recursion would not get far."""
    level = [value]
    for _ in range(most + 1):
        holders = [part for part in level if isinstance(part, (dict, list))]
        if not holders:
            return False
        level = [part for holder in holders for part in (holder.values() if isinstance(holder, dict) else holder)]
    return True


class CodeSandbox(Protocol):
    """Runs JavaScript."""

    async def run(
        self, source: str, inputs: Mapping[str, Any], *, environment: Mapping[str, str] | None = None
    ) -> CodeResult:
        """Call the ``main`` of a source, each parameter filled with the input of its name.

        Args:
            source: JavaScript with an async function ``main`` at its root.
            inputs: JSON values. They travel as data and never become part of the source.
            environment: What the code finds in ``process.env``; without it there is no ``process``.

        Returns:
            What ``main`` returned, or why it did not; also when the code broke a limit.

        Raises:
            SandboxError: The sandbox itself cannot be had.
        """
        ...


class SandboxError(Exception):
    """Code cannot be run at the moment; the message says what to do."""
