"""An agent for elsewhere: its ``.smyth`` file as it came in, and an OpenAPI document of its skills."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query, Response

from smyth.http.app import create_app, lambda_handler
from smyth.http.caller import TenantCaller
from smyth.http.services import services
from smyth.platform.acl import Asker

app = create_app("export an agent")


@app.get("/api/agents/{agent_id}/export", response_model=dict[str, Any])
def export(
    caller: TenantCaller, agent_id: str, version: Annotated[int | None, Query(ge=1, le=999_999)] = None
) -> Response:
    agents = services().agents
    agent = agents.get(caller.tenant_id, agent_id, Asker.of(caller))
    headers = {"content-disposition": f'attachment; filename="{agent.slug}.smyth"'}
    return Response(agents.source(agent, version), media_type="application/json", headers=headers)


@app.get("/api/agents/{agent_id}/openapi.json", response_model=dict[str, Any])
def openapi(
    caller: TenantCaller,
    agent_id: str,
    importer: Annotated[
        Literal["gpt"] | None, Query(alias="for", description="gpt: texts cut to what actions of GPTs take.")
    ] = None,
) -> dict[str, Any]:
    from smyth.platform.agent_openapi import agent_openapi

    agents = services().agents
    agent = agents.get(caller.tenant_id, agent_id, Asker.of(caller))
    version = agent.published_version or agent.version
    document = agents.document(agent, version)
    return agent_openapi(agent, document, server=caller.public_url, version=version, for_gpt=importer == "gpt")


handler = lambda_handler(app)
