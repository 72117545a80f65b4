"""Have a recorded conversation again, with the real gateway, engine and HTTP client."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from smyth.connectors.http.addresses import AddressGuard
from smyth.connectors.http.client import HttpClient
from smyth.connectors.models.catalog import PROVIDERS, Catalog, ModelEntry, read_models
from smyth.connectors.models.gateway import ModelGateway
from smyth.connectors.models.port import Message, ModelError
from smyth.connectors.ports import Ports
from smyth.connectors.vault.memory import SHARED_TEAM, MemoryVault
from smyth.conversation import AskedTurns, ConversationError, Turn
from smyth.conversation.events import Content, ToolAnswered, ToolCalled
from smyth.conversation.skills import system_text
from smyth.document import load
from smyth.engine import compile
from smyth.sdk.compat.transcripts.provider import Asked, scripted_provider
from smyth.sdk.compat.transcripts.read import API_ADDRESS, PROVIDER_ADDRESS, Transcript
from smyth.sdk.compat.transcripts.stub_api import stub_api

_NOBODY: dict[str, Any] = {"components": [], "connections": []}


@dataclass(slots=True)
class Replayed:
    """What happened."""

    asked: list[Asked] = field(default_factory=list)
    api_requests: list[dict[str, Any]] = field(default_factory=list)
    #: One per call: the text, a list of texts where a call held several, or ``{"error": ...}``.
    results: list[Any] = field(default_factory=list)
    #: The joined text of all content events.
    content: str = ""
    #: Name and arguments of the tools that were called.
    tool_calls: list[tuple[str, Any]] = field(default_factory=list)
    #: Name and result of those that answered.
    tool_results: list[tuple[str, Any]] = field(default_factory=list)


async def run(transcript: Transcript, files: Path, secrets: Mapping[str, Mapping[str, str]]) -> Replayed:
    """Make the calls of a conversation in order.

    Args:
        transcript: The conversation.
        files: Where its attachments lie.
        secrets: The vault, by team and name.
    """
    replayed = Replayed()
    takes_files = "file-fake-" in json.dumps(transcript.recorded.get("provider_requests"))
    with scripted_provider(transcript.script, takes_files=takes_files) as provider, stub_api() as api:
        speaker = _Speaker(transcript.moved(provider.address, api.address), files, secrets, replayed)
        for call in speaker.transcript.calls:
            replayed.results.append(await speaker.make(call))
        back = {provider.address: PROVIDER_ADDRESS, api.address: API_ADDRESS}
        replayed.asked = [replace(asked, body=_moved(asked.body, back)) for asked in provider.requests]
        replayed.api_requests = _moved(api.requests, back)
    return replayed


class _Speaker:
    """Makes the calls; what is said in its chat lasts."""

    def __init__(
        self, transcript: Transcript, files: Path, secrets: Mapping[str, Mapping[str, str]], replayed: Replayed
    ) -> None:
        self.transcript = transcript
        self._files = files
        self._replayed = replayed
        self._plan = compile(load(transcript.agent or _NOBODY))
        self._history: list[Message] = []
        vault = MemoryVault(_with_provider_keys(secrets))
        models = ModelGateway(
            Catalog(_own_models(transcript)), vault, environment=transcript.environment, allow_private=True
        )
        http = HttpClient(AddressGuard(allow_private=True))
        self._ports = Ports(models=models, vault=vault, http=http, conversations=AskedTurns())

    async def make(self, call: dict[str, Any]) -> Any:
        """Make one call and return its result."""
        texts = call["text"]
        results = [await self._say(text, call) for text in (texts if isinstance(texts, list) else [texts])]
        return results if isinstance(texts, list) else results[0]

    async def _say(self, text: str, call: dict[str, Any]) -> Any:
        remembers = "chat" in call["mode"].lower()
        turn = Turn(
            self._plan,
            text,
            self._ports,
            history=list(self._history) if remembers else [],
            model=call.get("model"),
            **self._settings(call),
        )
        try:
            await self._listen(turn, stops="stop" in str(call.get("extra") or ""))
        except Exception as error:  # One conversation that breaks is told as such; the others still count.
            known = isinstance(error, ModelError | ConversationError)
            return {"error": str(error) if known else f"{type(error).__name__}: {error}"}
        if remembers:
            self._history += turn.messages
        return turn.output

    async def _listen(self, turn: Turn, *, stops: bool) -> None:
        async with aclosing(turn.events()) as events:
            async for event in events:
                match event:
                    case Content(text):
                        self._replayed.content += text
                    case ToolCalled(_, name, arguments):
                        self._replayed.tool_calls.append((name, arguments))
                        if stops:
                            return
                    case ToolAnswered(_, name, result):
                        self._replayed.tool_results.append((name, result))

    def _settings(self, call: dict[str, Any]) -> dict[str, Any]:
        """Return what the call asks for beside text and model, as the turn takes it."""
        settings = call.get("settings") or {}
        params = call.get("params") or {}
        given: dict[str, Any] = {}
        if self.transcript.agent is None:
            given["system"] = str(params.get("behavior") or "")
        elif settings.get("systemPrompt"):
            given["system"] = system_text(self._plan.document, settings["systemPrompt"])
        return given


def _with_provider_keys(secrets: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """Return the vault with a key for every provider, as when the recordings were made."""
    keys = {name: f"sk-test-{name}" for name in PROVIDERS}
    return {**{team: dict(own) for team, own in secrets.items()}, SHARED_TEAM: {**secrets.get(SHARED_TEAM, {}), **keys}}


def _own_models(transcript: Transcript) -> dict[str, ModelEntry]:
    """Return the model entries that the recording's models provider was given."""
    settings = (transcript.settings.get("ModelsProvider") or {}).get("Settings") or {}
    return read_models(settings.get("models") or {})


def _moved(value: Any, addresses: dict[str, str]) -> Any:
    """Return ``value`` with other addresses in its texts."""
    text = json.dumps(value, ensure_ascii=False)
    for address, other in addresses.items():
        text = text.replace(address, other)
    return json.loads(text)
