"""AgentPlugin: ask another agent (COMPONENTS section 9)."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from smyth.components import base
from smyth.components._asking import AskingSettings, as_prompt, conversations, question
from smyth.components._prompting import asking_for_outputs
from smyth.components.base import Call, ComponentError, Port
from smyth.connectors.agents.port import DEPLOYED, DEVELOPMENT, AccessDenied
from smyth.connectors.conversations.port import ConversationFailed
from smyth.document.model import Document
from smyth.values import parse

_SAME_AS_PARENT = "same-as-parent"
_FAILED = "Error on running Agent Component!\n"


class Settings(AskingSettings):
    """Which agent is asked, and how."""

    agent_id: str = Field(alias="agentId", min_length=1, max_length=200, description="The agent to ask.")
    version: str = Field(
        _SAME_AS_PARENT,
        max_length=100,
        description="same-as-parent, dev-latest, prod-latest, or a version; blank means dev-latest.",
    )


class AgentPlugin(base.Component):
    """Give a prompt to another agent of the team; a model picks that agent's skills."""

    name = "AgentPlugin"
    title = "Agent"
    summary = "Asks another agent; a model picks that agent's skills."
    Settings = Settings
    inputs = (Port("Prompt", description="What is asked; other values than text are sent as JSON."),)
    outputs = (Port("Response", description="The answer."),)
    custom_inputs = True
    custom_outputs = True

    async def run(self, call: Call) -> dict[str, Any]:
        """See :meth:`smyth.components.base.Component.run`."""
        prompt = as_prompt(call.inputs.get("Prompt"))
        if not prompt:
            raise ComponentError(f"{_FAILED}Please provide a prompt.")
        document = await _document(call)
        asked = question(call, asking_for_outputs(prompt, call))
        try:
            answer = await conversations(call).with_agent(asked, call.settings.agent_id, document, call.caller)
        except ConversationFailed as error:
            raise ComponentError(f"{_FAILED}{error}") from error
        return {"Response": parse(answer)}


async def _document(call: Call) -> Document:
    """Return the agent's document in the version that the settings ask for.

    Raises:
        ComponentError: There is no such agent, or not in this version, or this agent may not use it.
    """
    try:
        return await _find(call)
    except AccessDenied as error:
        raise ComponentError(f"{_FAILED}{error}") from None


async def _find(call: Call) -> Document:
    agents, settings, asker = call.run.ports.agents, call.settings, call.run.agent_id
    version = settings.version or DEVELOPMENT
    if version == _SAME_AS_PARENT:
        version = DEPLOYED if await agents.is_deployed(asker) else DEVELOPMENT
    document = await agents.document(settings.agent_id, version, asked_by=asker)
    if document is not None:
        return document
    newest = await agents.document(settings.agent_id, DEVELOPMENT, asked_by=asker)
    if newest is None:
        raise ComponentError(f'{_FAILED}There is no agent "{settings.agent_id}". Choose one of your agents.')
    if version == DEPLOYED:
        raise ComponentError(
            f"Call failed, Agent '{newest.name}' ({settings.agent_id}) is not deployed. "
            "Please deploy the agent and try again."
        )
    raise ComponentError(f'{_FAILED}The agent "{newest.name}" has no version "{version}". Choose one that it has.')
