"""Gives a file of an agent to whoever has its link: leads on to the bucket."""

from __future__ import annotations

import re

from fastapi import Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from smyth.http.app import create_app, lambda_handler
from smyth.http.services import services
from smyth.platform.errors import NotFound

_TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")

app = create_app("get a file")


@app.get("/files/{token}", status_code=302, response_class=RedirectResponse)
async def get_file(token: str) -> Response:
    """Give a file that an agent stored: leads to an address that works for some minutes."""
    address = await run_in_threadpool(services().file_links.address, token) if _TOKEN.fullmatch(token) else None
    if address is None:
        raise NotFound("There is no such file, or its time is over. Have the agent store it again.")
    # Each visit gets an address of its own, which works for minutes only.
    return RedirectResponse(address, status_code=302, headers={"cache-control": "no-store"})


handler = lambda_handler(app)
