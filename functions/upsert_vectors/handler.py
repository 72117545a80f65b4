"""Writes items with vectors into a namespace; items with known ids are replaced."""

from __future__ import annotations

from pydantic import BaseModel

from smyth.http.app import create_app, lambda_handler
from smyth.http.caller import TenantCaller
from smyth.http.services import services
from smyth.platform.vectors import Upsert, upsert


class Upserted(BaseModel):
    """How many items were written."""

    upserted: int


app = create_app("vector upsert")


@app.post("/api/vectordb/upsert")
async def upsert_vectors(caller: TenantCaller, body: Upsert) -> Upserted:
    embeddings = services().kept_embeddings(caller.tenant_id)
    count, _ = await upsert(services().vectors, embeddings, caller.tenant_id, body, one_model=services().one_model)
    return Upserted(upserted=count)


handler = lambda_handler(app)
