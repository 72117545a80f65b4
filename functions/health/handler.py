"""Says that this stack answers, which version it is, and whose. Touches nothing else, so it is quick."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from smyth import __version__
from smyth.http.app import create_app, lambda_handler
from smyth.http.settings import settings


class Health(BaseModel):
    """This stack."""

    status: Literal["ok"] = "ok"
    version: str
    customer: str


app = create_app("health")


@app.get("/health")
async def health() -> Health:
    return Health(version=__version__, customer=settings().customer)


handler = lambda_handler(app)
