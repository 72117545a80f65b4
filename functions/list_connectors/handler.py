"""Lists every connector with its settings and whether it is ready to use."""

from __future__ import annotations

import os

from pydantic import BaseModel

from smyth.connectors.catalog import Connector, connectors
from smyth.connectors.embeddings.gateway import read_embedding_model
from smyth.http.app import create_app, lambda_handler
from smyth.http.caller import AnyCaller
from smyth.http.settings import settings


class Connectors(BaseModel):
    """All connectors; they fit one page."""

    items: list[Connector]
    next_cursor: None = None


app = create_app("connectors")


@app.get("/api/connectors")
async def list_connectors(caller: AnyCaller) -> Connectors:
    entry = read_embedding_model(settings().embedding_model)
    return Connectors(items=connectors(os.environ, embedding_provider=entry.served_by.name if entry else None))


handler = lambda_handler(app)
