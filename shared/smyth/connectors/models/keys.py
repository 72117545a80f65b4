"""The keys that models are asked with: from the team's vault, else from the stack (models.md section 4)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from smyth.connectors.models.entry import ModelEntry
from smyth.connectors.models.port import ModelError
from smyth.connectors.vault.port import Vault

_VAULT_REFERENCE = re.compile(r"\{\{KEY\(([^(){}]+)\)\}\}")
#: What servers that ask for no key get to see.
_NO_KEY = "none"
#: Regions and projects become part of host names and paths.
_PLACE = re.compile(r"[a-z0-9](?:[a-z0-9.:-]{0,62}[a-z0-9])?")
_AWS_PARTS = {
    "aws_access_key_id": "keyIDName",
    "aws_secret_access_key": "secretKeyName",
    "aws_session_token": "sessionKeyName",
}


@dataclass(frozen=True, slots=True)
class Key:
    """What a provider is asked with."""

    value: str = field(repr=False)
    #: Where it came from, as the user knows it.
    source: str
    #: Further secrets of the same request, by LiteLLM's names for them.
    parts: Mapping[str, str] = field(default_factory=dict, repr=False)


class Keys:
    """Looks keys up: the team's vault first, then the stack's environment (oddity 20)."""

    def __init__(self, vault: Vault, environment: Mapping[str, str]) -> None:
        self._vault = vault
        self._environment = environment

    async def key_for(self, entry: ModelEntry, team_id: str) -> Key:
        """Return the key for a model.

        An address of its own gets only a key that is named for it: neither the stack's
        nor the team's key for a provider is ever sent to somebody else's server.

        Raises:
            ModelError: There is no key.
        """
        provider = entry.served_by
        if provider.name == "Bedrock":
            return await self._aws(entry, team_id)
        if provider.name == "VertexAI":
            name = str(entry.settings.get("jsonCredentialsName") or entry.credential or "vertexai")
            return Key(await self._secret(team_id, name), f'the vault entry "{name}"')
        if entry.api_key is not None:
            return Key(await self._filled(entry.api_key, team_id), "the model object")
        if entry.base_url is not None and entry.credential is None:
            return Key(_NO_KEY, "")
        name = entry.credential or provider.name.lower()
        secret = await self._vault.get(team_id, name)
        if secret:
            return Key(secret, f'the vault entry "{name}"')
        foreign = entry.from_document and entry.base_url is not None
        if not foreign and self._environment.get(provider.environment):
            return Key(self._environment[provider.environment], f"the environment variable {provider.environment}")
        if provider.name == "Ollama":
            return Key(_NO_KEY, "")
        raise ModelError(f'There is no key for {provider.name}. Set the vault entry "{name}".', kind="credentials")

    async def _aws(self, entry: ModelEntry, team_id: str) -> Key:
        """Return the keys that the settings name; where they name none, AWS's own chain finds some."""
        named = {part: str(entry.settings[name]) for part, name in _AWS_PARTS.items() if entry.settings.get(name)}
        if not named:
            return Key("", "the function's own role")
        parts = {part: await self._secret(team_id, name) for part, name in named.items()}
        entries = ", ".join(f'"{name}"' for name in named.values())
        return Key(parts.get("aws_secret_access_key", ""), f"the vault entries {entries}", parts)

    async def _secret(self, team_id: str, name: str) -> str:
        secret = await self._vault.get(team_id, name)
        if not secret:
            raise ModelError(f'The model\'s key is missing. Set the vault entry "{name}".', kind="credentials")
        return secret

    async def _filled(self, text: str, team_id: str) -> str:
        """Replace ``{{KEY(name)}}`` by the team's secrets, in one pass: a secret is never read as a reference."""
        secrets = {name: await self._secret(team_id, name) for name in _VAULT_REFERENCE.findall(text)}
        return _VAULT_REFERENCE.sub(lambda found: secrets[found[1]], text)


def place(settings: Mapping[str, Any], name: str, default: str = "") -> str:
    """Return a region or a project of a model's settings.

    Raises:
        ModelError: It is missing, or cannot be one.
    """
    value = str(settings.get(name) or default)
    if not _PLACE.fullmatch(value) or ".." in value:
        raise ModelError(
            f'The model\'s settings have no usable "{name}" ("{value}"). Set it as the provider\'s console shows it.',
            kind="invalid_request",
        )
    return value
