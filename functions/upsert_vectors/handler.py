"""Writes items with vectors into a namespace; items with known ids are replaced.

Items that come with vectors are free; where texts are embedded, the call is billed like a search.
"""

from __future__ import annotations

from fastapi import Request, Response
from pydantic import BaseModel

from smyth.http.app import create_app, lambda_handler
from smyth.http.billing import Charge, billed
from smyth.http.caller import TenantCaller
from smyth.http.json_bodies import to_response
from smyth.http.services import services
from smyth.platform.vectors import Upsert, upsert


class Upserted(BaseModel):
    """How many items were written."""

    upserted: int


app = create_app("vector upsert")


@app.post("/api/vectordb/upsert", response_model=Upserted)
async def upsert_vectors(request: Request, caller: TenantCaller, body: Upsert) -> Response:
    async def work(charge: Charge) -> Upserted:
        embeddings = services().kept_embeddings(caller.tenant_id, charge.allowance)
        count = await upsert(
            services().vectors, embeddings, caller.tenant_id, body, one_model=services().one_model, use=charge.use
        )
        return Upserted(upserted=count)

    if body.embeds:
        return await billed(request, caller, work)
    count = await upsert(services().vectors, None, caller.tenant_id, body)
    return to_response(Upserted(upserted=count))


handler = lambda_handler(app)
