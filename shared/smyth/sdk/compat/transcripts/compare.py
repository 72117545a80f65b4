"""When two conversations count as equal: the recordings' comparison rules."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from smyth.conversation.skills import read_arguments
from smyth.sdk.compat.compare import differences
from smyth.sdk.compat.transcripts.normal import normal_request
from smyth.sdk.compat.transcripts.provider import Asked, endpoint_of
from smyth.sdk.compat.transcripts.run import Replayed

#: What the recordings have in place of identifiers that were made at random.
_IDENTIFIER = re.compile(r"<u?uid-\d+>")

#: Where the original gave nothing back.
_NO_RESULT = (None, "undefined")


def conversation_differences(recorded: dict[str, Any], replayed: Replayed) -> Iterator[str]:
    """Yield one line for each place where a conversation differs from the recorded one."""
    yield from _requests(recorded["provider_requests"], replayed.asked)
    yield from _under("api_requests", _in_any_order(recorded["api_requests"]), _in_any_order(replayed.api_requests))
    if recorded["result"] not in _NO_RESULT:
        results = recorded["result"] if len(replayed.results) > 1 else [recorded["result"]]
        yield from _under("results", results, replayed.results)
    events = recorded.get("conversation_events") or recorded["events"]
    if not events:
        return
    content = "".join(str(event["args"][0]) for event in events if event["event"] == "content")
    yield from _under("content", content, replayed.content)
    called = [(tool["name"], _arguments(tool["arguments"])) for tool, _ in _tools(events, "toolCall")]
    yield from _under("tool_calls", _in_any_order(called), _in_any_order(replayed.tool_calls))
    answered = [(tool["name"], result) for tool, result in _tools(events, "toolResult")]
    yield from _under("tool_results", _in_any_order(answered), _in_any_order(replayed.tool_results))


def _requests(recorded: list[dict[str, Any]], asked: list[Asked]) -> Iterator[str]:
    if len(recorded) != len(asked):
        yield f"requests: expected {len(recorded)}, got {len(asked)}"
    for number, (want, got) in enumerate(zip(recorded, asked, strict=False)):
        endpoint = endpoint_of(want["path"])
        if endpoint != got.endpoint:
            yield f"requests/{number}/endpoint: expected {endpoint}, got {got.endpoint}"
        elif endpoint != "files":
            yield from _under(f"requests/{number}", normal_request(want["body"]), normal_request(got.body))


def _under(place: str, expected: Any, actual: Any) -> Iterator[str]:
    """Compare two values and say where in the conversation they lie."""
    actual = json.loads(json.dumps(actual))
    for line in differences(json.loads(json.dumps(expected)), _named_alike(expected, actual)):
        yield f"{place}{line}".replace("/:", ":", 1)


def _named_alike(expected: Any, actual: Any) -> Any:
    """Return ``actual`` with the recording's words where only a random identifier differs."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        return {name: _named_alike(expected.get(name), value) for name, value in actual.items()}
    if isinstance(expected, list | tuple) and isinstance(actual, list) and len(expected) == len(actual):
        return [_named_alike(one, other) for one, other in zip(expected, actual, strict=True)]
    if isinstance(expected, str) and isinstance(actual, str) and _IDENTIFIER.search(expected):
        pattern = r"[\w-]+".join(re.escape(part) for part in _IDENTIFIER.split(expected))
        return expected if re.fullmatch(pattern, actual) else actual
    return actual


def _in_any_order(values: list[Any]) -> list[Any]:
    """Return values of a parallel batch in an order that does not depend on time."""
    return sorted(values, key=lambda value: json.dumps(value, sort_keys=True))


def _tools(events: list[dict[str, Any]], kind: str) -> Iterator[tuple[dict[str, Any], Any]]:
    for event in events:
        if event["event"] == kind:
            yield event["args"][0]["tool"], event["args"][0].get("result")


def _arguments(arguments: Any) -> Any:
    """Return recorded arguments as ours are told: read, where they are text."""
    return read_arguments(arguments) if isinstance(arguments, str) else arguments
