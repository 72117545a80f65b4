"""Tell the telemetry port of every component of a run."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from smyth.components.base import Request
from smyth.connectors.ports import Ports
from smyth.connectors.telemetry.port import Span, Telemetry
from smyth.connectors.telemetry.secrets import KnownSecrets
from smyth.engine.limits import size_of
from smyth.engine.plan import Step
from smyth.values import to_json

_MOST_LINES = 200
_MOST_CHARACTERS = 2_000


@dataclass(slots=True)
class Watched:
    """A component at work."""

    outputs: dict[str, Any] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def log(self, text: str) -> None:
        """Take a line for the run's log; too many are dropped, as an author may print without end."""
        if len(self.lines) < _MOST_LINES:
            self.lines.append(text)
        elif len(self.lines) == _MOST_LINES:
            self.lines.append(f"More than {_MOST_LINES} lines; the others are left out.")


class Observer:
    """Watches the components of one run."""

    def __init__(self, telemetry: Telemetry, ports: Ports, *, agent_id: str, request: Request, most_bytes: int) -> None:
        """Make ready to watch a run.

        Args:
            telemetry: Who is told.
            ports: What the run may use; it must use :attr:`ports` instead.
            agent_id: Whose run it is.
            request: What an endpoint takes in.
            most_bytes: Values are measured up to this length.
        """
        self._telemetry = telemetry
        self._secrets = KnownSecrets(ports.vault)
        #: The given ports with a vault whose answers are kept out of what is told.
        self.ports = replace(ports, vault=self._secrets)
        self._run_id = uuid.uuid4().hex
        self._agent_id = agent_id
        self._request = {"query": dict(request.query), "body": request.body}
        self._most_bytes = most_bytes

    @contextmanager
    def watch(self, step: Step, arrived: dict[str, Any]) -> Iterator[Watched]:
        """Watch one execution of ``step``, and tell of it however it ends."""
        watched = Watched()
        at, began = self.ports.clock(), time.perf_counter()
        takes_request = step.kind is not None and step.kind.takes_request
        input_bytes = size_of(self._request if takes_request else arrived, self._most_bytes)
        error = ""
        try:
            yield watched
            error = _text(watched.outputs.get("_error"))
        except BaseException as problem:
            error = str(problem) or f"ended by {type(problem).__name__}"
            raise
        finally:
            span = Span(
                run_id=self._run_id,
                agent_id=self._agent_id,
                component_id=step.node.id,
                component=step.node.name,
                started=at,
                ms=(time.perf_counter() - began) * 1000,
                input_bytes=input_bytes,
                output_bytes=size_of(watched.outputs, self._most_bytes),
                error=self._told(error),
                log=tuple(map(self._told, watched.lines)),
            )
            self._telemetry.ended(span)

    def _told(self, text: str) -> str:
        """Return ``text`` without secrets, cut to a length that a log can take."""
        shown = self._secrets.hide(text)
        return shown if len(shown) <= _MOST_CHARACTERS else f"{shown[:_MOST_CHARACTERS]}... (cut)"


def _text(error: Any) -> str:
    if not error:
        return ""
    return error if isinstance(error, str) else to_json(error)
