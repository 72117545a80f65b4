"""Finds the items of a namespace that are nearest to a vector or a text."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel

from smyth.http.app import create_app, lambda_handler
from smyth.http.billing import Charge, billed
from smyth.http.caller import TenantCaller
from smyth.http.services import services
from smyth.platform.vectors import Search, search


class Hit(BaseModel):
    """A search result; ``score`` is the cosine similarity, higher is nearer."""

    id: str
    score: float
    text: str | None = None
    metadata: dict[str, Any]


class Hits(BaseModel):
    """The nearest items, best first."""

    hits: list[Hit]


app = create_app("vector search")


@app.post("/api/vectordb/search", response_model=Hits)
async def search_vectors(request: Request, caller: TenantCaller, body: Search) -> Response:
    async def work(charge: Charge) -> Hits:
        embeddings = services().embeddings
        embeddings = embeddings and embeddings.view(charge.allowance)
        hits, usage = await search(services().vectors, embeddings, caller.tenant_id, body)
        charge.use(usage)
        return Hits(hits=[Hit(**asdict(hit)) for hit in hits])

    return await billed(request, caller, work)


handler = lambda_handler(app)
