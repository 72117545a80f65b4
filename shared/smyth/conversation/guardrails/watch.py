"""A guard at work in a turn: what comes in, what skills bring, what goes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from smyth.connectors.models.port import Message, ToolCall
from smyth.connectors.ports import Ports
from smyth.conversation.asking import Reply
from smyth.conversation.events import Content, Event, Guarded, Thinking, ToolAnswered, ToolCalled
from smyth.conversation.guardrails.port import WITHHELD, Action, Checked, Guard, Refused, Stage
from smyth.conversation.skills import read_arguments, result_text
from smyth.conversation.toolbox import Surroundings, Toolbox
from smyth.values import parse_whole

#: How Bedrock's guardrails end an answer, in LiteLLM's word and in their own.
_INTERVENED = ("content_filter", "guardrail_intervened")


@dataclass(slots=True)
class Watch:
    """Sees to it that every text of one turn is checked, and notes what the rules did."""

    guard: Guard
    ports: Ports
    agent_id: str
    #: Gets what the rules do.
    actions: list[Action]
    #: What a rule said against a skill's words while skills run at once; the turn ends after them.
    _refusal: Refused | None = field(default=None, init=False)
    _told: int = field(default=0, init=False)

    def news(self) -> list[Event]:
        """Return an event for each action that has none yet."""
        told, self._told = self._told, len(self.actions)
        return [Guarded(action) for action in self.actions[told:]]

    async def asked(self, messages: list[Message]) -> list[Message]:
        """Return the caller's messages as the model may have them.

        Raises:
            Refused: A rule refuses one.
        """
        return [await self._asked(message) for message in messages]

    async def instructed(self, text: str) -> str:
        """Return the caller's instructions as the model may have them; raises as :meth:`asked`."""
        return self._passed("input", await self.guard.incoming(text)) if text else ""

    async def remembered(self, history: Sequence[Message], *, from_caller: bool) -> list[Message]:
        """Return earlier messages as the model may have them.

        Args:
            history: From the chat memory, or whatever the caller says was said.
            from_caller: Whether the latter: then it is checked like the caller's message.

        Raises:
            Refused: A rule refuses what the caller sent.
        """
        if from_caller:
            whole = "\n\n".join(text for message in history for text in _texts(message))
            self._passed("input", await self.guard.incoming(whole))
        return [_with_texts(message, self.guard.remembered) for message in history]

    def hides(self, event: Event) -> bool:
        """Tell whether an event of the model waits for the check of the whole, or is never shown."""
        return self.guard.holds_output and isinstance(event, Content | Thinking)

    async def answered(self, reply: Reply, client_tools: Sequence[str]) -> Reply:
        """Return the model's reply as it may go on; raises :class:`Refused`."""
        if self.guard.bedrock and reply.reason in _INTERVENED:
            self._note(Action("output", "bedrock", "block"))
            reply = replace(reply, reason="content_filter")
        text = self._passed("output", await self.guard.outgoing(reply.text))
        if not reply.calls or any(call.name not in client_tools for call in reply.calls):
            return replace(reply, text=text)
        # What the caller's own tools are called with leaves, too.
        calls = [await self._called(call) for call in reply.calls]
        return replace(reply, text=text, calls=tuple(calls))

    def released(self, reply: Reply) -> list[Event]:
        """Return what the caller is told of a checked reply."""
        held = self.guard.holds_output and reply.text
        return [*self.news(), *([Content(self.guard.restored(reply.text))] if held else [])]

    def after_skills(self) -> list[Event]:
        """Return what rules did while skills ran; raises :class:`Refused` where one refused."""
        if self._refusal is not None:
            raise self._refusal
        return self.news()

    def for_caller(self, calls: Sequence[ToolCall]) -> tuple[ToolCall, ...]:
        """Return calls of the caller's own tools with what the caller may have back."""
        return tuple(replace(call, arguments=self.guard.restored(call.arguments)) for call in calls)

    def shown(self, event: Event) -> Event:
        """Return an event of a skill as the caller may see it."""
        if isinstance(event, ToolCalled):
            return replace(event, arguments=self._shown(event.arguments))
        if isinstance(event, ToolAnswered):
            return replace(event, result=self._shown(event.result))
        return event

    def shown_calls(self, calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return skill calls with their results as the caller may see them."""
        return [
            call | {"arguments": self._shown(call["arguments"]), "result": self._shown(call["result"])}
            for call in calls
        ]

    def kept(self, messages: list[Message]) -> list[Message]:
        """Return the turn's messages as the chat memory may have them."""
        return [self._kept(message) for message in messages]

    def tools(self, inner: Toolbox) -> Toolbox:
        """Return tools whose words are checked."""
        return _WatchedTools(inner, self)

    async def skill_said(self, text: str) -> str:
        """Return what a skill passed through to the caller; nothing where a rule refuses."""
        return self._unless_refused("output", await self.guard.outgoing(text), "")

    async def skill_returned(self, result: Any) -> Any:
        """Return a skill's result as the model may read it."""
        text = result_text(result)
        checked = await self.guard.tool_result(text)
        passed = self._unless_refused("tool", checked, WITHHELD)
        return result if passed == text else _as_before(result, passed)

    async def _asked(self, message: Message) -> Message:
        passed = {text: self._passed("input", await self.guard.incoming(text)) for text in _texts(message)}
        return _with_texts(message, lambda text: passed[text])

    async def _called(self, call: ToolCall) -> ToolCall:
        return replace(call, arguments=self._passed("output", await self.guard.outgoing(_plain(call.arguments))))

    def _passed(self, stage: Stage, checked: Checked) -> str:
        self._note(*checked.actions)
        if checked.refusal is not None:
            raise Refused(stage, checked.refusal)
        return checked.text

    def _unless_refused(self, stage: Stage, checked: Checked, otherwise: str) -> str:
        try:
            return self._passed(stage, checked)
        except Refused as refused:
            self._refusal = self._refusal or refused
            return otherwise

    def _note(self, *actions: Action) -> None:
        self.actions += actions
        if self.ports.telemetry is not None:
            for action in actions:
                self.ports.telemetry.guarded(self.agent_id, action.as_json())

    def _shown(self, value: Any) -> Any:
        text = result_text(value)
        shown = self.guard.shown(text)
        return value if shown == text else _as_before(value, shown)

    def _kept(self, message: Message) -> Message:
        if message["role"] == "tool":
            return {**message, "content": self.guard.shown(message["content"])}
        if not message.get("tool_calls"):
            return message
        return {**message, "tool_calls": [_with_arguments(call, self.guard.shown) for call in message["tool_calls"]]}


@dataclass(frozen=True, slots=True)
class _WatchedTools:
    """Tools whose results and passed-through texts are checked."""

    inner: Toolbox
    watch: Watch

    @property
    def definitions(self) -> list[dict[str, Any]]:
        """See :meth:`smyth.conversation.toolbox.Toolbox.definitions`."""
        return self.inner.definitions

    async def run(self, name: str, arguments: dict[str, Any] | str, around: Surroundings) -> Any:
        """See :meth:`smyth.conversation.toolbox.Toolbox.run`."""
        said: list[str] = []
        held = replace(around, passthrough=said.append) if self.watch.guard.holds_output else around
        result = await self.inner.run(name, arguments, held)
        if passed := await self.watch.skill_said("".join(said)):
            around.passthrough(self.watch.guard.restored(passed))
        return await self.watch.skill_returned(result)


def _texts(message: Message) -> list[str]:
    content = message.get("content")
    if isinstance(content, str):
        return [content]
    return [part["text"] for part in content or () if _is_text(part)]


def _with_texts(message: Message, changed: Any) -> Message:
    content = message.get("content")
    if isinstance(content, str):
        return {**message, "content": changed(content)}
    if not content:
        return message
    return {
        **message,
        "content": [{**part, "text": changed(part["text"])} if _is_text(part) else part for part in content],
    }


def _is_text(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str)


def _with_arguments(call: Mapping[str, Any], changed: Any) -> dict[str, Any]:
    function = call["function"]
    return {**call, "function": {**function, "arguments": changed(_plain(function["arguments"]))}}


def _plain(arguments: str) -> str:
    """Return arguments without the escapes of JSON that would hide something from the rules."""
    return result_text(read_arguments(arguments))


def _as_before(value: Any, text: str) -> Any:
    """Return changed text in the form that the value had."""
    if isinstance(value, str) or text == WITHHELD:
        return text
    return parse_whole(text)
