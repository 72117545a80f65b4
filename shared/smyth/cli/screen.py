"""A turn in the terminal: the answer on stdout as it comes, what happens meanwhile on stderr."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import cached_property
from typing import TYPE_CHECKING, Any, TextIO

from smyth.cli.errors import CommandError

if TYPE_CHECKING:
    from rich.console import Console

#: What would command a terminal rather than be read; tabs and line breaks apart.
_COMMANDS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Screen:
    """Shows the events of turns. Piped, stdout gets the answer and nothing else."""

    def __init__(self) -> None:
        #: The stream whose last line is not finished.
        self._unfinished: TextIO | None = None
        self._said_something = False

    def show(self, event: dict[str, Any]) -> None:
        """Show one event."""
        match event["type"]:
            case "start":
                self._said_something = False
            case "content":
                self._say(event["text"])
            case "thinking":
                self._open(sys.stderr)
                self._notes.print(_readable(event["text"]), style="dim", end="", markup=False, soft_wrap=True)
            case "tool_call":
                self._tool(f"→ {event['name']} {_short(event['arguments'])}", style="cyan")
            case "tool_result":
                self._tool(f"← {event['name']} {_short(event['result'])}", style="green")
            case "guardrail":
                self.note(f"! guardrail {event['rule']}: {event['action']} in {event['stage']}", style="yellow")
            case "end":
                self._end(event)

    def note(self, text: str, *, style: str = "dim") -> None:
        """Write to stderr."""
        self.end_line()
        self._notes.print(_readable(text), style=style, markup=False, soft_wrap=True)

    def _tool(self, text: str, *, style: str) -> None:
        """Write one line to stderr, cut where the terminal ends."""
        self.end_line()
        self._notes.print(_readable(text), style=style, markup=False, no_wrap=True, overflow="ellipsis")

    def end_line(self) -> None:
        """Finish the line that is begun, where that does not change a piped answer."""
        if self._unfinished is sys.stderr or (self._unfinished and sys.stdout.isatty()):
            print(file=self._unfinished, flush=True)
            self._unfinished = None

    def _end(self, event: dict[str, Any]) -> None:
        """Finish the answer on stdout."""
        if not self._said_something:
            self._say(event["output"])
        self._open(sys.stdout)
        print(flush=True)
        self._unfinished = None
        for warning in event.get("warnings", ()):
            self.note(warning, style="yellow")

    def _say(self, text: str) -> None:
        self._open(sys.stdout)
        print(_readable(text) if sys.stdout.isatty() else text, end="", flush=True)
        self._said_something = True

    def _open(self, stream: TextIO) -> None:
        """Make ``stream`` the one that is written to."""
        if self._unfinished is not stream:
            self.end_line()
            self._unfinished = stream

    @cached_property
    def _notes(self) -> Console:
        from rich.console import Console

        return Console(stderr=True, highlight=False)


async def follow(events: AsyncGenerator[dict[str, Any]], screen: Screen | None) -> dict[str, Any]:
    """Show a turn while it happens, and return its answer in the shape of the API's.

    Args:
        events: Of one turn.
        screen: None: nothing is shown.

    Raises:
        CommandError: The turn failed.
    """
    arguments: dict[str, Any] = {}
    calls: list[dict[str, Any]] = []
    try:
        async with aclosing(events):
            async for event in events:
                if screen is not None:
                    screen.show(event)
                match event["type"]:
                    case "tool_call":
                        arguments[event["id"]] = event["arguments"]
                    case "tool_result":
                        call = {"id": event["id"], "name": event["name"], "arguments": arguments.get(event["id"])}
                        calls.append({**call, "result": event["result"]})
                    case "error":
                        raise CommandError(event["message"])
                    case "end":
                        answer = {name: value for name, value in event.items() if name != "type"}
                        return {**answer, "tool_calls": calls}
    finally:
        if screen is not None:
            screen.end_line()
    raise CommandError("The answer broke off before its end. Try again.")


def _readable(text: str) -> str:
    return _COMMANDS.sub("", text)


def _short(value: Any) -> str:
    """Return a value for one line."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return " ".join(text[:500].split())
