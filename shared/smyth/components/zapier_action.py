"""ZapierAction: an action that the author exposed in Zapier (COMPONENTS section 9)."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from pydantic import AfterValidator, Field

from smyth.components._files import is_file
from smyth.components._services import credential, json_object, json_request, read_json, refusal, send
from smyth.components.base import Call, Component, ComponentError, Port, Run
from smyth.components.base import Settings as BaseSettings
from smyth.connectors.files.port import FileError
from smyth.connectors.files.uris import path_of

#: How long Zapier can fetch a file that an action is given.
_LINK_SECONDS = 60 * 60


class Settings(BaseSettings):
    """Which action, and whose."""

    action_name: str = Field(alias="actionName", min_length=1, max_length=100, description="Name of the action.")
    action_id: str = Field(alias="actionId", min_length=1, max_length=100, description="Id of the exposed action.")
    api_key: str = Field(
        alias="apiKey", min_length=1, max_length=350, description="Zapier's key, as {{KEY(name)}} from the vault."
    )
    params: Annotated[str, AfterValidator(json_object)] = Field(
        "", description="What the action takes, as a JSON object; editors make inputs of it."
    )
    logo_url: str = Field("", alias="logoUrl", max_length=500, description="Picture that editors show.")


class ZapierAction(Component):
    """Does an exposed action as the instructions and the inputs say."""

    name = "ZapierAction"
    title = "Zapier Action"
    summary = "Does an action that was exposed in Zapier."
    Settings = Settings
    inputs = (Port("instructions", "Text", "What to do, in plain words."),)
    outputs = (Port("Output", "Object", "Zapier's answer."),)
    custom_inputs = True
    custom_outputs = True

    async def run(self, call: Call) -> dict[str, Any]:
        """Send all inputs, agent variables among them, but none that hold something from the vault."""
        settings: Settings = call.settings
        key = await credential(
            call, settings.api_key, otherwise="You are not authorized to run the Zapier Action! It needs a key."
        )
        action = settings.action_id.strip()
        if not action:
            raise ComponentError("Zapier Action ID is required! Copy it from the exposed action.")
        if not call.inputs.get("instructions"):
            raise ComponentError("Give a plain english description of exact action you want to do!")
        base = call.run.ports.service_urls.zapier
        url = f"{base}/api/v1/exposed/{quote(action, safe='')}/execute/?api_key={quote(key, safe='')}"
        reply = await send(call, json_request(url, await _sent(call)))
        answer = read_json(reply)
        if reply.status >= 400 or answer is None:
            raise ComponentError(f"Zapier Error: {refusal(reply, secret=key)}")
        return {"Output": answer}


async def _sent(call: Call) -> dict[str, Any]:
    """Return the inputs as Zapier takes them: files as addresses that work for a while."""
    received = set(call.received)
    open_to_all = {
        name: value for name, value in call.inputs.items() if name in received or name not in call.run.secret_variables
    }
    try:
        return {name: await _linked(value, call.run) for name, value in open_to_all.items()}
    except FileError as error:
        raise ComponentError(str(error)) from None


async def _linked(value: Any, run: Run) -> Any:
    if isinstance(value, list):
        return [await _linked(item, run) for item in value]
    if not is_file(value):
        return value
    path = path_of(value["url"], team_id=run.team_id, agent_id=run.agent_id)
    return await run.ports.files.link(path, name=str(value.get("name", "")), seconds=_LINK_SECONDS)
