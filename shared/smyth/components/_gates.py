"""What the logic components share: count true inputs, open one of two branches (COMPONENTS section 5)."""

from __future__ import annotations

from typing import Any

from smyth.components.base import Call, Port
from smyth.values import truthy

OUTPUTS = (
    Port("Verified", "Boolean", "Sent when the condition holds."),
    Port("Unverified", "Boolean", "Sent when it does not."),
    Port("Output", "Boolean", "True when the condition holds."),
)


def count_true(call: Call) -> int:
    """Return how many of the declared inputs hold a value that JavaScript takes for true."""
    return sum(truthy(call.inputs.get(port.name)) for port in call.node.inputs)


def branch(*, holds: bool) -> dict[str, Any]:
    """Return the outputs of a gate; the branch not taken is absent (compat README, quirk 58)."""
    return {"Output": True, "Verified": True} if holds else {"Unverified": True}
