"""Who serves models, where, and what their interfaces take (models.md sections 1 and 5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from smyth.connectors.models.port import Limits

_PICTURES = Limits().media
_DOCUMENT = "application/pdf"
_EVERYTHING = ("image/", "audio/", "video/", "text/", _DOCUMENT, "application/json")
_SAMPLING = frozenset({"temperature", "top_p"})
_OPENAI_SAMPLING = _SAMPLING | {"frequency_penalty", "presence_penalty", "stop"}


@dataclass(frozen=True, slots=True)
class Provider:
    """A company or program that serves models."""

    #: As documents spell it.
    name: str
    #: LiteLLM's name for it: its price table is sorted by these.
    route: str
    #: Environment variable that holds the stack's own key; empty: there is no such key.
    environment: str
    #: Whose protocol it speaks; LiteLLM translates for those that have one of their own.
    dialect: Literal["openai", "anthropic", "litellm"] = "openai"
    #: Where it is found, and the environment variable that says otherwise.
    base_url: str | None = None
    base_url_variable: str = ""
    #: Added to an address that has no path.
    path: str = ""
    #: How the MIME types of the files begin that its models read (COMPONENTS section 2).
    media: tuple[str, ...] = _PICTURES
    #: What it calls the longest answer.
    longest: str = "max_tokens"
    #: The sampling parameters that it takes; others are not sent.
    sampling: frozenset[str] = _SAMPLING
    #: Takes ``response_format`` ``json_object``, and ``json_schema``; where it does not, words ask for it.
    json_mode: bool = False
    json_schema: bool = False

    @property
    def openai_shaped(self) -> bool:
        """Speaks OpenAI's protocol, at any address."""
        return self.dialect == "openai"

    def address(self, environment: Mapping[str, str]) -> str | None:
        """Return where it is found in this environment; None: where LiteLLM knows it."""
        named = environment.get(self.base_url_variable) if self.base_url_variable else None
        return self.completed(named) if named else self.base_url

    def completed(self, address: str) -> str:
        """Return ``address`` with the provider's own path, where it has none."""
        if "://" not in address:
            address = f"http://{address}"
        bare = address.rstrip("/")
        return bare if "/" in bare.partition("://")[2] else bare + self.path


PROVIDERS: dict[str, Provider] = {
    provider.name.lower(): provider
    for provider in (
        Provider(
            "OpenAI", "openai", "OPENAI_API_KEY", base_url="https://api.openai.com/v1",
            base_url_variable="OPENAI_BASE_URL", media=(*_PICTURES, _DOCUMENT), longest="max_completion_tokens",
            sampling=_OPENAI_SAMPLING | {"seed"}, json_mode=True, json_schema=True,
        ),
        Provider(
            "DeepSeek", "deepseek", "DEEPSEEK_API_KEY", base_url="https://api.deepseek.com/beta",
            base_url_variable="DEEPSEEK_BASE_URL", longest="max_completion_tokens", sampling=_OPENAI_SAMPLING,
            json_mode=True,
        ),
        Provider(
            "TogetherAI", "together_ai", "TOGETHER_AI_API_KEY", base_url="https://api.together.xyz/v1",
            base_url_variable="TOGETHER_BASE_URL", longest="max_completion_tokens",
            sampling=_OPENAI_SAMPLING | {"seed"}, json_mode=True, json_schema=True,
        ),
        Provider(
            "xAI", "xai", "XAI_API_KEY", base_url="https://api.x.ai/v1", base_url_variable="XAI_BASE_URL",
            sampling=_SAMPLING | {"stop", "seed"}, json_mode=True, json_schema=True,
        ),
        Provider(
            "Perplexity", "perplexity", "PERPLEXITY_API_KEY", base_url="https://api.perplexity.ai",
            base_url_variable="PERPLEXITY_BASE_URL",
            sampling=_SAMPLING | {"top_k", "frequency_penalty", "presence_penalty"}, json_schema=True,
        ),
        Provider(
            "Groq", "groq", "GROQ_API_KEY", base_url="https://api.groq.com/openai/v1",
            base_url_variable="GROQ_BASE_URL", path="/openai/v1", sampling=_SAMPLING | {"stop", "seed"},
        ),
        Provider(
            "Ollama", "ollama", "OLLAMA_API_KEY", base_url="http://localhost:11434/v1",
            base_url_variable="OLLAMA_HOST", path="/v1", sampling=_OPENAI_SAMPLING | {"seed"}, json_schema=True,
        ),
        Provider(
            "Anthropic", "anthropic", "ANTHROPIC_API_KEY", dialect="anthropic", base_url="https://api.anthropic.com",
            base_url_variable="ANTHROPIC_BASE_URL", sampling=_SAMPLING | {"top_k", "stop"},
        ),
        Provider(
            "GoogleAI", "gemini", "GOOGLE_AI_API_KEY", dialect="litellm", base_url_variable="GOOGLE_AI_BASE_URL",
            path="/v1beta", media=_EVERYTHING, sampling=_SAMPLING | {"top_k", "stop", "seed"},
            json_mode=True, json_schema=True,
        ),
        Provider(
            "VertexAI", "vertex_ai", "", dialect="litellm", base_url_variable="VERTEXAI_BASE_URL",
            media=_EVERYTHING, sampling=_SAMPLING | {"top_k", "stop", "seed"}, json_mode=True, json_schema=True,
        ),
        Provider(
            "Bedrock", "bedrock", "", dialect="litellm", base_url_variable="AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
            media=(*_PICTURES, _DOCUMENT), sampling=_SAMPLING | {"stop"},
        ),
    )
}  # fmt: skip

_FAMILIES = {
    "gpt-": "OpenAI",
    "chatgpt-": "OpenAI",
    "o1": "OpenAI",
    "o3": "OpenAI",
    "o4": "OpenAI",
    "claude-": "Anthropic",
    "gemini-": "GoogleAI",
    "grok-": "xAI",
    "deepseek-": "DeepSeek",
    "sonar": "Perplexity",
}


def provider_of_family(name: str) -> str | None:
    """Guess who serves a model that is newer than the catalogue, by the way its name begins."""
    name = name.lower()
    return next((provider for beginning, provider in _FAMILIES.items() if name.startswith(beginning)), None)
