"""Delete an agent with all its versions and conversations, and switch its triggers off."""

from __future__ import annotations

import time

from smyth.http.app import create_app, lambda_handler
from smyth.http.caller import TenantCaller
from smyth.http.services import services
from smyth.platform.acl import Asker
from smyth.platform.errors import Busy

#: Within the time that a function has.
_SECONDS_FOR_CONVERSATIONS = 18

app = create_app("delete an agent")


@app.delete("/api/agents/{agent_id}", status_code=204)
def delete(caller: TenantCaller, agent_id: str) -> None:
    agent = services().agents.get(caller.tenant_id, agent_id, Asker.of(caller), "owner")
    deadline = time.monotonic() + _SECONDS_FOR_CONVERSATIONS

    def forget() -> bool:
        conversations = services().conversations
        return conversations.delete_all(agent.tenant_id, agent.id, in_time=lambda: time.monotonic() < deadline)

    if not forget():
        raise Busy(
            "The agent has more conversations than can be deleted at once. Some are gone; send the request again "
            "until it succeeds.",
            retry_after_s=1,
        )
    services().agents.delete(agent.tenant_id, agent.id, asker=Asker.of(caller))
    services().triggers.agent_deleted(agent.tenant_id, agent.id)
    forget()  # Those that ended meanwhile; what begins from now on finds no agent.


handler = lambda_handler(app)
