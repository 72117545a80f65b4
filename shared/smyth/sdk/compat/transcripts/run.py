"""Have a recorded conversation again, with the real gateway, engine and HTTP client."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from mimetypes import guess_type
from pathlib import Path
from typing import Any

from smyth.components._files import File, read
from smyth.connectors.http.addresses import AddressGuard
from smyth.connectors.http.client import HttpClient
from smyth.connectors.models.catalog import PROVIDERS, Catalog, ModelEntry, likely_provider, read_models
from smyth.connectors.models.gateway import ModelGateway
from smyth.connectors.models.port import Message, ModelError
from smyth.connectors.ports import Ports
from smyth.connectors.vault.memory import SHARED_TEAM, MemoryVault
from smyth.conversation import AskedTurns, ConversationError, Turn
from smyth.conversation.attachments import Attachment, Holder, attach
from smyth.conversation.events import Content, ToolAnswered, ToolCalled
from smyth.conversation.options import ModelOptions
from smyth.conversation.skills import system_text
from smyth.document import DocumentError, load
from smyth.engine import compile
from smyth.sdk.compat.transcripts.provider import Asked, scripted_provider
from smyth.sdk.compat.transcripts.read import API_ADDRESS, PROVIDER_ADDRESS, Transcript
from smyth.sdk.compat.transcripts.stub_api import stub_api

_NOBODY: dict[str, Any] = {"components": [], "connections": []}
_DEFAULT_MODEL = "gpt-4o-mini"


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
        moved = transcript.moved(provider.address, api.address)
        try:
            speaker = _Speaker(moved, files, secrets, replayed)
        except (DocumentError, ValueError) as error:
            replayed.results = [{"error": f"It cannot be replayed: {error}"} for _ in moved.calls]
        else:
            replayed.results = [await speaker.make(call) for call in moved.calls]
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
        texts = call.get("text") or ""
        results = [await self._say(text, call) for text in (texts if isinstance(texts, list) else [texts])]
        return results if isinstance(texts, list) else results[0]

    async def _say(self, text: str, call: dict[str, Any]) -> Any:
        remembers = any(word in call["mode"].lower() for word in ("chat", "conversation"))
        try:
            turn = Turn(
                self._plan,
                text,
                self._ports,
                history=list(self._history) if remembers else [],
                model=self._model(call),
                system=self._system(call),
                options=_options(call),
                max_tool_calls=(call.get("settings") or {}).get("maxToolCalls"),
                attachments=[await self._attached(file) for file in (call.get("options") or {}).get("files") or ()],
            )
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

    def _model(self, call: dict[str, Any]) -> Any:
        """Return the model to ask; a call that names none means the one that all recordings were made with."""
        model = call.get("model") or _DEFAULT_MODEL
        if self.transcript.agent is None and isinstance(model, str):
            return {"provider": likely_provider(model) or "OpenAI", "modelId": model}
        return model

    def _system(self, call: dict[str, Any]) -> str | None:
        """Return the system text where the call gives one."""
        if self.transcript.agent is None:
            return str((call.get("params") or {}).get("behavior") or "")
        given = (call.get("settings") or {}).get("systemPrompt")
        return system_text(self._plan.document, given) if given else None

    async def _attached(self, source: str) -> Attachment:
        """Store a file that a call names: a path, or an address."""
        holder = Holder(self._plan.agent_id, self._plan.team_id, self._ports)
        if source.startswith(("data:", "http://", "https://")):
            return await attach(await read(source, holder), holder)
        path = next((path for path in (self._files / source, self._files / "files" / source) if path.is_file()), None)
        if path is None:
            raise FileNotFoundError(f"The recording's file {source} is not in {self._files}.")
        mimetype = guess_type(path.name)[0] or "application/octet-stream"
        return await attach(File(path.read_bytes(), mimetype, path.name), holder)


def _options(call: dict[str, Any]) -> ModelOptions:
    """Return what the call asks of the model, in the words of the original."""
    params = call.get("params") or {}
    chat = call.get("chat_options")
    longest = chat.get("maxOutputTokens") if isinstance(chat, dict) else None
    stop = params.get("stopSequences")
    return ModelOptions(
        temperature=params.get("temperature"),
        top_p=params.get("topP"),
        max_tokens=params.get("maxTokens") or longest,
        stop=tuple(stop) if stop else None,
        frequency_penalty=params.get("frequencyPenalty"),
        presence_penalty=params.get("presencePenalty"),
        response_format=params.get("responseFormat"),
        reasoning_effort=params.get("reasoningEffort"),
        verbosity=params.get("verbosity"),
        tool_choice=(call.get("settings") or {}).get("toolChoice"),
    )


def _with_provider_keys(secrets: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """Return the vault with a key for every provider, as when the recordings were made."""
    keys = {name: f"sk-test-{name}" for name in PROVIDERS}
    return {**{team: dict(own) for team, own in secrets.items()}, SHARED_TEAM: {**secrets.get(SHARED_TEAM, {}), **keys}}


def _own_models(transcript: Transcript) -> dict[str, ModelEntry]:
    """Return the entries of the recording's models provider, and its team's own under their names and ids."""
    settings = (transcript.settings.get("ModelsProvider") or {}).get("Settings") or {}
    models = settings.get("models")
    entries: dict[str, Any] = dict(models) if isinstance(models, dict) else {}
    for team in _members(transcript.settings, "user-custom-llm"):
        own = json.loads(team) if isinstance(team, str) else team
        entries |= own | {entry["name"]: entry for entry in own.values() if entry.get("name")}
    return read_models(entries)


def _members(value: Any, name: str) -> Iterator[Any]:
    """Yield every member called ``name``, however deep it lies."""
    if isinstance(value, dict):
        if name in value:
            yield value[name]
        for member in value.values():
            yield from _members(member, name)
    elif isinstance(value, list):
        for element in value:
            yield from _members(element, name)


def _moved(value: Any, addresses: dict[str, str]) -> Any:
    """Return ``value`` with other addresses in its texts."""
    text = json.dumps(value, ensure_ascii=False)
    for address, other in addresses.items():
        text = text.replace(address, other)
    return json.loads(text)
