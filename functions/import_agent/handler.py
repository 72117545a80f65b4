"""Make an agent of a ``.smyth`` file, sent as JSON body or as multipart field ``file``."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from smyth.http.agents import summary
from smyth.http.answers.agents import ChangedAgent
from smyth.http.app import create_app, lambda_handler
from smyth.http.caller import TenantCaller
from smyth.http.idempotency import Seed, once
from smyth.http.services import services
from smyth.platform.agent_documents import check
from smyth.platform.agents import UNNAMED
from smyth.platform.errors import Invalid
from smyth.platform.ids import AGENT

_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"type": "object", "description": "The document itself."}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary", "description": "A .smyth file."}},
                }
            },
        },
    }
}

app = create_app("import an agent")


@app.post("/api/agents/import", status_code=201, response_model=ChangedAgent, openapi_extra=_BODY)
async def import_agent(request: Request, caller: TenantCaller) -> Response:
    source, name = await _file(request)
    checked = await run_in_threadpool(check, source)
    limit = services().meter.terms(caller.plan, dict(caller.limits))[1].agents

    def make(seed: Seed) -> dict[str, Any]:
        agent, warnings = services().agents.add(
            caller.tenant_id, checked, by=caller.key_id, limit=limit, agent_id=f"{AGENT}-{seed.ulid}", name=name
        )
        return summary(agent) | {"warnings": warnings}

    return await once(request, caller.tenant_id, make)


async def _file(request: Request) -> tuple[bytes, str]:
    """Return the file and a name for an agent whose document has none."""
    body = await request.body()
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        return body, UNNAMED
    async with request.form(max_files=1, max_fields=10) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise Invalid('The form has no file in its field "file". Send the .smyth file there, or as JSON body.')
        return await file.read(), PurePath(file.filename or UNNAMED).stem


handler = lambda_handler(app)
