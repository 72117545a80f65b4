"""One turn: a user's message, the model's rounds with the agent's skills, the answer (PROTOCOL section 2.4)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any

from smyth.connectors.models import port
from smyth.connectors.models.catalog import likely_provider
from smyth.connectors.models.echo import ECHO
from smyth.connectors.models.port import Finished, Limits, Message, ModelError, ModelRequest, ToolCall, Usage
from smyth.connectors.ports import Ports
from smyth.conversation.events import Content, End, Event, Start, Thinking, ToolAnswered, ToolCalled, Used
from smyth.conversation.failures import ConversationError
from smyth.conversation.skills import SkillRuns, read_arguments, result_text, skills_of, system_text
from smyth.conversation.toolbox import Toolbox
from smyth.conversation.window import fit, output_budget
from smyth.engine import Limits as RunLimits
from smyth.engine import Plan

#: As the original.
_SKILLS_AT_ONCE = 4
#: The original has no limit; a model that never stops would cost without end.
MAX_ROUNDS = 25

Model = str | dict[str, Any]


@dataclass(slots=True)
class Turn:
    """A user's message on its way to an answer.

    Iterate :meth:`events` once, or await :meth:`run`; the members below fill
    meanwhile, and ``usage`` is right even when the turn fails or is left early.
    """

    plan: Plan
    message: str
    ports: Ports
    #: Earlier messages in OpenAI's shape, without the system text.
    history: Sequence[Message] = ()
    #: Over the document's own; Echo where neither names one.
    model: Model | None = None
    session_id: str | None = None
    #: Agent variables over those of the document.
    variables: Mapping[str, Any] = field(default_factory=dict)
    #: What each run of a skill may use up.
    limits: RunLimits = field(default_factory=RunLimits)
    #: How often in a row the model may call skills.
    max_rounds: int = MAX_ROUNDS
    #: Over the agent's own system text.
    system: str | None = None
    #: What the model may call; the agent's own skills unless told.
    tools: Toolbox | None = None
    #: The messages of this turn: the user's, tool rounds, the answer.
    messages: list[Message] = field(default_factory=list, init=False)
    #: One entry per provider request, those of skills included.
    usage: list[Usage] = field(default_factory=list, init=False)
    #: Each skill call with its result.
    tool_calls: list[dict[str, Any]] = field(default_factory=list, init=False)
    #: The text of all rounds and of skills that pass theirs through, joined without separator (PROTOCOL oddity 39).
    output: str = field(default="", init=False)

    @property
    def model_name(self) -> str:
        """The model's name as the user knows it."""
        model = self._named_model()
        return model if isinstance(model, str) else str(model.get("model") or model.get("modelId") or "")

    @property
    def used(self) -> Used:
        """The sum of what was used so far."""
        return Used(
            input_tokens=sum(usage.input_tokens for usage in self.usage),
            output_tokens=sum(usage.output_tokens for usage in self.usage),
            cached_tokens=sum(usage.cached_tokens for usage in self.usage),
            cost_micro_usd=sum(usage.cost_micro_usd for usage in self.usage),
        )

    def check(self) -> None:
        """Refuse a turn that cannot even begin.

        Raises:
            ModelError: Nobody knows the model.
            ConversationError: The message is too long.
        """
        _, limits = self._known_model()
        self._fitted(limits, [{"role": "user", "content": self.message}])

    async def run(self) -> None:
        """Do the whole turn.

        Raises:
            ModelError: As :meth:`events`.
            ConversationError: As :meth:`events`.
        """
        async with aclosing(self.events()) as events:
            async for _ in events:
                pass

    async def events(self) -> AsyncGenerator[Event]:
        """Do the turn step by step; close the generator to stop it.

        Raises:
            ModelError: The model could not answer.
            ConversationError: The message is too long, or the model called skills without end.
        """
        model, limits = self._known_model()
        toolbox = self._toolbox()
        tools = toolbox.definitions
        self.messages.append({"role": "user", "content": self.message})
        yield Start(self.model_name)
        for _ in range(self.max_rounds + 1):
            messages = self._fitted(limits, self.messages)
            request = ModelRequest(
                model=model,
                messages=messages,
                tools=tools,
                tool_choice="auto" if tools else None,
                max_tokens=output_budget(limits),
                team_id=self.plan.team_id,
            )
            round_ = _Round()
            async with aclosing(self._ask(request, round_)) as events:
                async for event in events:
                    yield event
            finished = round_.finished
            if finished is None:
                raise ModelError("The model's answer ended before it was complete. Try again.")
            if not finished.tool_calls:
                self.messages.append({"role": "assistant", "content": round_.text})
                yield self.used
                yield End(self.output, finished.reason)
                return
            async with aclosing(self._call_skills(round_.text, finished.tool_calls, toolbox, messages)) as events:
                async for event in events:
                    yield event
        raise ConversationError(
            "too_many_tool_rounds",
            f"The model called skills {self.max_rounds} times in a row and came to no answer. "
            "Say more clearly in the agent's behavior, or in its skills' descriptions, what to call when.",
        )

    async def _ask(self, request: ModelRequest, round_: _Round) -> AsyncGenerator[Event]:
        """Ask the model once; a reply that breaks off is counted by estimate."""
        begun = False
        try:
            async with aclosing(self.ports.models.stream(request)) as replies:
                async for reply in replies:
                    begun = True
                    if isinstance(reply, port.Text):
                        round_.text += reply.text
                        self.output += reply.text
                        yield Content(reply.text)
                    elif isinstance(reply, port.Thinking):
                        yield Thinking(reply.text)
                    else:
                        round_.finished = reply
                        self.usage.append(reply.usage)
        except BaseException as error:
            # A refusal before the first word costs nothing; who leaves meanwhile has had the provider at work.
            if round_.finished is None and (begun or not isinstance(error, Exception)):
                self.usage.append(self.ports.models.broken_off(request, round_.text))
            raise

    async def _call_skills(
        self, text: str, calls: tuple[ToolCall, ...], tools: Toolbox, spoken: list[Message]
    ) -> AsyncGenerator[Event]:
        """Run the skills that the model called, some at once, and note their results in the order of the calls."""
        news: asyncio.Queue[Event | None] = asyncio.Queue()
        gate = asyncio.Semaphore(_SKILLS_AT_ONCE)

        def pass_through(text: str) -> None:
            self.output += text
            news.put_nowait(Content(text))

        async def one(call: ToolCall) -> Any:
            arguments = read_arguments(call.arguments)
            async with gate:
                news.put_nowait(ToolCalled(call.id, call.name, arguments))
                result = await tools.run(call.name, arguments, spoken, pass_through)
            self.usage.extend(result.usage)
            news.put_nowait(ToolAnswered(call.id, call.name, result.data))
            return {"id": call.id, "name": call.name, "arguments": arguments, "result": result.data}

        work = asyncio.gather(*map(one, calls))
        work.add_done_callback(lambda _: news.put_nowait(None))
        try:
            while (event := await news.get()) is not None:
                yield event
            done = await work
        finally:
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work
        self.tool_calls += done
        self.messages.append({"role": "assistant", "content": text, "tool_calls": list(map(_as_message, calls))})
        self.messages += [
            {"role": "tool", "tool_call_id": call["id"], "name": call["name"], "content": result_text(call["result"])}
            for call in done
        ]

    def _fitted(self, limits: Limits, current: list[Message]) -> list[Message]:
        """Return what the model is sent."""
        system = system_text(self.plan.document) if self.system is None else self.system
        return fit(limits, system, self._toolbox().definitions, list(self.history), current)

    def _toolbox(self) -> Toolbox:
        if self.tools is not None:
            return self.tools
        skills = skills_of(self.plan.document)
        return SkillRuns(self.plan, skills, self.ports, self.session_id, self.variables, self.limits)

    def _named_model(self) -> Model:
        # Components without a model answer by Echo, too (COMPONENTS, GenAILLM).
        return self.model or self.plan.document.default_model or ECHO

    def _known_model(self) -> tuple[Model, Limits]:
        """Return the model with its limits; one that is newer than the catalogue by the provider of its family.

        Raises:
            ModelError: Nobody knows the model.
        """
        model = self._named_model()
        try:
            return model, self.ports.models.limits(model)
        except ModelError as error:
            provider = likely_provider(model) if isinstance(model, str) else None
            if provider is None or error.kind != "unknown_model":
                raise
            inline = {"provider": provider, "model": model}
            return inline, self.ports.models.limits(inline)


@dataclass(slots=True)
class _Round:
    """What one model request brought."""

    text: str = ""
    finished: Finished | None = None


def _as_message(call: ToolCall) -> dict[str, Any]:
    """Return a call as it goes back to the model: the arguments exactly as received."""
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
