"""GET and POST /api/agents/{agent_id}/chat: a turn of a conversation that is remembered, or what was said in it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request, Response

from smyth.http.answers.turns import ChatAnswer, ChatHistory
from smyth.http.app import create_app, lambda_handler
from smyth.http.asks import ChatAsk, ChatQuery
from smyth.http.billing import Charge, billed, seconds_left
from smyth.http.caller import Caller, TenantCaller
from smyth.http.chat_memory import Chat, history
from smyth.http.problems import Problem
from smyth.http.turns import answer, failures_told, open_turn

app = create_app("chat_agent")


@app.get("/api/agents/{agent_id}/chat", response_model=ChatAnswer | ChatHistory)
async def chat_by_query(
    request: Request, caller: TenantCaller, agent_id: str, query: Annotated[ChatQuery, Query()]
) -> Any:
    if query.message is not None:
        return await chat(request, caller, agent_id, query.as_ask(query.message))
    if query.conversation_id is None:
        raise Problem(
            422, "invalid", "Send message to talk to the agent, or conversation_id to read what was said before."
        )
    return await history(caller, agent_id, query.conversation_id, query.user)


@app.post("/api/agents/{agent_id}/chat", response_model=ChatAnswer)
async def chat_by_body(request: Request, caller: TenantCaller, agent_id: str, ask: ChatAsk) -> Response:
    return await chat(request, caller, agent_id, ask)


async def chat(request: Request, caller: Caller, agent_id: str, ask: ChatAsk) -> Response:
    async def work(charge: Charge) -> dict[str, Any]:
        async with Chat.turn(caller, agent_id, ask.conversation_id, charge.request_id, user=ask.user) as chat:
            turn = await open_turn(caller, agent_id, ask, charge, chat.history, seconds=seconds_left(request))
            await chat.condense(turn)
            with failures_told():
                await turn.run()
            await chat.end(turn)
        return {**answer(turn, charge), "conversation_id": chat.id}

    return await billed(request, caller, work, agent_id=agent_id)


handler = lambda_handler(app)
