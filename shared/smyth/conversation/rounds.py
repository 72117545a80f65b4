"""The rounds of a turn: ask the model, run the skills that it calls, ask again (PROTOCOL section 2.4)."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from smyth.connectors.models.port import Limits, Message, ModelRequest
from smyth.conversation.asking import Asking, Reply
from smyth.conversation.client_tools import names_of
from smyth.conversation.events import End, Event
from smyth.conversation.failures import ConversationError
from smyth.conversation.models import Model
from smyth.conversation.tool_round import BY_ITSELF, ToolRound, deferred, limit_reached
from smyth.conversation.window import output_budget

if TYPE_CHECKING:
    from smyth.conversation.guardrails.watch import Watch
    from smyth.conversation.turn import Turn


@dataclass(slots=True)
class Rounds:
    """Has the model answer a turn that is checked and filled, and notes in the turn what comes of it."""

    turn: Turn
    model: Model
    limits: Limits
    #: Sees to the agent's guardrails, where it has any.
    watch: Watch | None
    _called: int = field(default=0, init=False)

    async def events(self) -> AsyncGenerator[Event]:
        """Go on until the model has answered; raises as :meth:`smyth.conversation.turn.Turn.events`.

        Raises:
            Refused: A rule of the guardrails refuses something.
        """
        turn, watch = self.turn, self.watch
        for number in range(turn.max_rounds + 1):
            messages = turn.fitted(self.limits, turn.messages)
            asking = Asking(turn.ports.models, self._request(number, messages), turn.model_name, turn.usage)
            async with aclosing(asking.events()) as events:
                async for event in events:
                    if watch is None or not watch.hides(event):
                        yield turn.noted(event)
            reply = asking.reply()
            if watch is not None:
                reply = await watch.answered(reply, names_of(turn.client_tools))
                for told in watch.released(reply):
                    yield turn.noted(told)
            if self._is_last(reply, closing=self._closing(number)):
                yield turn.used
                yield End(turn.output, turn.reason, tuple(turn.warnings))
                return
            async with aclosing(self._answer_calls(reply, messages)) as events:
                async for event in events:
                    yield turn.noted(event)
        raise ConversationError(
            "too_many_tool_rounds",
            f"The model called skills {turn.max_rounds} times in a row and came to no answer. "
            "Say more clearly in the agent's behavior, or in its skills' descriptions, what to call when.",
        )

    def _request(self, number: int, messages: list[Message]) -> ModelRequest:
        options = self.turn.options
        tools = [] if self._closing(number) else self.turn.tool_definitions()
        longest = output_budget(self.limits)
        return ModelRequest(
            model=self.model,
            messages=messages,
            tools=tools,
            tool_choice=options.tool_choice_in(number, tools),
            max_tokens=min(options.max_tokens or longest, longest),
            guardrail=self.watch.guard.bedrock if self.watch else None,
            team_id=self.turn.plan.team_id,
            **options.sampling(),
        )

    def _closing(self, number: int) -> bool:
        """Tell whether a round is the one after the last allowed call: the model has to answer and gets no tools."""
        limit = self.turn.max_tool_calls
        return limit is not None and number > 0 and self._called >= limit

    def _is_last(self, reply: Reply, *, closing: bool) -> bool:
        """Note a reply; tell whether it ends the turn.

        Tools are decided by the presence of calls, not by the reason (PROTOCOL section 2.4).
        """
        turn = self.turn
        turn.reason = reply.reason
        names = names_of(turn.client_tools)
        if reply.calls and not closing and not all(call.name in names for call in reply.calls):
            return False
        if reply.calls and not closing:
            turn.pending = self.watch.for_caller(reply.calls) if self.watch else reply.calls
            turn.reason = "tool_calls"
            turn.close(reply.as_message())
        else:
            turn.close({"role": "assistant", "content": reply.text})
        return True

    async def _answer_calls(self, reply: Reply, spoken: list[Message]) -> AsyncGenerator[Event]:
        """Run the skills that the model called, and note its reply with their results."""
        turn, watch = self.turn, self.watch
        limit, calls = turn.max_tool_calls, reply.calls
        if limit == 0:
            if reply.text:
                turn.messages.append({"role": "assistant", "content": reply.text})
            turn.messages.append(limit_reached(limit, [call.name for call in calls]))
            return
        names = names_of(turn.client_tools)
        own = [position for position, call in enumerate(calls) if call.name not in names]
        late = own[limit - self._called :] if limit is not None else []
        self._called += len(own) - len(late)
        not_run = {position: BY_ITSELF for position in range(len(calls)) if position not in own}
        not_run |= {position: deferred(limit or 0) for position in late}
        tools = watch.tools(turn.toolbox()) if watch else turn.toolbox()
        tool_round = ToolRound(tools, calls, not_run, turn.usage)
        async with aclosing(tool_round.events(spoken)) as events:
            async for event in events:
                yield watch.shown(event) if watch else event
        turn.tool_calls += watch.shown_calls(tool_round.done) if watch else tool_round.done
        if watch is not None:
            for told in watch.after_skills():
                yield told
        turn.messages += [reply.as_message(), *tool_round.messages()]
        if late:
            turn.messages.append(limit_reached(limit or 0, []))
