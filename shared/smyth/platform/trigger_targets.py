"""What of a delivery reaches the agent: the target's texts, filled from what was delivered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smyth.values import expand


def filled_text(text: str, payload: Any) -> str:
    """Return ``text`` with ``{{name}}`` and ``{{a.b[0]}}`` filled from the payload, ``{{payload}}`` with all of it.

    One pass: what is delivered is no template, whoever wrote it.
    """
    return expand(text, _scope(payload), passes=1, written=lambda inserted: inserted)


def filled_input(given: Mapping[str, Any] | None, payload: Any) -> dict[str, Any]:
    """Return a skill's inputs: those of the target, filled; without any, what was delivered."""
    if given is None:
        return dict(payload) if isinstance(payload, dict) else {"payload": payload}
    return {name: _filled(value, payload) for name, value in given.items()}


def _filled(value: Any, payload: Any) -> Any:
    if isinstance(value, str):
        return filled_text(value, payload)
    if isinstance(value, dict):
        return {name: _filled(inner, payload) for name, inner in value.items()}
    return [_filled(inner, payload) for inner in value] if isinstance(value, list) else value


def _scope(payload: Any) -> dict[str, Any]:
    named = payload if isinstance(payload, dict) else {}
    return {**named, "payload": payload}
