"""What the components that run JavaScript share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smyth.components.base import Call, ComponentError
from smyth.connectors.code.port import SandboxError
from smyth.values import UNDEFINED

#: Signs of source that a component takes (catalogue).
LONGEST_SOURCE = 500_000


async def run_code(call: Call, source: str, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Run a source on the inputs of the call and return the component's outputs.

    Raises:
        ComponentError: The code failed, broke a limit, or cannot be run; it holds no value of ``environment``.
    """
    try:
        result = await call.run.ports.code.run(source, call.inputs, environment=environment)
    except SandboxError as error:
        raise ComponentError(str(error)) from None
    for line in result.logs:
        call.log(line)
    if result.error:
        raise ComponentError(_without(result.error, environment or {}))
    return {} if result.output is UNDEFINED else {"Output": result.output}


def _without(text: str, environment: Mapping[str, str]) -> str:
    """Return ``text`` without the secrets; a missing one has its own name for a value."""
    secrets = [value for name, value in environment.items() if value and value != name]
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text
