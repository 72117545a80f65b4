"""OpenAI's API: agents are its models. Served as a web app wherever answers can be streamed."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import Request, Response

from smyth.http.app import create_app, lambda_handler
from smyth.http.billing import Charge, billed
from smyth.http.caller import TenantCaller
from smyth.http.openai.chat_answer import CompletionStream, completion
from smyth.http.openai.chat_request import ChatCompletionRequest
from smyth.http.openai.embeddings import EmbeddingRequest, embeddings
from smyth.http.openai.errors import error_response
from smyth.http.openai.models import find, listed, view
from smyth.http.openai.responses_answer import ResponseStream, response
from smyth.http.openai.responses_request import ResponseRequest
from smyth.http.openai.serving import serve

app = create_app("openai_api", respond=error_response)


@app.post("/v1/chat/completions")
async def create_chat_completion(request: Request, caller: TenantCaller, body: ChatCompletionRequest) -> Response:
    return await serve(request, caller, body, whole=completion, stream=CompletionStream)


@app.post("/v1/responses")
async def create_response(request: Request, caller: TenantCaller, body: ResponseRequest) -> Response:
    return await serve(request, caller, body, whole=response, stream=ResponseStream)


@app.post("/v1/embeddings")
async def create_embeddings(request: Request, caller: TenantCaller, body: EmbeddingRequest) -> Response:
    async def work(charge: Charge) -> dict[str, Any]:
        return await embeddings(caller, body, charge)

    return await billed(request, caller, work)


@app.get("/v1/models")
async def list_models(caller: TenantCaller) -> dict[str, Any]:
    return {"object": "list", "data": await asyncio.to_thread(listed, caller)}


@app.get("/v1/models/{model}")
async def get_model(caller: TenantCaller, model: str) -> dict[str, Any]:
    return view((await find(caller, model)).agent, model)


handler = lambda_handler(app)
