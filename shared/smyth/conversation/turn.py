"""One turn: a user's message, the model's rounds with the agent's skills, the answer (PROTOCOL section 2.4)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from smyth.connectors.models.echo import ECHO
from smyth.connectors.models.port import Limits, Message, ToolCall, Usage
from smyth.connectors.ports import Ports
from smyth.conversation import client_tools
from smyth.conversation.attachments import Attachment, Holder, question, readable, with_files
from smyth.conversation.events import Content, End, Event, Start, Used
from smyth.conversation.failures import ConversationError
from smyth.conversation.guardrails.port import WITHHELD, Action, Guard, Refused
from smyth.conversation.models import Model, known, name_of
from smyth.conversation.options import ModelOptions
from smyth.conversation.rounds import Rounds
from smyth.conversation.skills import SkillRuns, skills_of, system_text, with_instructions
from smyth.conversation.toolbox import Toolbox
from smyth.conversation.window import fit, room_for_history
from smyth.document.guardrails import guardrails_of
from smyth.engine import Limits as RunLimits
from smyth.engine import Plan

if TYPE_CHECKING:
    from smyth.conversation.guardrails.watch import Watch

#: The original has no limit; a model that never stops would cost without end.
MAX_ROUNDS = 25


@dataclass(slots=True)
class Turn:
    """A user's message on its way to an answer.

    Iterate :meth:`events` once, or await :meth:`run`; the members below fill
    meanwhile, and ``usage`` is right even when the turn fails or is left early.
    """

    plan: Plan
    #: Text, or parts in OpenAI's shape. None: the history ends with results of the caller's tools; go on from there.
    message: str | list[dict[str, Any]] | None
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
    #: How the model shall answer.
    options: ModelOptions = field(default_factory=ModelOptions)
    #: What the caller adds to the system text; told to the model as the caller's, below the agent's own.
    instructions: str = ""
    #: Tools that the caller runs, in OpenAI's shape: a reply that calls only these ends the turn.
    client_tools: Sequence[dict[str, Any]] = ()
    #: How many calls of skills are run; then the model must answer with what it has (PROTOCOL section 5).
    max_tool_calls: int | None = None
    #: Files that come with the message.
    attachments: Sequence[Attachment] = ()
    #: Whether the history is what the caller says was said, not what a chat memory has: then it is guarded, too.
    history_from_caller: bool = False
    #: What checks the texts; made of the agent's guardrails unless told.
    guard: Guard | None = None
    #: The messages of this turn: the user's, tool rounds, the answer.
    messages: list[Message] = field(default_factory=list, init=False)
    #: One entry per provider request, those of skills included; one without figures where the provider refused.
    usage: list[Usage] = field(default_factory=list, init=False)
    #: Each skill call with its result.
    tool_calls: list[dict[str, Any]] = field(default_factory=list, init=False)
    #: The text of all rounds and of skills that pass theirs through, joined without separator (PROTOCOL oddity 39).
    output: str = field(default="", init=False)
    #: Why the model's last reply ended (PROTOCOL oddity 5).
    reason: str = field(default="", init=False)
    #: Calls that the caller has to run; then the turn goes on as one with ``message=None``.
    pending: tuple[ToolCall, ...] = field(default=(), init=False)
    #: What the caller should know though the turn goes on.
    warnings: list[str] = field(default_factory=list, init=False)
    #: What the agent's guardrails did.
    guardrails: list[Action] = field(default_factory=list, init=False)
    _watch: Watch | None = field(default=None, init=False)

    @property
    def model_name(self) -> str:
        """The model's name as the user knows it."""
        return name_of(self._named_model())

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
            ConversationError: There is nothing to answer, it is too long, the tools do not fit together, or the
                agent's guardrails cannot be used.
        """
        _, limits = self.known_model()
        self._check_tools()
        self._watched()
        self.fitted(limits, self._asked(limits))

    def known_model(self) -> tuple[Model, Limits]:
        """Return the model with its limits; one that is newer than the catalogue by the provider of its family.

        Raises:
            ModelError: Nobody knows the model.
        """
        return known(self._named_model(), self.ports.models)

    def history_room(self) -> int:
        """Return how many tokens of earlier messages the model is sent beside this turn's.

        Raises:
            ModelError: Nobody knows the model.
            ConversationError: As :meth:`check`.
        """
        _, limits = self.known_model()
        return room_for_history(limits, self._system(), self.tool_definitions(), self._asked(limits))

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
            ConversationError: As :meth:`check`, a file cannot be had, or the model called skills without end.
        """
        try:
            async with aclosing(self._answered()) as events:
                async for event in events:
                    yield event
        except Refused as refused:
            for told in self._refusal(refused):
                yield told

    def fitted(self, limits: Limits, current: list[Message]) -> list[Message]:
        """Return what the model is sent."""
        history = list(self.history)
        if self.message is None:
            # The turn that goes on is in the history: from the user's last message.
            begin = max((at for at, message in enumerate(history) if message["role"] == "user"), default=0)
            history, current = history[:begin], [*history[begin:], *current]
        return fit(limits, self._system(), self.tool_definitions(), history, current)

    def noted(self, event: Event) -> Event:
        """Add an event's text to the output, and return the event."""
        if isinstance(event, Content):
            self.output += event.text
        return event

    def close(self, last: Message) -> None:
        """Note the last message, and keep of the turn what others may read later."""
        self.messages.append(last)
        # Signed thoughts matter to the model until it has answered, and to nobody after that.
        self.messages[:] = [
            {name: member for name, member in message.items() if name != "thinking_blocks"} for message in self.messages
        ]
        if self._watch is not None:
            self.messages[:] = self._watch.kept(self.messages)

    def toolbox(self) -> Toolbox:
        """Return what the model may call and this side runs."""
        if self.tools is None:
            skills = skills_of(self.plan.document)
            self.tools = SkillRuns(self.plan, skills, self.ports, self.session_id, self.variables, self.limits)
        return self.tools

    def tool_definitions(self) -> list[dict[str, Any]]:
        """Return all that the model may call: the agent's skills and the caller's tools."""
        return [*self.toolbox().definitions, *self.client_tools]

    async def _answered(self) -> AsyncGenerator[Event]:
        """Check and fill what the model is sent, and have it answer; raises :class:`Refused` and as :meth:`events`."""
        model, limits = self.known_model()
        self._check_tools()
        watch = self._watched()
        self.messages += self._asked(limits)
        self.fitted(limits, self.messages)
        yield Start(self.model_name)
        self._warn(limits)
        if watch is not None:
            self.history = await watch.remembered(self.history, from_caller=self.history_from_caller)
            self.instructions = await watch.instructed(self.instructions)
            self.messages[:] = await watch.asked(self.messages)
            for told in watch.news():
                yield told
        await self._read_files(limits)
        async with aclosing(Rounds(self, model, limits, watch).events()) as events:
            async for event in events:
                yield event

    async def _read_files(self, limits: Limits) -> None:
        """Put the files into the messages whose addresses these name.

        Raises:
            ConversationError: One cannot be had.
        """
        holder = Holder(self.plan.agent_id, self.plan.team_id, self.ports)
        self.messages[:] = await with_files(self.messages, holder)
        self.history = readable(await with_files(self.history, holder), limits.media)

    def _refusal(self, refused: Refused) -> list[Event]:
        """End the turn with what a rule says; what it refused is not kept."""
        if refused.stage == "input":
            self.messages[:] = [{"role": "user", "content": WITHHELD}] if self.messages else []
        self.close({"role": "assistant", "content": str(refused)})
        self.reason = "content_filter"
        told = self.noted(Content(str(refused)))
        news = self._watch.news() if self._watch else []
        return [*news, told, self.used, End(self.output, self.reason, tuple(self.warnings))]

    def _asked(self, limits: Limits) -> list[Message]:
        """Return the user's message.

        Raises:
            ConversationError: There is none, and nothing that could be answered in its place.
        """
        if self.message is None and self.history:
            return []
        if not self.attachments and not _says_something(self.message):
            raise ConversationError("empty_message", "The message is empty. Say something.")
        return [question(self.message or "", self.attachments, self._shown(limits))]

    def _shown(self, limits: Limits) -> tuple[str, ...]:
        """Return the kinds of files that the model is shown: none where a skill takes files by their address."""
        toolbox = self.toolbox()
        takes_files = isinstance(toolbox, SkillRuns) and any(skill.takes_files for skill in toolbox.skills.values())
        return () if takes_files else limits.media

    def _warn(self, limits: Limits) -> None:
        shown = self._shown(limits)
        self.warnings += [
            f"The model {self.model_name} does not read {one.mimetype}: it was told of {one.name}, and not shown it."
            for one in self.attachments
            if shown and not one.mimetype.startswith(shown)
        ]

    def _check_tools(self) -> None:
        client_tools.check(self.toolbox().definitions, self.client_tools, self.options.tool_choice)

    def _system(self) -> str:
        system = system_text(self.plan.document) if self.system is None else self.system
        return with_instructions(system, self.instructions)

    def _watched(self) -> Watch | None:
        """Return what sees to the agent's guardrails; None where it has none, and nothing is loaded.

        Raises:
            ConversationError: They cannot be used.
        """
        if self._watch is None and (self.guard or guardrails_of(self.plan.document) is not None):
            from smyth.conversation.guardrails.guard import guard_of
            from smyth.conversation.guardrails.watch import Watch

            models, team_id = self.ports.models, self.plan.team_id
            guard = self.guard or guard_of(self.plan.document, models, team_id, self.usage)
            self._watch = Watch(guard, self.ports, self.plan.agent_id, self.guardrails) if guard else None
        return self._watch

    def _named_model(self) -> Model:
        # Components without a model answer by Echo, too (COMPONENTS, GenAILLM).
        return self.model or self.plan.document.default_model or ECHO


def _says_something(message: str | list[dict[str, Any]] | None) -> bool:
    if isinstance(message, list):
        return any(one.get("type") != "text" or str(one.get("text") or "").strip() for one in message)
    return bool(message and message.strip())
