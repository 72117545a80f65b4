"""Finds the items of a namespace that are nearest to a vector or a text, and pieces of documents."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel

from smyth.connectors.knowledge.documents import origin_of
from smyth.connectors.vectors import port
from smyth.http.answers.knowledge import KnowledgeHit, KnowledgeHits, Origin
from smyth.http.app import create_app, lambda_handler
from smyth.http.billing import Charge, billed
from smyth.http.caller import TenantCaller
from smyth.http.services import services
from smyth.platform.knowledge_requests import KnowledgeSearch
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
        hits, usage = await search(
            services().vectors, embeddings, caller.tenant_id, body, one_model=services().one_model
        )
        charge.use(usage)
        return Hits(hits=[Hit(**asdict(hit)) for hit in hits])

    return await billed(request, caller, work)


@app.post("/api/knowledge/search", response_model=KnowledgeHits)
async def search_knowledge(request: Request, caller: TenantCaller, body: KnowledgeSearch) -> Response:
    async def work(charge: Charge) -> KnowledgeHits:
        embeddings = services().embeddings
        embeddings = embeddings and embeddings.view(charge.allowance)
        hits, usage = await search(
            services().vectors, embeddings, caller.tenant_id, body.search(), one_model=services().one_model
        )
        charge.use(usage)
        return KnowledgeHits(hits=[_found(hit) for hit in hits])

    return await billed(request, caller, work)


def _found(hit: port.Hit) -> KnowledgeHit:
    return KnowledgeHit(text=hit.text, score=hit.score, source=Origin(**origin_of(hit).as_json()))


handler = lambda_handler(app)
