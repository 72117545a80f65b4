"""Components that only tests need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from smyth.components import registry
from smyth.components.base import Call, Component

Work = Callable[[Call], Any]


@pytest.fixture
def component(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Work], None]:
    """Register a component of the given name that answers what an async function of its call returns."""
    known: dict[str, Component] = {}
    find = registry.find

    def register(name: str, work: Work) -> None:
        async def run(self: Component, call: Call) -> dict[str, Any]:
            outputs: dict[str, Any] = await work(call)
            return outputs

        known[name] = type(name, (Component,), {"name": name, "run": run})()

    monkeypatch.setattr(registry, "find", lambda name: known.get(name) or find(name))
    return register
