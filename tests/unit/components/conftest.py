from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from smyth.components.base import Call, Request, Run
from smyth.components.registry import find
from smyth.connectors.models.port import Finished, Limits, ModelError, ModelEvent, ModelRequest, Text, Usage
from smyth.connectors.ports import Ports
from smyth.document.model import Component as Node

NOON = datetime(2026, 11, 23, 12, 5, 9, 282_000, tzinfo=UTC)


class ScriptedModel:
    """Answers every request with the same pieces and remembers what it was asked."""

    def __init__(self, *pieces: str, reason: str = "stop", error: ModelError | None = None) -> None:
        self.requests: list[ModelRequest] = []
        self._pieces = pieces
        self._reason = reason
        self._error = error

    def limits(self, model: str | dict[str, Any]) -> Limits:
        return Limits()

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        self.requests.append(request)
        if self._error:
            raise self._error
        for piece in self._pieces:
            yield Text(piece)
        yield Finished(self._reason, Usage("scripted", input_tokens=3, output_tokens=len(self._pieces)))

    def broken_off(self, request: ModelRequest, reply: str) -> Usage:
        return Usage("scripted", input_tokens=3, output_tokens=len(reply))


@pytest.fixture
def scripted_model() -> type[ScriptedModel]:
    return ScriptedModel


@pytest.fixture
def make_call() -> Callable[..., Call]:
    """Build the call of a component: its name, its settings as a document has them, and its inputs.

    ``declared`` are the input ports if they are others than the inputs, with their types if they have some.
    """

    def build(
        name: str,
        data: dict[str, Any] | None = None,
        inputs: dict[str, Any] | None = None,
        *,
        ports: Ports | None = None,
        declared: Mapping[str, str] | Iterable[str] | None = None,
        outputs: Iterable[dict[str, Any]] = (),
        **run: Any,
    ) -> Call:
        component = find(name)
        inputs = inputs or {}
        types = (
            declared
            if isinstance(declared, Mapping)
            else dict.fromkeys(inputs if declared is None else declared, "Any")
        )
        node = Node(
            id="C1",
            name=name,
            data=data or {},
            inputs=[{"name": port, "type": type_name} for port, type_name in types.items()],
            outputs=[{"name": port.name, "default": True} for port in component.outputs] + list(outputs),
        )
        settings = component.Settings.model_validate(data or {})
        return Call(node=node, settings=settings, inputs=dict(inputs), run=_run(ports, run), received=tuple(inputs))

    return build


def _run(ports: Ports | None, members: dict[str, Any]) -> Run:
    defaults: dict[str, Any] = {
        "agent_id": "agt-1",
        "team_id": "default",
        "behavior": "",
        "request": Request(),
        "variables": {},
        "secret_variables": frozenset(),
        "session_id": "s",
        "passthrough": lambda text: None,
    }
    return Run(ports=ports or Ports(clock=lambda: NOON), **(defaults | members))


@pytest.fixture
def outputs_of(make_call: Callable[..., Call]) -> Callable[..., Any]:
    """Run a component: ``await outputs_of(name, settings, inputs)``."""

    async def run(name: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return await find(name).run(make_call(name, *args, **kwargs))

    return run
