"""POST /api/agents/{agent_id}/prompt: one prompt, answered and forgotten."""

from __future__ import annotations

from typing import Any

from fastapi import Request, Response

from smyth.http.answers.turns import PromptAnswer
from smyth.http.app import create_app, lambda_handler
from smyth.http.asks import Ask
from smyth.http.billing import Charge, billed, seconds_left
from smyth.http.caller import TenantCaller
from smyth.http.turns import answer, failures_told, open_turn

app = create_app("prompt_agent")


@app.post("/api/agents/{agent_id}/prompt", response_model=PromptAnswer)
async def prompt_agent(request: Request, caller: TenantCaller, agent_id: str, ask: Ask) -> Response:
    async def work(charge: Charge) -> dict[str, Any]:
        turn = await open_turn(caller, agent_id, ask, charge, seconds=seconds_left(request))
        with failures_told():
            await turn.run()
        return answer(turn, charge)

    return await billed(request, caller, work, agent_id=agent_id)


handler = lambda_handler(app)
