"""The code port: run a user's JavaScript where it can do no harm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from smyth.values import UNDEFINED

#: How much JSON goes in: what Lambda takes, with room for the source.
INPUT_BYTES = 5_000_000


class CodeLimits(BaseModel):
    """What one call of user code may use up."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    memory_mb: int = Field(64, ge=8, le=256)
    cpu_s: float = Field(2, gt=0, le=15)
    wall_s: float = Field(5, gt=0, le=20)
    output_bytes: int = Field(1_000_000, ge=1, le=5_000_000)
    log_bytes: int = Field(64_000, ge=0, le=250_000)


class CodeResult(BaseModel):
    """How a call of user code ended; in JSON an undefined output is left out."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    #: What ``main`` returned, by way of JSON; UNDEFINED where it returned nothing.
    output: Any = UNDEFINED
    #: What was written to the console, cut at the limit.
    logs: list[str] = []
    #: Why there is no output; blank where ``main`` came to its end.
    error: str = ""


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
