"""Delete an agent with all its versions."""

from __future__ import annotations

from smyth.http.app import create_app, lambda_handler
from smyth.http.caller import TenantCaller
from smyth.http.services import services

app = create_app("delete an agent")


@app.delete("/api/agents/{agent_id}", status_code=204)
def delete(caller: TenantCaller, agent_id: str) -> None:
    services().agents.delete(caller.tenant_id, agent_id)


handler = lambda_handler(app)
